package storage_test

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
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

func TestGlob(t *testing.T) {
	folder := tree(t,
		"a.parquet", "b.parquet", "c.txt", "_hidden.parquet", ".hidden.parquet",
		"year=2026/m=1/x.parquet", "year=2026/m=2/y.parquet", "year=2026/_temporary/z.parquet",
		".git/q.parquet", "odd [1]/p.parquet", "_SUCCESS",
	)
	cases := []struct {
		pattern string
		want    []string
	}{
		{"*.parquet", []string{"a.parquet", "b.parquet"}},
		{"a.parquet", []string{"a.parquet"}},
		{"missing.parquet", nil},
		{"missing/*.parquet", nil},
		{"**/*.parquet", []string{"a.parquet", "b.parquet", "odd [1]/p.parquet", "year=2026/m=1/x.parquet", "year=2026/m=2/y.parquet"}},
		{"year=*/**/*.parquet", []string{"year=2026/m=1/x.parquet", "year=2026/m=2/y.parquet"}},
		{"{a,b}.parquet", []string{"a.parquet", "b.parquet"}},
		{"[ab].parquet", []string{"a.parquet", "b.parquet"}},
		{`odd \[1\]/*.parquet`, []string{"odd [1]/p.parquet"}},
		{"_hidden.parquet", []string{"_hidden.parquet"}},
		{".git/*.parquet", []string{".git/q.parquet"}},
		{"year=2026", nil}, // a folder is no file
	}
	for _, c := range cases {
		t.Run(c.pattern, func(t *testing.T) {
			found, err := storage.Local{}.Glob(t.Context(), folder+"/"+c.pattern)
			require.NoError(t, err)
			var names []string
			for _, info := range found {
				name, err := filepath.Rel(folder, info.URI)
				require.NoError(t, err)
				names = append(names, filepath.ToSlash(name))
				assert.EqualValues(t, len(filepath.ToSlash(name)), info.Size)
			}
			assert.Equal(t, c.want, names)
		})
	}
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

func TestGlobRefusesMalformedPatterns(t *testing.T) {
	_, err := storage.Local{}.Glob(t.Context(), t.TempDir()+"/[a.parquet")
	require.ErrorContains(t, err, "malformed")
}

func TestOpenReadsTheListedVersionOnly(t *testing.T) {
	folder := tree(t, "a")
	path := filepath.Join(folder, "a")
	info, err := storage.Local{}.Stat(t.Context(), path)
	require.NoError(t, err)
	file, err := storage.Local{}.Open(t.Context(), info)
	require.NoError(t, err)
	data, err := io.ReadAll(io.NewSectionReader(file, 0, file.Size()))
	require.NoError(t, err)
	assert.Equal(t, "a", string(data))
	require.NoError(t, file.Close())

	require.NoError(t, os.Chtimes(path, time.Now(), time.Now().Add(time.Second)))
	_, err = storage.Local{}.Open(t.Context(), info)
	require.ErrorIs(t, err, storage.ErrChanged)
	require.NoError(t, os.Remove(path))
	_, err = storage.Local{}.Open(t.Context(), info)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestPutReplacesAtOnceAndLeavesNothingElse(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "deep", "er", "file")
	for _, text := range []string{"one", "another"} {
		require.NoError(t, storage.Local{}.Put(t.Context(), path, []byte(text)))
		data, err := storage.Local{}.Get(t.Context(), path)
		require.NoError(t, err)
		assert.Equal(t, text, string(data))
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1)

	require.NoError(t, os.MkdirAll(filepath.Join(folder, "taken", "by a folder"), 0o755))
	require.Error(t, storage.Local{}.Put(t.Context(), filepath.Join(folder, "taken"), []byte("x")))
	entries, err = os.ReadDir(folder)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "no temporary file stays after a failure")
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

func TestForRefusesOtherSchemes(t *testing.T) {
	_, err := storage.For("s3://bucket/key")
	require.ErrorContains(t, err, `"s3" is not supported`)
	store, err := storage.For("/a/path")
	require.NoError(t, err)
	assert.Equal(t, storage.Local{}, store)
}
