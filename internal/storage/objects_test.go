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

// objectServer is a server of objects that misbehaves on demand.
type objectServer interface {
	Inject(fault storagetest.Fault)
	Heal()
	Count(operation storagetest.Operation) int
	CreateObject(name string, data []byte)
}

// objectStore is one service of objects, with a bucket that is empty at first.
type objectStore struct {
	objectServer
	scheme string // of URIs, with the slashes
	bucket string // URI

	clients
	chunk      int                     // bytes of their uploads
	begin      int                     // requests that begin an upload of several chunks
	completing []storagetest.Operation // what makes an object

	called         string // what the service calls a bucket
	status, signOn string // what hints say about a service that does not recover, and about credentials
}

// starter starts a service for one test.
type starter func(t *testing.T) objectStore

// patience is how long clients of tests wait for what must come, and impatience how long they meet trouble before they give up. Neither
// takes a machine that has much else to do for a silent one: no test may ask either for what is never answered.
var (
	patience   = storage.Retry{First: time.Millisecond, Longest: 5 * time.Millisecond, Total: 5 * time.Minute, Stall: time.Minute}
	impatience = storage.Retry{First: time.Millisecond, Longest: 5 * time.Millisecond, Total: 200 * time.Millisecond, Stall: time.Minute}
)

// soon is when a client that gives up has done so, and one that is told to end has ended, however much else the machine has to do. It
// is less than patience waits for one answer.
const soon = 30 * time.Second

// clients are those of one service. They differ in what they wait for.
type clients struct {
	patient   storage.Store // has patience
	alert     storage.Store // has patience, and soon asks anew where a connection is silent
	impatient storage.Store // gives up on trouble
	hasty     storage.Store // gives up on silence: what it asks for, nobody answers
}

// newClients has silence be how long alert and hasty clients bear it.
func newClients(silence time.Duration, client func(storage.Retry) storage.Store) clients {
	alert, hasty := patience, impatience
	alert.Stall, hasty.Stall = silence, silence
	return clients{patient: client(patience), alert: client(alert), impatient: client(impatience), hasty: client(hasty)}
}

// runObjects checks what objects of every service have in common, beside the contract of all storage.
func runObjects(t *testing.T, start starter) {
	runEach(t, start, map[string]func(*testing.T, starter){
		"AtTheRootOfABucket":                testAtTheRootOfABucket,
		"GlobLeavesOutWhatStandsForFolders": testGlobLeavesOutWhatStandsForFolders,
		"ListsEveryPage":                    testListsEveryPage,
		"ExplainsWhatIsMissing":             testExplainsWhatIsMissing,
		"RefusesURIsWithoutAnObject":        testRefusesURIsWithoutAnObject,
		"SearchesWithFewRequests":           testSearchesWithFewRequests,
		"SearchesWhereLittleMayBeListed":    testSearchesWhereLittleMayBeListed,
		"WaitsOutShortTrouble":              testWaitsOutShortTrouble,
		"GivesUpOnLongTrouble":              testGivesUpOnLongTrouble,
		"VerifiesTheChecksumOfAWholeObject": testVerifiesTheChecksumOfAWholeObject,
		"ShowsNothingOfAFailedWrite":        testShowsNothingOfAFailedWrite,
		"GivesUpOnASilentServer":            testGivesUpOnASilentServer,
		"ResumesAnUpload":                   testResumesAnUpload,
		"KnowsItsOwnWriteAgain":             testKnowsItsOwnWriteAgain,
		"RemovesOnlyWhatItListed":           testRemovesOnlyWhatItListed,
		"ExplainsWhatIsForbidden":           testExplainsWhatIsForbidden,
	})
	runObjectReads(t, start)
}

// runObjectReads checks what holds of reading, also where nothing can be written or listed.
func runObjectReads(t *testing.T, start starter) {
	runEach(t, start, map[string]func(*testing.T, starter){
		"ReadsATailInOneRequest":        testReadsATailInOneRequest,
		"JoinsPreparedNeighbours":       testJoinsPreparedNeighbours,
		"ReadsLongRangesThroughWindows": testReadsLongRangesThroughWindows,
		"ReaderEndsWithItsContext":      testReaderEndsWithItsContext,
		"GivesUpReading":                testGivesUpReading,
		"GoesOnWhereAConnectionWasCut":  testGoesOnWhereAConnectionWasCut,
		"ReadsNoMixture":                testReadsNoMixture,
		"ReadsTheSameBytesInAnyTrouble": testReadsTheSameBytesInAnyTrouble,
	})
}

func runEach(t *testing.T, start starter, tests map[string]func(*testing.T, starter)) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start)
		})
	}
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

func testAtTheRootOfABucket(t *testing.T, start starter) {
	server := start(t)
	store := server.patient
	info, err := store.Stat(t.Context(), server.bucket)
	require.NoError(t, err)
	assert.True(t, info.Folder)
	put(t, store, server.bucket+"/a.parquet", []byte("a"))
	found, err := store.Glob(t.Context(), server.bucket+"/*.parquet")
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, server.bucket+"/a.parquet", found[0].URI)
	assert.NotEmpty(t, found[0].Version)
	require.ErrorContains(t, store.RemoveAll(t.Context(), server.bucket+"/"), "never removed")
	put(t, store, server.bucket+"/folder/b", []byte("b"))
	folders, err := store.Folders(t.Context(), server.bucket)
	require.NoError(t, err)
	assert.Equal(t, []string{"folder"}, folders)
	listed, err := store.List(t.Context(), server.bucket+"/")
	require.NoError(t, err)
	assert.Len(t, listed, 2)
}

func testGlobLeavesOutWhatStandsForFolders(t *testing.T, start starter) {
	server := start(t)
	store := server.patient
	put(t, store, server.bucket+"/lake/a.parquet", []byte("a"))
	put(t, store, server.bucket+"/lake/empty.parquet", nil)
	put(t, store, server.bucket+"/lake/old_$folder$", nil)
	server.CreateObject("lake/folder/", nil)
	found, err := store.Glob(t.Context(), server.bucket+"/lake/**")
	require.NoError(t, err)
	require.Len(t, found, 2)
	assert.Equal(t, server.bucket+"/lake/a.parquet", found[0].URI)
	assert.Equal(t, server.bucket+"/lake/empty.parquet", found[1].URI)
	listed, err := store.List(t.Context(), server.bucket+"/lake")
	require.NoError(t, err)
	assert.Len(t, listed, 4, "what is removed is listed")
	info, err := store.Stat(t.Context(), server.bucket+"/lake/folder")
	require.NoError(t, err)
	assert.True(t, info.Folder)
	require.NoError(t, store.RemoveAll(t.Context(), server.bucket+"/lake/folder"))
	_, err = store.Stat(t.Context(), server.bucket+"/lake/folder")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func testListsEveryPage(t *testing.T, start starter) {
	server := start(t)
	store := server.patient
	for i := range 1203 {
		server.CreateObject("many/"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+time.Duration(i).String(), []byte("1"))
	}
	found, err := store.Glob(t.Context(), server.bucket+"/many/*")
	require.NoError(t, err)
	assert.Len(t, found, 1203)
	assert.Equal(t, 2, server.Count(storagetest.List))
}

func testReadsATailInOneRequest(t *testing.T, start starter) {
	server := start(t)
	store := server.patient
	data := noise(1 << 20)
	info := put(t, store, server.bucket+"/a", data)
	tail := make([]byte, 64<<10)
	_, err := open(t, store, info).ReadAt(tail, info.Size-int64(len(tail)))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(data[len(data)-len(tail):], tail))
	assert.Equal(t, 1, server.Count(storagetest.Read))
	assert.Equal(t, 1, server.Count(storagetest.Stat), "that of put")
}

func testJoinsPreparedNeighbours(t *testing.T, start starter) {
	server := start(t)
	store := server.patient
	data := noise(8 << 20)
	r := open(t, store, put(t, store, server.bucket+"/a", data))
	ranges := []storage.Range{
		{Start: 100, Length: 50_000}, {Start: 60_000, Length: 100_000}, {Start: 220_000, Length: 1000}, // one request
		{Start: 1 << 20, Length: 1000}, // another one
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

func testReadsLongRangesThroughWindows(t *testing.T, start starter) {
	server := start(t)
	store := server.patient // 2 MiB in all
	data := noise(8 << 20)
	r := open(t, store, put(t, store, server.bucket+"/a", data))
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

func testExplainsWhatIsMissing(t *testing.T, start starter) {
	server := start(t)
	store := server.patient
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o644))
	cases := map[string]func() error{
		"Glob":    func() error { _, err := store.Glob(t.Context(), server.scheme+"nobody/a/*"); return err },
		"Folders": func() error { _, err := store.Folders(t.Context(), server.scheme+"nobody/a"); return err },
		"List":    func() error { _, err := store.List(t.Context(), server.scheme+"nobody/a"); return err },
		"Stat":    func() error { _, err := store.Stat(t.Context(), server.scheme+"nobody/a"); return err },
		"Put":     func() error { return store.Put(t.Context(), server.scheme+"nobody/a", []byte("x")) },
		"Remove":  func() error { return store.RemoveAll(t.Context(), server.scheme+"nobody/a") },
	}
	for name, attempt := range cases {
		t.Run(name, func(t *testing.T) {
			err := attempt()
			require.ErrorIs(t, err, fs.ErrNotExist)
			require.ErrorContains(t, err, "the "+server.called+" nobody does not exist")
			assert.Contains(t, storage.Hint(err), "check the name of the "+server.called)
		})
	}
}

func testRefusesURIsWithoutAnObject(t *testing.T, start starter) {
	server := start(t)
	store := server.patient
	_, err := store.Stat(t.Context(), server.scheme+"/a")
	require.ErrorContains(t, err, "the name of the "+server.called+" is missing")
	_, err = store.Glob(t.Context(), server.scheme+"la*/a")
	require.ErrorContains(t, err, "the name of a bucket cannot be a pattern")
	require.ErrorContains(t, store.Put(t.Context(), server.bucket+"/a/", nil), "this is a folder")
	_, err = store.Open(t.Context(), storage.Info{URI: server.bucket + "/a", Size: 1})
	require.ErrorContains(t, err, "version is not known")
	_, err = store.Create(t.Context(), server.bucket+"/a", storage.IfUnchanged(storage.Info{URI: server.bucket + "/a", Size: 1}))
	require.ErrorContains(t, err, "version to replace is not known")
}

func testReaderEndsWithItsContext(t *testing.T, start starter) {
	server := start(t)
	store := server.patient
	info := put(t, store, server.bucket+"/a", noise(4<<20))
	r := open(t, store, info)
	r.Prepare([]storage.Range{{Start: 0, Length: info.Size}})
	require.NoError(t, r.Close())
	_, err := r.ReadAt(make([]byte, 1), 0)
	require.ErrorIs(t, err, fs.ErrClosed)
	_, err = r.WriteTo(io.Discard)
	require.ErrorIs(t, err, fs.ErrClosed)
}

// What matches is listed once, whatever there is around it.
func testSearchesWithFewRequests(t *testing.T, start starter) {
	server := start(t)
	store := server.patient
	for i := range 20 {
		server.CreateObject(fmt.Sprintf("lake/t/day=%04d/a.parquet", i), []byte("x"))
	}
	server.CreateObject("lake/t/_log/0", []byte("x"))
	marks := []string{"_log/", "metadata/*.json", "metadata/hint"}
	files, found, err := store.Search(t.Context(), server.bucket+"/lake/t/**/*.parquet", marks)
	require.NoError(t, err)
	assert.Len(t, files, 20)
	assert.Equal(t, []storage.Mark{{Folder: server.bucket + "/lake/t", Name: "_log/"}}, found)
	const folders = 3 // lake/t, lake and the bucket
	assert.Equal(t, 1+2*folders, server.Count(storagetest.List))
}

// A lake is no more closed than it was because what is around it is.
func testSearchesWhereLittleMayBeListed(t *testing.T, start starter) {
	server := start(t)
	store := server.patient
	server.CreateObject("lake/t/a.parquet", []byte("x"))
	server.CreateObject("_log/0", []byte("x"))
	server.Inject(storagetest.Fault{On: storagetest.List, Skip: 1, Status: http.StatusForbidden})
	files, found, err := store.Search(t.Context(), server.bucket+"/lake/t/*.parquet", []string{"_log/"})
	require.NoError(t, err)
	assert.Len(t, files, 1)
	assert.Empty(t, found)

	server.Heal()
	_, found, err = store.Search(t.Context(), server.bucket+"/lake/t/*.parquet", []string{"_log/"})
	require.NoError(t, err)
	assert.Equal(t, []storage.Mark{{Folder: server.bucket, Name: "_log/"}}, found)
	server.Inject(storagetest.Fault{On: storagetest.List, Status: http.StatusForbidden})
	_, _, err = store.Search(t.Context(), server.bucket+"/lake/t/*.parquet", []string{"_log/"})
	require.ErrorIs(t, err, fs.ErrPermission)
}
