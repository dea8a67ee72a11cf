package storage_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) (storage.Store, string) { return storage.Local{}, t.TempDir() })
}

func TestGlobFollowsSymbolicLinks(t *testing.T) {
	t.Parallel()
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

// Links that lead round lead to nothing twice, and end nothing.
func TestGlobEndsInCircles(t *testing.T) {
	t.Parallel()
	folder := tree(t, "lake/a.parquet", "lake/x/b.parquet", "lake/y/c.parquet")
	lake := filepath.Join(folder, "lake")
	for name, to := range map[string]string{
		"here": ".", "above": "..", "x/again": "../x", "x/y": "../y", "y/x": "../x", "self": "self", "one": "other", "other": "one",
	} {
		require.NoError(t, os.Symlink(to, filepath.Join(lake, name)))
	}
	for _, pattern := range []string{"lake/**/*.parquet", "**/*.parquet", "**/lake/**/*.parquet", "lake/{**,x}/*.parquet"} {
		found, err := storage.Local{}.Glob(t.Context(), folder+"/"+pattern)
		require.NoError(t, err, pattern)
		distinct, aliases := storage.Distinct(found)
		var names []string
		for _, file := range distinct {
			name, _ := filepath.Rel(folder, file.URI)
			names = append(names, name)
		}
		assert.ElementsMatch(t, []string{"lake/a.parquet", "lake/x/b.parquet", "lake/y/c.parquet"}, names, pattern)
		assert.Less(t, len(aliases), 100, pattern)
	}
	found, err := storage.Local{}.Glob(t.Context(), lake+"/*/a.parquet")
	require.NoError(t, err)
	require.Len(t, found, 1, "only the link leads there")
	assert.Equal(t, filepath.Join(lake, "here", "a.parquet"), found[0].URI)

	for _, pattern := range []string{"/self", "/s*f", "/**/self"} {
		_, err = storage.Local{}.Glob(t.Context(), lake+pattern)
		require.ErrorContains(t, err, "self is a symbolic link that leads back to itself", pattern)
	}
}

// Many folders full of links to each other are an error, not a walk without an end.
func TestGlobDoesNotWalkAllCircles(t *testing.T) {
	t.Parallel()
	folder := tree(t, "0/a", "1/a", "2/a", "3/a", "4/a", "5/a", "6/a", "7/a")
	for from := range 8 {
		for to := range 8 {
			require.NoError(t, os.Symlink(fmt.Sprintf("../%d", to), filepath.Join(folder, strconv.Itoa(from), fmt.Sprintf("l%d", to))))
		}
	}
	_, err := storage.Local{}.Glob(t.Context(), folder+"/**/*.parquet")
	require.ErrorContains(t, err, "lead to each other in too many ways")
}

func TestDistinct(t *testing.T) {
	t.Parallel()
	outside := tree(t, "shared/o")
	folder := tree(t, "2026-01-01/a", "2026-01-02/b", "2026-01-02/c", "z")
	link := func(to, name string) { require.NoError(t, os.Symlink(to, filepath.Join(folder, name))) }
	link("2026-01-02", "1-latest")
	link("2026-01-01/a", "a-link")
	link(filepath.Join(outside, "shared"), "shared-1")
	link(filepath.Join(outside, "shared"), "shared-2")
	require.NoError(t, os.Link(filepath.Join(folder, "z"), filepath.Join(folder, "y")))
	link("z", "x")
	same := filepath.Join(folder, "same")
	require.NoError(t, os.WriteFile(same, []byte("z"), 0o644)) // another file that looks like z
	stat, err := os.Stat(filepath.Join(folder, "z"))
	require.NoError(t, err)
	require.NoError(t, os.Chtimes(same, stat.ModTime(), stat.ModTime()))

	found, err := storage.Local{}.Glob(t.Context(), folder+"/**")
	require.NoError(t, err)
	found = append(found, storage.Info{URI: "gs://b/a", Size: 1}, storage.Info{URI: "gs://b/b", Size: 1})
	distinct, aliases := storage.Distinct(found)
	name := func(info storage.Info) string { return strings.TrimPrefix(info.URI, folder+"/") }
	var kept, left []string
	for _, file := range distinct {
		kept = append(kept, name(file))
	}
	for _, alias := range aliases {
		left = append(left, fmt.Sprintf("%s is %s, %t", name(alias.Info), name(alias.Of), alias.Linked))
	}
	assert.Equal(t, []string{"2026-01-01/a", "2026-01-02/b", "2026-01-02/c", "same", "shared-1/o", "y", "gs://b/a", "gs://b/b"}, kept)
	assert.Equal(t, []string{
		"1-latest/b is 2026-01-02/b, true", "1-latest/c is 2026-01-02/c, true", "a-link is 2026-01-01/a, true",
		"shared-2/o is shared-1/o, false", "x is y, true", "z is y, false",
	}, left)
}

// What removes folders by what it lists must not follow links out of them.
func TestListingDoesNotFollowSymbolicLinks(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	folder := tree(t, "a")
	path := filepath.Join(folder, "a")
	info, err := storage.Local{}.Stat(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, os.Chtimes(path, time.Now(), time.Now().Add(time.Second)))
	_, err = storage.Local{}.Open(t.Context(), info)
	require.ErrorIs(t, err, storage.ErrChanged)
}

func TestPutLeavesNothingAfterAFailure(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "taken", "by a folder"), 0o755))
	require.Error(t, storage.Local{}.Put(t.Context(), filepath.Join(folder, "taken"), []byte("x")))
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no temporary file stays")
}

func TestMoveFile(t *testing.T) {
	t.Parallel()
	folder := tree(t, "from", "to")
	from, to := filepath.Join(folder, "from"), filepath.Join(folder, "new", "to")
	require.NoError(t, storage.MoveFile(t.Context(), from, to))
	assert.NoFileExists(t, from)
	data, err := os.ReadFile(to)
	require.NoError(t, err)
	assert.Equal(t, "from", string(data))

	require.NoError(t, storage.MoveFile(t.Context(), to, filepath.Join(folder, "to")))
	data, err = os.ReadFile(filepath.Join(folder, "to"))
	require.NoError(t, err)
	assert.Equal(t, "from", string(data), "what stood there was replaced")
	require.ErrorIs(t, storage.MoveFile(t.Context(), from, to), fs.ErrNotExist)
}

// On many systems the folder for shared memory is a file system of its own.
func TestMoveFileAcrossFileSystems(t *testing.T) {
	t.Parallel()
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
	require.NoError(t, storage.MoveFile(t.Context(), from, to))
	assert.NoFileExists(t, from)
	data, err := os.ReadFile(to)
	require.NoError(t, err)
	assert.Equal(t, "moved", string(data))
}

func TestUploadAndDownloadLocally(t *testing.T) {
	t.Parallel()
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
