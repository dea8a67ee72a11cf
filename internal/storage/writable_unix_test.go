//go:build unix

package storage_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
)

func TestCheckWritable(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, storage.CheckWritable(folder))
	require.ErrorIs(t, storage.CheckWritable(filepath.Join(folder, "none")), fs.ErrNotExist)
	closed := filepath.Join(folder, "closed")
	require.NoError(t, os.Mkdir(closed, 0o555))
	if os.Geteuid() == 0 {
		require.NoError(t, storage.CheckWritable(closed), "root may write everywhere")
	} else {
		require.ErrorIs(t, storage.CheckWritable(closed), fs.ErrPermission)
	}
}
