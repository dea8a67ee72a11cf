// Package storagetest holds what tests of storage need, here and in other packages: the
// one suite that every [storage.Store] must pass ([Run]), and an object store on loopback
// that misbehaves on demand ([StartGCS]).
package storagetest

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
)

// Run checks that a Store does what [storage.Store] promises. newStore returns a Store
// and the URI of an empty folder in it; it is called once for each test of the suite, and these run in parallel.
func Run(t *testing.T, newStore func(t *testing.T) (storage.Store, string)) {
	run(t, newStore, []contractTest{
		{"Glob", testGlob},
		{"GlobRefusesMalformedPatterns", testMalformedGlob},
		{"Search", testSearch},
		{"OddNames", testOddNames},
		{"FoldersAndList", testFoldersAndList},
		{"Stat", testStat},
		{"PutReplaces", testPut},
		{"RemoveAll", testRemoveAll},
		{"CancelledContext", testCancelledContext},
		{"Commit", testCommit},
		{"Abort", testAbort},
		{"Conditions", testConditions},
	})
	RunReads(t, newStore)
}

// RunReads checks as [Run] does what a Store promises of reading, and nothing else. Put and RemoveAll are there to prepare it.
func RunReads(t *testing.T, newStore func(t *testing.T) (storage.Store, string)) {
	run(t, newStore, []contractTest{
		{"Get", testGet},
		{"BigFile", testBigFile},
		{"ReadAt", testReadAt},
		{"ReadReplaced", testReadReplaced},
		{"ReadRemoved", testReadRemoved},
		{"ReadConcurrently", testReadConcurrently},
		{"Prepare", testPrepare},
		{"PrepareAgainWhileReading", testPrepareAgain},
	})
}

type contractTest struct {
	name string
	test func(*testing.T, folder)
}

func run(t *testing.T, newStore func(t *testing.T) (storage.Store, string), suite []contractTest) {
	for _, s := range suite {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			store, root := newStore(t)
			s.test(t, folder{store, root})
		})
	}
}

// folder is where one test works.
type folder struct {
	storage.Store
	root string
}

func (f folder) uri(name string) string { return f.root + "/" + name }

func (f folder) put(t *testing.T, name string, data []byte) storage.Info {
	t.Helper()
	require.NoError(t, f.Put(t.Context(), f.uri(name), data))
	info, err := f.Stat(t.Context(), f.uri(name))
	require.NoError(t, err)
	return info
}

func (f folder) open(t *testing.T, info storage.Info) storage.Reader {
	t.Helper()
	r, err := f.Open(t.Context(), info)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, r.Close()) })
	return r
}

// glob returns the names that match, as seen from the root of the folder.
func (f folder) glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := f.Glob(t.Context(), f.uri(pattern))
	require.NoError(t, err)
	return f.names(t, found)
}

// names are those of files, as seen from the root of the folder.
func (f folder) names(t *testing.T, files []storage.Info) []string {
	t.Helper()
	var names []string
	for _, info := range files {
		name, ok := strings.CutPrefix(filepath.ToSlash(info.URI), filepath.ToSlash(f.root)+"/")
		require.True(t, ok, info.URI)
		names = append(names, name)
	}
	return names
}

// noise returns bytes that are the same in every run, and nowhere repeat.
func noise(size int) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	return data
}

func testGet(t *testing.T, f folder) {
	_, err := f.Get(t.Context(), f.uri("missing"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, f.Put(t.Context(), f.uri("empty"), nil))
	data, err := f.Get(t.Context(), f.uri("empty"))
	require.NoError(t, err)
	assert.Empty(t, data)
}

func testPut(t *testing.T, f folder) {
	for _, text := range []string{"one", "another", ""} {
		info := f.put(t, "deep/er/file", []byte(text))
		assert.EqualValues(t, len(text), info.Size)
		data, err := f.Get(t.Context(), f.uri("deep/er/file"))
		require.NoError(t, err)
		assert.Equal(t, text, string(data))
	}
	assert.Equal(t, []string{"deep/er/file"}, f.glob(t, "**"))
}

func testBigFile(t *testing.T, f folder) {
	want := noise(9<<20 + 7)
	info := f.put(t, "big", want)
	got, err := f.Get(t.Context(), f.uri("big"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got))

	var whole bytes.Buffer
	n, err := f.open(t, info).WriteTo(&whole)
	require.NoError(t, err)
	assert.EqualValues(t, len(want), n)
	assert.True(t, bytes.Equal(want, whole.Bytes()))
}

func testStat(t *testing.T, f folder) {
	info := f.put(t, "folder/file.x", []byte("12345"))
	assert.Equal(t, f.uri("folder/file.x"), info.URI)
	assert.EqualValues(t, 5, info.Size)
	assert.False(t, info.Folder)
	assert.False(t, info.Modified.IsZero())

	for _, name := range []string{"folder", "folder/"} {
		info, err := f.Stat(t.Context(), f.uri(name))
		require.NoError(t, err, name)
		assert.True(t, info.Folder, name)
	}
	for _, name := range []string{"fold", "folder/file", "folder/file.x.y", "missing/file"} {
		_, err := f.Stat(t.Context(), f.uri(name))
		require.ErrorIs(t, err, fs.ErrNotExist, name)
		require.ErrorContains(t, err, name)
	}
	listed, err := f.Glob(t.Context(), f.uri("folder/*"))
	require.NoError(t, err)
	require.Len(t, listed, 1)
	assert.True(t, info.Modified.Equal(listed[0].Modified))
	assert.True(t, info.SameVersion(listed[0]), "listed: %+v, described: %+v", listed[0], info)
}

func testRemoveAll(t *testing.T, f folder) {
	for _, name := range []string{"run/a", "run/b/c", "run-2/a", "run.txt", "single"} {
		f.put(t, name, []byte(name))
	}
	for _, name := range []string{"run", "single", "missing", "missing/too"} {
		require.NoError(t, f.RemoveAll(t.Context(), f.uri(name)), name)
	}
	assert.Equal(t, []string{"run-2/a", "run.txt"}, f.glob(t, "**"))
	_, err := f.Stat(t.Context(), f.uri("run"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func testCancelledContext(t *testing.T, f folder) {
	info := f.put(t, "file", []byte("old"))
	cancelled, cancel := context.WithCancel(t.Context())
	writer, err := f.Create(cancelled, f.uri("file"), storage.Any())
	require.NoError(t, err)
	defer writer.Abort()
	_, err = io.WriteString(writer, "new")
	require.NoError(t, err)
	cancel()

	attempts := map[string]func() error{
		"Glob":      func() error { _, err := f.Glob(cancelled, f.uri("*")); return err },
		"Search":    func() error { _, _, err := f.Search(cancelled, f.uri("*"), []string{"mark/"}); return err },
		"Folders":   func() error { _, err := f.Folders(cancelled, f.root); return err },
		"List":      func() error { _, err := f.List(cancelled, f.root); return err },
		"Stat":      func() error { _, err := f.Stat(cancelled, f.uri("file")); return err },
		"Get":       func() error { _, err := f.Get(cancelled, f.uri("file")); return err },
		"Put":       func() error { return f.Put(cancelled, f.uri("file"), []byte("new")) },
		"Open":      func() error { _, err := f.Open(cancelled, info); return err },
		"Create":    func() error { _, err := f.Create(cancelled, f.uri("other"), storage.Any()); return err },
		"Commit":    func() error { _, err := writer.Commit(); return err },
		"RemoveAll": func() error { return f.RemoveAll(cancelled, f.uri("file")) },
	}
	for name, attempt := range attempts {
		assert.ErrorIs(t, attempt(), context.Canceled, name)
	}
	data, err := f.Get(t.Context(), f.uri("file"))
	require.NoError(t, err)
	assert.Equal(t, "old", string(data))
	assert.Equal(t, []string{"file"}, f.glob(t, "**"))
}
