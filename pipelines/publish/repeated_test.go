package publish_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines"
	"hyperlake/pipelines/publish"
	"hyperlake/pipelines/runtest"
	"hyperlake/sinks/tableau/tableautest"
)

// Rows of a payload that mean the same row of the data source are told before anything is sent.
func TestRepeatedKeysAreTold(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	s.Lake(runtest.Item(1, "a"), runtest.Item(2, "b"), runtest.Item(2, "geheim"), runtest.Item(2, "d"))
	s.MustRun("mode: create")
	for name, test := range map[string]struct {
		keys string
		rows int64
	}{
		"upsert":      {"mode: upsert, match: [id]", 2},
		"update":      {"mode: update, match: [id]", 2},
		"delete":      {"mode: delete, match: [id]", 0},
		"other match": {"mode: upsert, match: [name]", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s.Inject(tableautest.Fault{Method: "POST", Path: "/fileUploads", Status: 403, Code: "403004"}) // it is told before
			var log bytes.Buffer
			record, err := pipelines.Publish(t.Context(), s.Config(test.keys), publish.Options{
				ID: name, Log: slog.New(slog.NewTextHandler(&log, nil)), Force: true,
			})
			require.Error(t, err)
			assert.Contains(t, failure.Of(err, failure.Engine).Message, "403004")
			assert.Equal(t, test.rows, record.Publish.RepeatedKeys)
			if test.rows > 0 {
				assert.Regexp(t, `level=WARN msg="rows of the payload have the same keys as others: .*" datasource=Items match=id rows=2\n`, log.String())
			} else {
				assert.NotContains(t, log.String(), "keys")
			}
			assert.NotContains(t, log.String(), "geheim")
		})
	}
}
