//go:build unix

package storage_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
)

// permissionsOf are the mode, owner and group of a file.
func permissionsOf(t *testing.T, path string) (fs.FileMode, *syscall.Stat_t) {
	t.Helper()
	stat, err := os.Stat(path)
	require.NoError(t, err)
	return stat.Mode().Perm(), stat.Sys().(*syscall.Stat_t)
}

func TestAFileKeepsThePermissionsOfTheOneThatItReplaces(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{0o600, 0o604, 0o640, 0o664, 0o666, 0o755} {
		path := filepath.Join(tree(t, "a"), "a")
		require.NoError(t, os.Chmod(path, mode))

		require.NoError(t, storage.Local{}.Put(t.Context(), path, []byte("new")))

		got, _ := permissionsOf(t, path)
		assert.Equal(t, mode, got)
	}
}

// Only an administrator may give a file away, or a member of the group give it to the group.
func TestAFileKeepsTheOwnerOfTheOneThatItReplaces(t *testing.T) {
	t.Parallel()
	const nobody, group = 65534, 54321
	path := filepath.Join(tree(t, "a"), "a")
	require.NoError(t, os.Chmod(path, 0o640))
	given := os.Chown(path, nobody, group) == nil
	_, before := permissionsOf(t, path)

	require.NoError(t, storage.Local{}.Put(t.Context(), path, []byte("new")))

	mode, after := permissionsOf(t, path)
	assert.Equal(t, fs.FileMode(0o640), mode)
	assert.Equal(t, before.Uid, after.Uid)
	assert.Equal(t, before.Gid, after.Gid)
	assert.Equal(t, given, after.Uid == nobody)
}

func TestAGroupThatCannotBeKeptGetsNoMoreThanEverybody(t *testing.T) {
	t.Parallel()
	for mode, want := range map[fs.FileMode]fs.FileMode{0o640: 0o600, 0o664: 0o644, 0o660: 0o600, 0o644: 0o644, 0o666: 0o666, 0o751: 0o711} {
		assert.Equal(t, want, storage.WithoutGroup(mode), mode)
	}
}

func TestAPrivateFileIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(tree(t, "a"), "a")
	require.NoError(t, os.Chmod(path, 0o666))
	w, err := storage.CreatePrivate(t.Context(), path, storage.Any())
	require.NoError(t, err)
	_, err = w.Commit()
	require.NoError(t, err)
	got, _ := permissionsOf(t, path)
	assert.Equal(t, fs.FileMode(0o600), got)
}

// Whoever may rename files in the folder may put a link in the place of the one that is being
// written: permissions and owner are for the file that was written alone.
func TestPermissionsAreForTheFileThatWasWritten(t *testing.T) {
	t.Parallel()
	folder := tree(t, "a", "victim")
	path, victim := filepath.Join(folder, "a"), filepath.Join(folder, "victim")
	require.NoError(t, os.Chmod(path, 0o666))
	require.NoError(t, os.Chmod(victim, 0o600))
	w, err := storage.Local{}.Create(t.Context(), path, storage.Any())
	require.NoError(t, err)
	temps, err := filepath.Glob(filepath.Join(folder, ".a.*.tmp"))
	require.NoError(t, err)
	require.Len(t, temps, 1)
	require.NoError(t, os.Remove(temps[0]))
	require.NoError(t, os.Symlink(victim, temps[0]))

	_, _ = w.Commit()

	mode, _ := permissionsOf(t, victim)
	assert.Equal(t, fs.FileMode(0o600), mode)
}
