package storage_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// operations are all that store asks of the service, each on an object of its own, which setup makes.
func operations(t *testing.T, setup, store storage.Store, root string) map[storagetest.Operation]func() error {
	want := noise(100_000)
	read := put(t, setup, root+"/read", want)
	put(t, setup, root+"/stat", nil)
	put(t, setup, root+"/delete", nil)
	return map[storagetest.Operation]func() error{
		storagetest.List: func() error {
			found, err := store.Glob(t.Context(), root+"/re*")
			assert.Equal(t, err == nil, len(found) == 1)
			return err
		},
		storagetest.Stat: func() error { _, err := store.Stat(t.Context(), root+"/stat"); return err },
		storagetest.Read: func() error {
			r, err := store.Open(t.Context(), read)
			if err != nil {
				return err
			}
			got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
			assert.Equal(t, err == nil, bytes.Equal(want, got))
			return errors.Join(err, r.Close())
		},
		storagetest.Write:  func() error { return store.Put(t.Context(), root+"/write", want) },
		storagetest.Delete: func() error { return store.RemoveAll(t.Context(), root+"/delete") },
	}
}

func testWaitsOutShortTrouble(t *testing.T, start starter) {
	server := start(t)
	store := server.patient
	for operation, attempt := range operations(t, store, store, server.bucket) {
		for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusInternalServerError} {
			server.Inject(storagetest.Fault{On: operation, Times: 1, Status: status})
		}
		before := server.Count(operation)
		require.NoError(t, attempt(), operation)
		assert.GreaterOrEqual(t, server.Count(operation), before+4, operation)
	}
	data, err := store.Get(t.Context(), server.bucket+"/write")
	require.NoError(t, err)
	assert.Len(t, data, 100_000)
	_, err = store.Stat(t.Context(), server.bucket+"/delete")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func testGivesUpOnLongTrouble(t *testing.T, start starter) {
	for _, operation := range []storagetest.Operation{
		storagetest.List, storagetest.Stat, storagetest.Write, storagetest.Delete,
	} {
		t.Run(string(operation), func(t *testing.T) {
			server := start(t)
			attempt := operations(t, server.patient, server.impatient, server.bucket)[operation]
			server.Inject(storagetest.Fault{On: operation, Status: http.StatusServiceUnavailable})
			start := time.Now()
			err := attempt()
			require.ErrorContains(t, err, server.bucket)
			require.ErrorContains(t, err, "503")
			assert.Contains(t, storage.Hint(err), server.status)
			assert.True(t, failure.Of(err, failure.Storage).Retry)
			assert.Less(t, time.Since(start), soon)
		})
	}
}

func testGivesUpReading(t *testing.T, start starter) {
	cases := map[string]struct {
		fault storagetest.Fault
		want  string
	}{
		"unavailable":        {storagetest.Fault{Status: http.StatusServiceUnavailable}, "503"},
		"silent":             {storagetest.Fault{Pause: time.Minute}, "silent"},
		"always cut at once": {storagetest.Fault{Cut: true}, "the connection was"}, // cut or silent
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			info := put(t, server.patient, server.bucket+"/a", noise(1<<20))
			client := server.impatient
			if c.fault.Status == 0 { // nothing of an answer
				client = server.hasty
			}
			r := open(t, client, info)
			c.fault.On = storagetest.Read
			server.Inject(c.fault)
			start := time.Now()
			_, err := r.ReadAt(make([]byte, 1000), 0)
			require.ErrorContains(t, err, server.bucket+"/a")
			require.ErrorContains(t, err, c.want)
			require.NotErrorIs(t, err, context.Canceled, "that would be the caller's own doing")
			require.NotErrorIs(t, err, context.DeadlineExceeded)
			assert.NotEmpty(t, storage.Hint(err))
			assert.Less(t, time.Since(start), soon)
			r.Prepare([]storage.Range{{Start: 0, Length: info.Size}})
			_, err = r.ReadAt(make([]byte, 1000), 0)
			require.ErrorContains(t, err, server.bucket+"/a")
			_, err = r.WriteTo(io.Discard)
			require.ErrorContains(t, err, server.bucket+"/a")
		})
	}
}

func testGoesOnWhereAConnectionWasCut(t *testing.T, start starter) {
	want := noise(2 << 20)
	for name, fault := range map[string]storagetest.Fault{
		"cut":          {Cut: true, After: 100_000, Times: 20},
		"cut at once":  {Cut: true, Times: 3},
		"slow":         {Pause: time.Millisecond},
		"briefly dead": {Pause: time.Minute, Times: 2},
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			store := server.alert
			info := put(t, server.patient, server.bucket+"/a", want)
			fault.On = storagetest.Read
			ways := map[string]func(storage.Reader) ([]byte, error){
				"ReadAt": func(r storage.Reader) ([]byte, error) {
					p := make([]byte, r.Size())
					_, err := r.ReadAt(p, 0)
					return p, err
				},
				"joined": func(r storage.Reader) ([]byte, error) {
					r.Prepare([]storage.Range{{Start: 0, Length: 1 << 20}, {Start: 1 << 20, Length: 500_000}})
					return io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
				},
				"windows": func(r storage.Reader) ([]byte, error) {
					r.Prepare([]storage.Range{{Start: 0, Length: r.Size()}})
					return io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
				},
				"WriteTo": func(r storage.Reader) ([]byte, error) {
					var buffer bytes.Buffer
					_, err := r.WriteTo(&buffer)
					return buffer.Bytes(), err
				},
				"Get": func(storage.Reader) ([]byte, error) { return store.Get(t.Context(), info.URI) },
			}
			for way, read := range ways {
				server.Heal()
				server.Inject(fault)
				got, err := read(open(t, store, info))
				require.NoError(t, err, way)
				require.True(t, bytes.Equal(want, got), way)
			}
		})
	}
}

func testVerifiesTheChecksumOfAWholeObject(t *testing.T, start starter) {
	for name, cuts := range map[string]int{"at once": 0, "after a cut": 1} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			store := server.patient
			info := put(t, store, server.bucket+"/a", noise(200_000))
			ways := map[string]func() error{
				"Get":     func() error { _, err := store.Get(t.Context(), info.URI); return err },
				"WriteTo": func() error { _, err := open(t, store, info).WriteTo(io.Discard); return err },
			}
			for way, read := range ways {
				server.Heal()
				if cuts > 0 {
					server.Inject(storagetest.Fault{On: storagetest.Read, Times: cuts, Cut: true, After: 70_000})
				}
				server.Inject(storagetest.Fault{On: storagetest.Read, Times: 1, Spoil: true})
				require.ErrorContains(t, read(), "checksum", way)
			}
		})
	}
}

func testReadsNoMixture(t *testing.T, start starter) {
	server := start(t)
	store := server.patient
	old, fresh := bytes.Repeat([]byte("old."), 1<<20), bytes.Repeat([]byte("new."), 1<<20)
	ways := map[string]func(storage.Reader) error{
		"cut in a request": func(r storage.Reader) error {
			_, err := r.ReadAt(make([]byte, r.Size()), 0)
			return err
		},
		"between windows": func(r storage.Reader) error {
			r.Prepare([]storage.Range{{Start: 0, Length: r.Size()}})
			_, err := io.Copy(io.Discard, onlyOld{t, io.NewSectionReader(r, 0, r.Size())})
			return err
		},
		"whole": func(r storage.Reader) error { _, err := r.WriteTo(io.Discard); return err },
	}
	for way, read := range ways {
		t.Run(way, func(t *testing.T) {
			server.Heal()
			info := put(t, store, server.bucket+"/a", old)
			server.Inject(storagetest.Fault{On: storagetest.Read, Times: 1, Cut: true, After: 100_000})
			server.Inject(storagetest.Fault{On: storagetest.Read, Times: 1, Before: func() { server.CreateObject("a", fresh) }})
			err := read(open(t, store, info))
			require.ErrorIs(t, err, storage.ErrChanged)
			assert.Contains(t, storage.Hint(err), "run again")
		})
	}
}

type onlyOld struct {
	t *testing.T
	io.Reader
}

func (o onlyOld) Read(p []byte) (int, error) {
	n, err := o.Reader.Read(p)
	assert.NotContains(o.t, string(p[:n]), "new")
	return n, err
}

func testShowsNothingOfAFailedWrite(t *testing.T, start starter) {
	limits := start(t)
	big := noise(4 * limits.chunk)
	cases := map[string]struct {
		data  []byte
		fault storagetest.Fault
	}{
		"small, always cut":    {big[:1000], storagetest.Fault{Cut: true, After: 500}},
		"small, refused":       {big[:1000], storagetest.Fault{Status: http.StatusForbidden}},
		"a chunk, always cut":  {big, storagetest.Fault{Cut: true, After: 100_000, Skip: 2}},
		"a chunk, refused":     {big, storagetest.Fault{Status: http.StatusServiceUnavailable, Skip: 3}},
		"the last chunk, cut":  {big, storagetest.Fault{Cut: true, After: 100_000, Skip: limits.begin + 3}},
		"the start is refused": {big, storagetest.Fault{Status: http.StatusServiceUnavailable}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			store := server.patient
			c.fault.On = storagetest.Write
			server.Inject(c.fault)
			w, err := server.impatient.Create(t.Context(), server.bucket+"/a", storage.Any())
			require.NoError(t, err)
			defer w.Abort()
			if _, err = w.Write(c.data); err == nil {
				_, err = w.Commit()
			}
			require.ErrorContains(t, err, server.bucket+"/a")
			assert.NotEmpty(t, storage.Hint(err))
			_, err = store.Stat(t.Context(), server.bucket+"/a")
			require.ErrorIs(t, err, fs.ErrNotExist)
		})
	}
}

func testGivesUpOnASilentServer(t *testing.T, start starter) {
	for name, size := range map[string]int{"one request": 1000, "chunks": 4 * start(t).chunk} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			ended := make(chan struct{})
			t.Cleanup(func() { close(ended) })
			server.Inject(storagetest.Fault{On: storagetest.Write, Before: func() { <-ended }})
			err := server.hasty.Put(t.Context(), server.bucket+"/a", noise(size))
			require.ErrorContains(t, err, server.bucket+"/a")
			require.ErrorContains(t, err, "silent")
			require.NotErrorIs(t, err, context.Canceled, "that would be the caller's own doing")
		})
	}
}

func testResumesAnUpload(t *testing.T, start starter) {
	server := start(t)
	store := server.patient
	want := noise(4 * server.chunk)
	server.Inject(storagetest.Fault{On: storagetest.Write, Skip: 2, Times: 2, Cut: true, After: 100_000})
	server.Inject(storagetest.Fault{On: storagetest.Write, Times: 1, Skip: 1, Status: http.StatusServiceUnavailable})
	require.NoError(t, store.Put(t.Context(), server.bucket+"/a", want))
	got, err := store.Get(t.Context(), server.bucket+"/a")
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got))
}

// The first try wrote the object, but its answer was lost: the second try finds it there.
func testKnowsItsOwnWriteAgain(t *testing.T, start starter) {
	for _, completing := range start(t).completing {
		t.Run(string(completing), func(t *testing.T) {
			server := start(t)
			size := 4
			if completing == storagetest.Complete {
				size = 2 * server.chunk
			}
			data := noise(size)
			lose := func() {
				server.Inject(storagetest.Fault{On: completing, Times: 1, Lose: true})
			}
			write := func(condition storage.Condition) (storage.Info, error) {
				w, err := server.patient.Create(t.Context(), server.bucket+"/a", condition)
				require.NoError(t, err)
				defer w.Abort()
				data[0]++
				_, err = w.Write(data)
				require.NoError(t, err)
				return w.Commit()
			}
			lose()
			first, err := write(storage.IfAbsent())
			require.NoError(t, err)
			lose()
			second, err := write(storage.IfUnchanged(first))
			require.NoError(t, err)
			assert.False(t, first.SameVersion(second))
			lose()
			_, err = write(storage.Any())
			require.NoError(t, err)
			lose()
			_, err = write(storage.IfUnchanged(second))
			require.ErrorIs(t, err, storage.ErrChanged)
		})
	}
}

func testRemovesOnlyWhatItListed(t *testing.T, start starter) {
	server := start(t)
	store := server.patient
	put(t, store, server.bucket+"/run/a", []byte("old"))
	server.Inject(storagetest.Fault{On: storagetest.Delete, Before: func() { server.CreateObject("run/a", []byte("new")) }})
	require.ErrorIs(t, store.RemoveAll(t.Context(), server.bucket+"/run"), storage.ErrChanged)
	data, err := store.Get(t.Context(), server.bucket+"/run/a")
	require.NoError(t, err)
	assert.Equal(t, "new", string(data))
}

func testExplainsWhatIsForbidden(t *testing.T, start starter) {
	server := start(t)
	store := server.patient
	for operation, attempt := range operations(t, store, store, server.bucket) {
		server.Heal()
		server.Inject(storagetest.Fault{On: operation, Status: http.StatusForbidden})
		err := attempt()
		require.ErrorIs(t, err, fs.ErrPermission, operation)
		assert.Contains(t, storage.Hint(err), "lake", operation)
		assert.False(t, failure.Of(err, failure.Storage).Retry, operation)
	}
	server.Heal()
	server.Inject(storagetest.Fault{On: storagetest.List, Status: http.StatusUnauthorized})
	_, err := store.Glob(t.Context(), server.bucket+"/*")
	require.ErrorContains(t, err, "no usable")
	assert.Contains(t, storage.Hint(err), server.signOn)
}

// It looks at all that runs, so that no other test may.
func testReaderLeavesNothingRunning(t *testing.T, start starter) {
	for name, end := range map[string]func(storage.Reader, context.CancelFunc){
		"closed":    func(r storage.Reader, _ context.CancelFunc) { _ = r.Close() },
		"cancelled": func(r storage.Reader, cancel context.CancelFunc) { cancel(); _ = r.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			store := server.patient
			info := put(t, store, server.bucket+"/a", noise(4<<20))
			server.Inject(storagetest.Fault{On: storagetest.Read, Pause: time.Minute})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r, err := store.Open(ctx, info)
			require.NoError(t, err)
			r.Prepare([]storage.Range{{Start: 0, Length: 1 << 20}, {Start: 3 << 20, Length: 1 << 20}})
			waiting := make(chan error, 2)
			for _, off := range []int64{0, 2 << 20} { // prepared and not
				go func() {
					_, err := r.ReadAt(make([]byte, 10), off)
					waiting <- err
				}()
			}
			start := time.Now()
			end(r, cancel)
			require.Error(t, <-waiting)
			require.Error(t, <-waiting)
			assert.Less(t, time.Since(start), soon)
			stacks := make([]byte, 1<<20)
			stacks = stacks[:runtime.Stack(stacks, true)]
			assert.False(t, strings.Contains(string(stacks), "storage.(*readAhead)"), "%s", stacks)
		})
	}
}
