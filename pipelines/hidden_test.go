package pipelines_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
)

// hiddenLake is a configuration of a table that says of which columns it tells values.
func hiddenLake(t *testing.T, folder, mode, about string) *config.Config {
	t.Helper()
	return runtest.Configure(t, folder, `
name: people
tables: [{name: people, source: {uri: lake/*.parquet}, columns: {mail: {rename: e-mail}}}]
refresh: {mode: `+mode+`}
report: `+about+"\n")
}

// boundsOf are the least values in a report by column; those that are hidden are "hidden".
func boundsOf(t *testing.T, r *report.Report) map[string]string {
	t.Helper()
	bounds := map[string]string{}
	for _, column := range r.Tables[0].Columns {
		bounds[column.Name] = column.Min
		if column.Hidden {
			assert.Empty(t, column.Min+column.Max)
			bounds[column.Name] = "hidden"
		}
		require.NotNil(t, column.Distinct)
		assert.EqualValues(t, 2, *column.Distinct, "how many values there are is no value")
	}
	return bounds
}

// What a report tells is what the configuration says today, also of an extract that stays. It is no reason to make it anew.
func TestHiddenColumns(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "lake", "f.parquet"), `[{"id": 1, "mail": "a@b.c"}, {"id": 2, "mail": "d@e.f"}]`,
		runtest.Field("id", runtest.Int64Type), runtest.Field("mail", runtest.TextType))
	run := func(mode, about string) *report.Report {
		r, err := runtest.Run(t, t.Context(), hiddenLake(t, folder, mode, about), nil)
		require.NoError(t, err)
		return r
	}
	for about, want := range map[string]map[string]string{
		"{}":                                {"id": "1", "e-mail": "hidden"},
		"{text_values: true}":               {"id": "1", "e-mail": "a@b.c"},
		"{text_values: true, hide: [mail]}": {"id": "1", "e-mail": "hidden"},
		"{text_values: true, hide: [people.e-mail, id]}":     {"id": "hidden", "e-mail": "hidden"},
		"{text_values: true, hide: [Extract.people.e-mail]}": {"id": "1", "e-mail": "hidden"},
	} {
		assert.Equal(t, want, boundsOf(t, run("full", about)), about)
	}
	run("changed", "{text_values: true}")
	for _, night := range []struct {
		about string
		want  map[string]string
	}{
		{"{text_values: true}", map[string]string{"id": "1", "e-mail": "a@b.c"}},
		{"{text_values: true, hide: [id]}", map[string]string{"id": "hidden", "e-mail": "a@b.c"}},
		{"{}", map[string]string{"id": "1", "e-mail": "hidden"}},
		{"{}", map[string]string{"id": "1", "e-mail": "hidden"}}, // at a glance
	} {
		r := run("changed", night.about)
		assert.Equal(t, report.Unchanged, r.Status, r.Refresh.Reason)
		assert.Equal(t, night.want, boundsOf(t, r), night.about)
	}
}

// A name that is wrong would hide nothing: it is refused before any data is read.
func TestHiddenColumnsThatThereAreNot(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "lake", "f.parquet"), `[{"mail": "a@b.c"}]`, runtest.Field("mail", runtest.TextType))
	for about, says := range map[string]string{
		"{hide: [mail, e-mial]}":   `config.yaml:5:23: report.hide[1]: no table loads a column "e-mial"; did you mean "e-mail"?`,
		"{hide: [persons.mail]}":   `report.hide[0]: no table loads a column "persons.mail"`,
		"{hide: [a.people.mail]}":  `no table loads a column "a.people.mail"`,
		"{hide: ['']}":             `no table loads a column ""`,
		"{hide: [people..e-mail]}": `did you mean "people.e-mail"?`,
	} {
		_, err := pipelines.MakePlan(t.Context(), hiddenLake(t, folder, "full", about))
		failed := failure.Of(err, failure.Engine)
		require.NotNil(t, failed, about)
		assert.Contains(t, failed.Sentence(), says)
		assert.Equal(t, failure.Config, failed.Kind)
		assert.True(t, failed.Early)
	}
}
