package storage_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// startGCS returns an object store, and a client with small limits that waits for long.
func startGCS(t *testing.T) (*storagetest.GCS, *storage.Objects) {
	server := storagetest.StartGCS(t)
	return server, newClient(server, storage.Retry{
		First: time.Millisecond, Longest: 5 * time.Millisecond, Total: 20 * time.Second, Stall: 200 * time.Millisecond,
	})
}

// newImpatientClient returns a client that gives up within a test.
func newImpatientClient(server *storagetest.GCS) *storage.Objects {
	return newClient(server, storage.Retry{
		First: time.Millisecond, Longest: 5 * time.Millisecond, Total: 200 * time.Millisecond, Stall: 100 * time.Millisecond,
	})
}

func newClient(server *storagetest.GCS, retry storage.Retry) *storage.Objects {
	return storage.NewGCS(storage.ObjectsOptions{Endpoint: server.URL, Retry: retry, ReadAhead: 2 << 20, Chunk: 256 << 10})
}

func noise(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(data)
	return data
}

func put(t *testing.T, store storage.Store, uri string, data []byte) storage.Info {
	t.Helper()
	require.NoError(t, store.Put(t.Context(), uri, data))
	info, err := store.Stat(t.Context(), uri)
	require.NoError(t, err)
	return info
}

func open(t *testing.T, store storage.Store, info storage.Info) storage.Reader {
	t.Helper()
	r, err := store.Open(t.Context(), info)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, r.Close()) })
	return r
}

func TestGCS(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) (storage.Store, string) {
		server := storagetest.StartGCS(t)
		return storage.NewGCS(storage.ObjectsOptions{Endpoint: server.URL}), server.Bucket + "/some/folder"
	})
}

func TestGCSWithSmallWindows(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) (storage.Store, string) {
		server, store := startGCS(t)
		return store, server.Bucket + "/some/folder"
	})
}

func TestGCSAtTheRootOfABucket(t *testing.T) {
	t.Parallel()
	server, store := startGCS(t)
	info, err := store.Stat(t.Context(), server.Bucket)
	require.NoError(t, err)
	assert.True(t, info.Folder)
	put(t, store, server.Bucket+"/a.parquet", []byte("a"))
	found, err := store.Glob(t.Context(), server.Bucket+"/*.parquet")
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, "gs://lake/a.parquet", found[0].URI)
	assert.NotEmpty(t, found[0].Version)
	require.ErrorContains(t, store.RemoveAll(t.Context(), server.Bucket+"/"), "never removed")
	put(t, store, server.Bucket+"/folder/b", []byte("b"))
	folders, err := store.Folders(t.Context(), server.Bucket)
	require.NoError(t, err)
	assert.Equal(t, []string{"folder"}, folders)
	listed, err := store.List(t.Context(), server.Bucket+"/")
	require.NoError(t, err)
	assert.Len(t, listed, 2)
}

func TestGCSGlobLeavesOutWhatStandsForFolders(t *testing.T) {
	t.Parallel()
	server, store := startGCS(t)
	put(t, store, server.Bucket+"/lake/a.parquet", []byte("a"))
	put(t, store, server.Bucket+"/lake/empty.parquet", nil)
	put(t, store, server.Bucket+"/lake/old_$folder$", nil)
	server.CreateObject("lake/folder/", nil)
	found, err := store.Glob(t.Context(), server.Bucket+"/lake/**")
	require.NoError(t, err)
	require.Len(t, found, 2)
	assert.Equal(t, "gs://lake/lake/a.parquet", found[0].URI)
	assert.Equal(t, "gs://lake/lake/empty.parquet", found[1].URI)
	listed, err := store.List(t.Context(), server.Bucket+"/lake")
	require.NoError(t, err)
	assert.Len(t, listed, 4, "what is removed is listed")
	info, err := store.Stat(t.Context(), server.Bucket+"/lake/folder")
	require.NoError(t, err)
	assert.True(t, info.Folder)
	require.NoError(t, store.RemoveAll(t.Context(), server.Bucket+"/lake/folder"))
	_, err = store.Stat(t.Context(), server.Bucket+"/lake/folder")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestGCSListsEveryPage(t *testing.T) {
	t.Parallel()
	server, store := startGCS(t)
	for i := range 1203 {
		server.CreateObject("many/"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+time.Duration(i).String(), []byte("1"))
	}
	found, err := store.Glob(t.Context(), server.Bucket+"/many/*")
	require.NoError(t, err)
	assert.Len(t, found, 1203)
	assert.Equal(t, 2, server.Count(storagetest.List))
}

func TestGCSReadsATailInOneRequest(t *testing.T) {
	t.Parallel()
	server, store := startGCS(t)
	data := noise(1 << 20)
	info := put(t, store, server.Bucket+"/a", data)
	tail := make([]byte, 64<<10)
	_, err := open(t, store, info).ReadAt(tail, info.Size-int64(len(tail)))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(data[len(data)-len(tail):], tail))
	assert.Equal(t, 1, server.Count(storagetest.Read))
	assert.Equal(t, 1, server.Count(storagetest.Stat), "that of put")
}

func TestGCSJoinsPreparedNeighbours(t *testing.T) {
	t.Parallel()
	server, store := startGCS(t)
	data := noise(8 << 20)
	r := open(t, store, put(t, store, server.Bucket+"/a", data))
	ranges := []storage.Range{
		{Start: 100, Length: 50_000}, {Start: 60_000, Length: 100_000}, {Start: 1 << 20, Length: 1000}, // one request
		{Start: 4 << 20, Length: 1000}, // another one
	}
	r.Prepare(ranges)
	for _, span := range ranges {
		p := make([]byte, 999)
		for off := span.Start; off < span.Start+span.Length; off += int64(len(p)) {
			p = p[:min(int64(len(p)), span.Start+span.Length-off)]
			_, err := r.ReadAt(p, off)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data[off:off+int64(len(p))], p), off)
		}
	}
	assert.Equal(t, 2, server.Count(storagetest.Read))
}

func TestGCSReadsLongRangesThroughWindows(t *testing.T) {
	t.Parallel()
	server, store := startGCS(t) // 2 MiB in all
	data := noise(8 << 20)
	r := open(t, store, put(t, store, server.Bucket+"/a", data))
	half := int64(len(data) / 2)
	r.Prepare([]storage.Range{{Start: 0, Length: half}, {Start: half, Length: half}})
	p := make([]byte, 64<<10)
	for off := int64(0); off < half; off += int64(len(p)) {
		for _, start := range []int64{0, half} {
			_, err := r.ReadAt(p, start+off)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data[start+off:start+off+int64(len(p))], p))
		}
	}
	assert.Equal(t, 16, server.Count(storagetest.Read), "windows of 512 KiB")
}

func TestGCSExplainsWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, store := startGCS(t)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o644))
	cases := map[string]func() error{
		"Glob":    func() error { _, err := store.Glob(t.Context(), "gs://nobody/a/*"); return err },
		"Folders": func() error { _, err := store.Folders(t.Context(), "gs://nobody/a"); return err },
		"List":    func() error { _, err := store.List(t.Context(), "gs://nobody/a"); return err },
		"Stat":    func() error { _, err := store.Stat(t.Context(), "gs://nobody/a"); return err },
		"Put":     func() error { return store.Put(t.Context(), "gs://nobody/a", []byte("x")) },
		"Remove":  func() error { return store.RemoveAll(t.Context(), "gs://nobody/a") },
	}
	for name, attempt := range cases {
		t.Run(name, func(t *testing.T) {
			err := attempt()
			require.ErrorIs(t, err, fs.ErrNotExist)
			require.ErrorContains(t, err, "the bucket nobody does not exist")
			assert.Contains(t, storage.Hint(err), "check the name of the bucket")
		})
	}
}

func TestGCSRefusesURIsWithoutAnObject(t *testing.T) {
	t.Parallel()
	_, store := startGCS(t)
	_, err := store.Stat(t.Context(), "gs:///a")
	require.ErrorContains(t, err, "the name of the bucket is missing")
	_, err = store.Glob(t.Context(), "gs://la*/a")
	require.ErrorContains(t, err, "the name of a bucket cannot be a pattern")
	require.ErrorContains(t, store.Put(t.Context(), "gs://lake/a/", nil), "this is a folder")
	_, err = store.Open(t.Context(), storage.Info{URI: "gs://lake/a", Size: 1})
	require.ErrorContains(t, err, "version is not known")
	_, err = store.Create(t.Context(), "gs://lake/a", storage.IfUnchanged(storage.Info{URI: "gs://lake/a", Size: 1}))
	require.ErrorContains(t, err, "version to replace is not known")
}

func TestUploadAndDownload(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	folder := t.TempDir()
	want := noise(17 << 20) // more than two chunks
	from, back := filepath.Join(folder, "from"), filepath.Join(folder, "new", "back")
	require.NoError(t, os.WriteFile(from, want, 0o600))
	info, err := storage.Upload(t.Context(), from, bucket+"/out/file", storage.IfAbsent())
	require.NoError(t, err)
	assert.Equal(t, 4, faults.Count(storagetest.Write))
	require.NoError(t, storage.Download(t.Context(), info, back))
	got, err := os.ReadFile(back)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got))

	_, err = storage.Upload(t.Context(), from, bucket+"/out/file", storage.IfAbsent())
	require.ErrorIs(t, err, storage.ErrExists)
	_, err = storage.Upload(t.Context(), from, bucket+"/out/file", storage.Any())
	require.NoError(t, err)
	require.ErrorIs(t, storage.Download(t.Context(), info, back), storage.ErrChanged)
	got, err = os.ReadFile(back)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got), "what stood there still stands")
	entries, err := os.ReadDir(filepath.Dir(back))
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}

func TestGCSReaderEndsWithItsContext(t *testing.T) {
	t.Parallel()
	server, store := startGCS(t)
	info := put(t, store, server.Bucket+"/a", noise(4<<20))
	r := open(t, store, info)
	r.Prepare([]storage.Range{{Start: 0, Length: info.Size}})
	require.NoError(t, r.Close())
	_, err := r.ReadAt(make([]byte, 1), 0)
	require.ErrorIs(t, err, fs.ErrClosed)
	_, err = r.WriteTo(io.Discard)
	require.ErrorIs(t, err, fs.ErrClosed)
}

// What matches is listed once, whatever there is around it.
func TestGCSSearchesWithFewRequests(t *testing.T) {
	t.Parallel()
	server, store := startGCS(t)
	for i := range 20 {
		server.CreateObject(fmt.Sprintf("lake/t/day=%04d/a.parquet", i), []byte("x"))
	}
	server.CreateObject("lake/t/_log/0", []byte("x"))
	marks := []string{"_log/", "metadata/*.json", "metadata/hint"}
	files, found, err := store.Search(t.Context(), server.Bucket+"/lake/t/**/*.parquet", marks)
	require.NoError(t, err)
	assert.Len(t, files, 20)
	assert.Equal(t, []storage.Mark{{Folder: server.Bucket + "/lake/t", Name: "_log/"}}, found)
	const folders = 3 // lake/t, lake and the bucket
	assert.Equal(t, 1+2*folders, server.Count(storagetest.List))
}

// A lake is no more closed than it was because what is around it is.
func TestGCSSearchesWhereLittleMayBeListed(t *testing.T) {
	t.Parallel()
	server, store := startGCS(t)
	server.CreateObject("lake/t/a.parquet", []byte("x"))
	server.CreateObject("_log/0", []byte("x"))
	server.Inject(storagetest.Fault{On: storagetest.List, Skip: 1, Status: http.StatusForbidden})
	files, found, err := store.Search(t.Context(), server.Bucket+"/lake/t/*.parquet", []string{"_log/"})
	require.NoError(t, err)
	assert.Len(t, files, 1)
	assert.Empty(t, found)

	server.Heal()
	_, found, err = store.Search(t.Context(), server.Bucket+"/lake/t/*.parquet", []string{"_log/"})
	require.NoError(t, err)
	assert.Equal(t, []storage.Mark{{Folder: server.Bucket, Name: "_log/"}}, found)
	server.Inject(storagetest.Fault{On: storagetest.List, Status: http.StatusForbidden})
	_, _, err = store.Search(t.Context(), server.Bucket+"/lake/t/*.parquet", []string{"_log/"})
	require.ErrorIs(t, err, fs.ErrPermission)
}
