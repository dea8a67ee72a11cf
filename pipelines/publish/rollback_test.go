package publish_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

func TestRollBack(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{Flows: []string{"Clean"}})
	const keys = "mode: overwrite, if_changed: true, refresh: {flows: [Clean]}"
	for _, row := range []string{"first", "second", "third"} {
		s.Lake(runtest.Item(1, row))
		s.MustRun(keys)
	}
	cfg := s.Config(keys)
	id := s.Datasources("marketing")[0].ID
	revisions, err := pipelines.Revisions(t.Context(), cfg, publish.Options{})
	require.NoError(t, err)
	require.Len(t, revisions, 1)
	assert.Equal(t, "Items", revisions[0].Datasource)
	require.Len(t, revisions[0].Revisions, 3)

	for _, step := range []struct {
		number, to int
		rows       []string
	}{{publish.Previous, 2, []string{"1|second"}}, {1, 1, []string{"1|first"}}, {4, 4, []string{"1|second"}}} {
		record, err := s.Publish(cfg, publish.Options{RollBack: step.number})
		require.NoError(t, err)
		assert.Equal(t, report.Succeeded, record.Status)
		assert.Equal(t, []any{step.to, "published", id}, []any{record.Publish.RolledBackTo, record.Publish.Outcome, record.Publish.DatasourceID})
		assert.Equal(t, step.rows, s.Rows())
		assert.Len(t, record.Publish.Refreshed, 1)
	}

	// The ledger knows that the rows of the extract are gone.
	record, err := s.Publish(cfg, publish.Options{})
	require.NoError(t, err)
	assert.Equal(t, "published", record.Publish.Outcome)
	assert.Equal(t, []string{"1|third"}, s.Rows())
	_, err = s.Publish(cfg, publish.Options{RollBack: publish.Previous})
	require.NoError(t, err)
	s.StepClock(time.Minute) // a second in which the data source has changed need not pass then
	_, err = s.Publish(s.Config("mode: append"), publish.Options{})
	require.NoError(t, err)
	assert.Equal(t, []string{"1|second", "1|third"}, s.Rows())
	runtest.RequireOnly(t, s.Folder, "config.yaml", "items.hyper", "items.hyperlake", "lake")
}

func TestRollBackFails(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "first"))
	s.MustRun("mode: overwrite")
	cfg := s.Config("mode: overwrite")
	rollBack := func(number int) *failure.Error {
		_, err := s.Publish(cfg, publish.Options{RollBack: number, Command: "CMD"})
		require.Error(t, err)
		return failure.Of(err, failure.Engine)
	}
	assert.Equal(t, "the server has no earlier revision of the data source", rollBack(publish.Previous).Message)
	s.Lake(runtest.Item(1, "second"))
	s.MustRun("mode: overwrite")
	assert.Equal(t, "revision 2 is what the data source has now", rollBack(2).Message)
	failed := rollBack(7)
	assert.Equal(t, failure.Publish, failed.Kind)
	assert.Equal(t, "the server has no revision 7 of the data source", failed.Message)
	assert.Contains(t, failed.Hint, "there are the revisions 1; ")

	s.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/datasources", Status: 403, Code: "403008"})
	failed = rollBack(publish.Previous)
	assert.Contains(t, failed.Hint, "`CMD --rollback=1` repeats just that", "of another number, once it is done")
	assert.Equal(t, []string{"1|second"}, s.Rows())

	s.Inject(tableautest.Fault{Method: http.MethodPost, Path: "/datasources", LoseReply: true})
	record, err := s.Publish(cfg, publish.Options{RollBack: 1})
	require.NoError(t, err)
	assert.Equal(t, "published", record.Publish.Outcome)
	assert.Equal(t, []string{"1|first"}, s.Rows())

	two := runtest.Configure(t, s.Folder, "name: two\ntables:\n  - {name: a, datasource: A, source: {uri: lake/*.parquet}}\n"+
		"  - {name: b, source: {uri: lake/*.parquet}}\npublish: {allow_http: true}\n")
	_, err = s.Publish(two, publish.Options{RollBack: 1})
	assert.Equal(t, failure.Usage, failure.Of(err, failure.Engine).Kind)
	assert.ErrorContains(t, err, "names 2: A, two")
}
