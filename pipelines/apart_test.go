package pipelines_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines"
	"hyperlake/pipelines/runtest"
)

// What one part of a run writes, no other part replaces, and no later run reads.
func TestPlacesOfARunAreApart(t *testing.T) {
	t.Parallel()
	const (
		all    = "tables:\n  - source: {uri: 'lake/**/*.parquet'}\n    rejects: {path: %s}\n"
		second = "  - name: second\n    source: {uri: '%s'}\n    rejects: {path: %s}\n"
		flat   = "tables:\n  - source: {uri: 'lake/*.parquet'}\n    rejects: {path: rejects/first}\n"
		comes  = "which the next run would load"
		whole  = "replaced as a whole"
	)
	with := func(text string, values ...any) string { return fmt.Sprintf(text, values...) }
	for name, c := range map[string]struct{ tables, refused string }{
		"rejects in the source":           {with(all, "lake/bad"), comes},
		"by a link":                       {with(all, "link/bad/worse"), comes},
		"by dots":                         {with(all, "other/../lake/./bad/"), comes},
		"the source itself":               {with(all, "lake"), comes},
		"beside the source":               {with(all, "lakes"), ""},
		"in a source that is a folder":    {"tables:\n  - source: {uri: lake/}\n    rejects: {path: lake/bad}\n", comes},
		"the folder that is the source":   {"tables:\n  - source: {uri: lake}\n    rejects: {path: link}\n", comes},
		"unseen in a source of a folder":  {"tables:\n  - source: {uri: lake}\n    rejects: {path: lake/_bad}\n", ""},
		"staging in a source of a folder": {"tables:\n  - source: {uri: lake}\n    rejects: {path: bad}\nstaging: lake/staging\n", comes},
		"on Google's storage, a folder":   {"tables:\n  - source: {uri: 'gs://b/lake'}\n    rejects: {path: 'gs://b/lake/bad/'}\n", comes},
		"where sources do not look":       {with(all, "lake/_bad"), ""},
		"too deep for the source":         {with(flat+second, "lake/*.parquet", "lake/deep/er"), ""},
		"in another's source":             {with(all+second, "elsewhere", "other/*.parquet", "lake/bad"), comes},
		"another's rejects are the table": {with(flat+second, "rejects/first/*.parquet", "rejects/second"), "no files match"},
		"the same, by dots":               {with(flat+second, "lake/*.parquet", "rejects/../rejects/first"), whole},
		"the same, by a link":             {with(flat+second, "lake/*.parquet", "again/first"), whole},
		"around another's":                {with(flat+second, "lake/*.parquet", "rejects"), whole},
		"in another's":                    {with(flat+second, "lake/*.parquet", "rejects/first/second"), whole},
		"around staging":                  {with(all, "work") + "staging: work/staging\n", whole},
		"staging":                         {with(all, "work/staging") + "staging: work/staging\n", whole},
		"around the output":               {with(all, "out") + "output: {path: out/x.hyper}\n", whole},
		"the output":                      {with(all, "out/x.hyper") + "output: {path: out/x.hyper}\n", whole},
		"the state":                       {with(all, "x.hyperlake"), whole},
		"in the state":                    {with(all, "x.hyperlake/publications"), whole},
		"around the state":                {with(all, "work") + "state: work/state\n", whole},
		"staging in the source":           {with(all, "bad") + "staging: lake/staging\n", comes},
		"staging out of sight":            {with(all, "bad") + "staging: lake/.staging\n", ""},
		"on Google's storage":             {"tables:\n  - source: {uri: 'gs://b/lake/**'}\n    rejects: {path: 'gs://b/lake/bad/'}\n", comes},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			for _, made := range []string{"lake", "rejects", "other"} {
				require.NoError(t, os.Mkdir(filepath.Join(folder, made), 0o700))
			}
			require.NoError(t, os.Symlink("lake", filepath.Join(folder, "link")))
			require.NoError(t, os.Symlink("rejects", filepath.Join(folder, "again")))
			runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"), 1)
			_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, "name: x\n"+c.tables))
			if c.refused == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.refused)
			assert.True(t, failure.Of(err, "none").Early)
		})
	}
}

// Names that leave no room for those of hidden folders are refused before anything is read.
func TestNamesThatAreTooLong(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"), 1)
	const source = "name: x\ntables:\n  - source: {uri: 'lake/*.parquet'}\n"
	plan := func(format string, length int) error {
		config := source + fmt.Sprintf(format, strings.Repeat("n", length))
		_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, config))
		return err
	}
	const output, rejects = "output: {path: out/%s.hyper}\n", "    rejects: {path: bad/%s}\n"
	require.NoError(t, plan(output, 218))
	require.NoError(t, plan(rejects, 210))
	for _, err := range []error{plan(output, 219), plan(rejects, 211)} {
		require.ErrorContains(t, err, "would have more than 255")
		failed := failure.Of(err, "none")
		assert.True(t, failed.Early)
		assert.Contains(t, failed.Hint, "1 byte shorter")
	}
}
