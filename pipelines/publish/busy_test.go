package publish_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

func TestSomebodyElseIsChangingTheDatasource(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{Flows: []string{"Clean"}})
	s.Lake(runtest.Item(1, "a"))
	s.MustRun("mode: create")
	release, err := s.Occupy(s.Datasources("marketing")[0].ID)
	require.NoError(t, err)
	s.Lake(runtest.Item(2, "b"))
	set := "name: items\noutput: {merge: none}\ntables: [{source: {uri: lake/*.parquet}}]\n" +
		"publish: {project: Sales/Nightly, datasource: Items, allow_http: true, on_busy: skip}\n"

	s.StepClock(time.Minute) // a second in which the data source has changed need not pass then
	for _, mode := range []string{"overwrite", "append", "insert", "upsert, match: [id]"} {
		record, err := s.Run(s.Config("mode: " + mode + ", on_busy: skip, description: d, refresh: {flows: [Clean]}"))
		require.NoError(t, err, mode)
		assert.Equal(t, []any{report.Succeeded, "skipped"}, []any{record.Status, record.Publish.Outcome}, mode)

		record, err = s.Run(s.Config("mode: " + mode + ", on_busy: fail"))
		assert.Contains(t, requireUnpublished(t, record, err).Message, "status 4", mode)
		assert.Equal(t, "failed", record.Publish.Outcome, mode)
	}
	record, err := s.Run(runtest.Configure(t, s.Folder, set))
	require.NoError(t, err)
	assert.Equal(t, "skipped", record.Publish.Outcome)
	assert.Empty(t, s.Datasources("marketing")[0].Description)
	assert.Empty(t, s.Refreshed("marketing"))
	assert.Equal(t, []string{"1|a"}, s.Rows())

	release()
	record, err = s.Run(s.Config("mode: append, on_busy: skip"))
	require.NoError(t, err)
	assert.Equal(t, "published", record.Publish.Outcome)
	assert.Equal(t, []string{"1|a", "2|b"}, s.Rows())

	s.Lake(runtest.Item(3, "c"))
	s.Inject(tableautest.Fault{Method: http.MethodPatch, Path: "/data", Status: 409, Code: "409004"})
	s.MustRun("mode: insert")
	assert.Equal(t, []string{"1|a", "2|b", "3|c"}, s.Rows(), "waited for")
}
