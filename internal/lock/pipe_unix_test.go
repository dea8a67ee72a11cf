//go:build unix

package lock

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Nobody waits at a pipe in the place of a lock, whoever may be at its other end.
func TestAPipeInTheWay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.lock")
	require.NoError(t, syscall.Mkfifo(path, 0o666))
	both, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer both.Close()
	first, err := try(t, path, "first")
	require.NoError(t, err)
	requireTaken(t, path, "") // who it is cannot be read
	require.NoError(t, first.Release(t.Context()))
	assert.NoFileExists(t, path)
}
