package storage_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// tree makes files, each holding its own name.
func tree(t *testing.T, names ...string) string {
	folder := t.TempDir()
	for _, name := range names {
		path := filepath.Join(folder, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(name), 0o644))
	}
	return folder
}

func TestLocal(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) (storage.Store, string) { return storage.Local{}, t.TempDir() })
}

func TestGlobFollowsSymbolicLinks(t *testing.T) {
	real := tree(t, "deep/a.parquet")
	folder := t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(real, "deep"), filepath.Join(folder, "linked")))
	require.NoError(t, os.Symlink(filepath.Join(real, "deep", "a.parquet"), filepath.Join(folder, "b.parquet")))
	found, err := storage.Local{}.Glob(t.Context(), folder+"/**/*.parquet")
	require.NoError(t, err)
	require.Len(t, found, 2)
	assert.EqualValues(t, len("deep/a.parquet"), found[0].Size, "the size of what the link leads to")

	require.NoError(t, os.Symlink(filepath.Join(real, "gone"), filepath.Join(folder, "c.parquet")))
	_, err = storage.Local{}.Glob(t.Context(), folder+"/*.parquet")
	require.ErrorContains(t, err, "c.parquet is a symbolic link that leads nowhere")
	_, err = storage.Local{}.Glob(t.Context(), folder+"/c.parquet")
	require.ErrorContains(t, err, "leads nowhere")
}

// What removes folders by what it lists must not follow links out of them.
func TestListingDoesNotFollowSymbolicLinks(t *testing.T) {
	outside := tree(t, "deep/a")
	folder := tree(t, "b")
	require.NoError(t, os.Symlink(filepath.Join(outside, "deep"), filepath.Join(folder, "linked")))
	require.NoError(t, os.Symlink(filepath.Join(outside, "gone"), filepath.Join(folder, "dangling")))
	folders, err := storage.Local{}.Folders(t.Context(), folder)
	require.NoError(t, err)
	assert.Empty(t, folders)
	files, err := storage.Local{}.List(t.Context(), folder)
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		names = append(names, filepath.Base(file.URI))
	}
	assert.ElementsMatch(t, []string{"b", "linked", "dangling"}, names, "links as they are")
}

func TestOpenComparesTheTimeOfModification(t *testing.T) {
	folder := tree(t, "a")
	path := filepath.Join(folder, "a")
	info, err := storage.Local{}.Stat(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, os.Chtimes(path, time.Now(), time.Now().Add(time.Second)))
	_, err = storage.Local{}.Open(t.Context(), info)
	require.ErrorIs(t, err, storage.ErrChanged)
}

func TestPutLeavesNothingAfterAFailure(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "taken", "by a folder"), 0o755))
	require.Error(t, storage.Local{}.Put(t.Context(), filepath.Join(folder, "taken"), []byte("x")))
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no temporary file stays")
}

func TestMoveFile(t *testing.T) {
	folder := tree(t, "from", "to")
	from, to := filepath.Join(folder, "from"), filepath.Join(folder, "new", "to")
	require.NoError(t, storage.MoveFile(from, to))
	assert.NoFileExists(t, from)
	data, err := os.ReadFile(to)
	require.NoError(t, err)
	assert.Equal(t, "from", string(data))

	require.NoError(t, storage.MoveFile(to, filepath.Join(folder, "to")))
	data, err = os.ReadFile(filepath.Join(folder, "to"))
	require.NoError(t, err)
	assert.Equal(t, "from", string(data), "what stood there was replaced")
	require.ErrorIs(t, storage.MoveFile(from, to), fs.ErrNotExist)
}

// On many systems the folder for shared memory is a file system of its own.
func TestMoveFileAcrossFileSystems(t *testing.T) {
	other := "/dev/shm"
	if _, err := os.Stat(other); err != nil {
		other = os.TempDir()
	}
	elsewhere, err := os.MkdirTemp(other, "hl")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(elsewhere) })
	from := filepath.Join(elsewhere, "from")
	require.NoError(t, os.WriteFile(from, []byte("moved"), 0o644))
	to := filepath.Join(t.TempDir(), "to")
	require.NoError(t, storage.MoveFile(from, to))
	assert.NoFileExists(t, from)
	data, err := os.ReadFile(to)
	require.NoError(t, err)
	assert.Equal(t, "moved", string(data))
}

func TestUploadAndDownloadLocally(t *testing.T) {
	folder := tree(t, "from")
	from, to, back := filepath.Join(folder, "from"), filepath.Join(folder, "new", "to"), filepath.Join(folder, "back", "again")
	info, err := storage.Upload(t.Context(), from, to, storage.IfAbsent())
	require.NoError(t, err)
	assert.FileExists(t, from)
	require.NoError(t, storage.Download(t.Context(), info, back))
	data, err := os.ReadFile(back)
	require.NoError(t, err)
	assert.Equal(t, "from", string(data))

	_, err = storage.Upload(t.Context(), from, to, storage.IfAbsent())
	require.ErrorIs(t, err, storage.ErrExists)
	_, err = storage.Upload(t.Context(), filepath.Join(folder, "missing"), to, storage.Any())
	require.ErrorIs(t, err, fs.ErrNotExist)
}
