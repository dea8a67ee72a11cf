package doctor_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/doctor"
	"hyperlake/pipelines/runtest"
)

// Several checks ask what there is to read of a source, which is looked at once.
func TestSourcesAreLookedAtOnce(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../internal/lake/iceberg/testdata/evolved/metadata/*.metadata.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	metadata, err := filepath.Abs(files[0])
	require.NoError(t, err)
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/config" {
			_, _ = io.WriteString(w, `{"defaults": {}, "overrides": {}}`)
			return
		}
		asked.Add(1)
		_, _ = fmt.Fprintf(w, `{"metadata-location": %q}`, metadata)
	}))
	t.Cleanup(server.Close)
	cfg := runtest.Configure(t, t.TempDir(), fmt.Sprintf(
		"name: x\ntables: [{source: {nested: json, catalog: {type: rest, uri: %q, table: sales.orders}}}]\n", server.URL))
	findings := doctor.Diagnose(t.Context(), doctor.Checks(cfg, func(context.Context) (string, error) { return "", nil }))
	for _, finding := range findings {
		if finding.Check == "source of Extract.Extract" {
			assert.Contains(t, finding.Found, "5 files")
		}
	}
	assert.EqualValues(t, 1, asked.Load())
}
