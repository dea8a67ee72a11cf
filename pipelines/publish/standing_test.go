package publish_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

// The report of publishing what stands there says what that holds, also when publishing fails, and
// names no runner.
func TestReportOfWhatStandsThere(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"), runtest.Item(2, "b"))
	for name, text := range map[string]string{
		"one extract": "name: items\ntables: [{source: {uri: lake/*.parquet}}]\npublish: {allow_http: true, datasource: One}\n",
		"a set":       "name: items\ntables: [{source: {uri: lake/*.parquet}}]\noutput: {merge: none}\npublish: {allow_http: true, datasource: Set}\n",
	} {
		t.Run(name, func(t *testing.T) {
			cfg := runtest.Configure(t, s.Folder, text)
			built, err := s.Run(cfg)
			require.NoError(t, err, failure.Of(err, failure.Engine))
			for _, fails := range []bool{false, true} {
				if fails {
					s.Inject(tableautest.Fault{Method: "POST", Path: "/auth/signin", Status: 401, Code: "401001"})
				}
				record, err := s.Publish(cfg, publish.Options{})
				require.Equal(t, fails, err != nil, err)
				require.Len(t, record.Tables, 1)
				table := record.Tables[0]
				assert.Equal(t, []any{"Extract", "Extract", int64(2)}, []any{table.Schema, table.Name, table.RowsLoaded})
				if name == "one extract" {
					assert.Equal(t, built.Output, record.Output)
				}
				written, err := json.Marshal(record)
				require.NoError(t, err)
				assert.NotContains(t, string(written), `"runner"`)
				assert.Contains(t, string(written), `"rules":[],"checks":[]`)
			}
		})
	}
}
