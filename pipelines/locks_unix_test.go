//go:build unix

package pipelines_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
)

// In folders of outputs and rejects where others can write, too, what looks like the leftover of
// a dead run neither keeps runs waiting nor has them make files elsewhere.
func TestLocksThatOthersLeft(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"), 1, 2, 3)
	elsewhere := filepath.Join(folder, "elsewhere")
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{".numbers.hyperlake-", ".bad.hyperlake-rejects-"} {
		pipe, link := filepath.Join(folder, name+"pipe"), filepath.Join(folder, name+"link")
		require.NoError(t, os.Mkdir(pipe, 0o755))
		require.NoError(t, syscall.Mkfifo(filepath.Join(pipe, "lock"), 0o666))
		require.NoError(t, os.Mkdir(link, 0o755))
		require.NoError(t, os.Symlink(elsewhere, filepath.Join(link, "lock")))
		require.NoError(t, os.Chtimes(link, old, old))
	}
	cfg := runtest.Configure(t, folder, runtest.NumbersConfig+"    rules: [{column: n, min: 2}]\n    rejects: {path: bad}\n")
	record, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, report.Succeeded, record.Status)
	assert.NoFileExists(t, elsewhere)
}
