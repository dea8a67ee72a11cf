package pipelines_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
)

// What a run leaves when it is killed is what is found.
func TestCleanFindsTheFoldersOfRuns(t *testing.T) {
	folder := t.TempDir()
	runFolder := filepath.Join(folder, "staging")
	cfg := runtest.Configure(t, folder, runtest.SampleConfig+"staging: staging\n")
	var found []staging.Cleaned
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := runtest.Run(t, ctx, cfg, func() {
		old := time.Now().Add(-48 * time.Hour)
		runs, err := filepath.Glob(filepath.Join(runFolder, "*"))
		require.NoError(t, err)
		require.Len(t, runs, 1)
		require.NoError(t, filepath.Walk(runs[0], func(path string, _ os.FileInfo, _ error) error { return os.Chtimes(path, old, old) }))
		found, err = staging.Clean(t.Context(), cfg, staging.CleanOptions{OlderThan: time.Hour})
		require.NoError(t, err)
		cancel()
	})
	require.Error(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, staging.CleanAlive, found[0].Outcome, "its run holds the lock")
}
