//go:build unix

package rejects_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/sinks/rejects"
)

// Rejects are for their owner alone, who is that of the folder that is there.
func TestPublishKeepsRejectsToTheirOwner(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	modes := func(folder string) (modes []os.FileMode) {
		for _, path := range []string{folder, filepath.Join(folder, "part-00000-r.parquet")} {
			stat, err := os.Stat(path)
			require.NoError(t, err)
			modes = append(modes, stat.Mode().Perm())
		}
		return modes
	}
	folder := filepath.Join(parent, "rejects")
	require.NoError(t, rejects.Publish(t.Context(), staged(t, t.TempDir(), 1), folder, "r"))
	assert.Equal(t, []os.FileMode{0o700, 0o600}, modes(folder))

	require.NoError(t, os.Chmod(folder, 0o750))
	given := os.Chown(folder, 65534, -1) == nil
	require.NoError(t, rejects.Publish(t.Context(), staged(t, t.TempDir(), 1), folder, "r"))
	assert.Equal(t, []os.FileMode{0o750, 0o600}, modes(folder))
	for _, path := range []string{folder, filepath.Join(folder, "part-00000-r.parquet")} {
		stat, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, given, stat.Sys().(*syscall.Stat_t).Uid == 65534, path)
	}
}
