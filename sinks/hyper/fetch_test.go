package hyper

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/metrics"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// remote uploads a deferred file under a name, and returns the batch that stands for it there.
func remote(t testing.TB, bucket, name string, b batch.Batch) batch.Batch {
	info, err := storage.Upload(t.Context(), b.Deferred.File.Info.URI, storage.Join(bucket, name), storage.Any())
	require.NoError(t, err)
	deferred := *b.Deferred
	deferred.File.Info = info
	b.Deferred, b.Origin.File = &deferred, info.URI
	return b
}

// startSpooled starts a loader whose spool is in a folder, and is as small as a spool can be.
func startSpooled(t testing.TB, folder string, verify Verify) *loader {
	config := SpoolConfig{Path: folder, MaxBytes: "64m"}
	l, err := newLoader(twoTables(t), config, verify, hyperdtest.Acquire(t), filepath.Join(t.TempDir(), "x.hyper"))
	require.NoError(t, err)
	t.Cleanup(l.abandon)
	return l
}

func requireEmpty(t testing.TB, folder string) {
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
}

// largest watches the bytes below a folder until the test calls it.
func largest(folder string) (stop func() int64) {
	var most atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			var bytes int64
			_ = filepath.WalkDir(folder, func(_ string, entry os.DirEntry, err error) error {
				if err == nil && !entry.IsDir() {
					if stat, err := entry.Info(); err == nil { // it may just have been removed
						bytes += stat.Size()
					}
				}
				return nil
			})
			most.Store(max(most.Load(), bytes))
			time.Sleep(time.Millisecond)
		}
	}()
	return func() int64 {
		cancel()
		<-ended
		return most.Load()
	}
}

// noisyFile is a deferred file of 8 bytes a row that no codec makes smaller.
func noisyFile(t testing.TB, rows int) batch.Batch {
	numbers, dates := array.NewInt64Builder(memory.DefaultAllocator), array.NewDate32Builder(memory.DefaultAllocator)
	random := rand.New(rand.NewPCG(1, 2))
	for range rows {
		numbers.Append(random.Int64())
		dates.Append(aDate)
	}
	record := array.NewRecord(arrow.NewSchema(dayFields, nil), []arrow.Array{numbers.NewArray(), dates.NewArray()}, int64(rows))
	return deferredColumns(t, batch.Batch{Tally: batch.Tally{Read: int64(rows)}, Record: record}, 2, everything)
}

// However many files are copied, and with segments among them, the spool stays within its
// bound, and nothing of it is left.
func TestCopiesStayWithinTheBound(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	faults.Inject(storagetest.Fault{On: storagetest.Read, Cut: true, After: 100_000, Times: 5})
	faults.Inject(storagetest.Fault{On: storagetest.Read, Status: 503, Times: 3})
	const rows, files = 1_200_000, 12
	file := noisyFile(t, rows)
	require.Greater(t, file.Deferred.File.Info.Size, int64(9<<20))
	folder := t.TempDir()
	l := startSpooled(t, folder, nil)
	stop := largest(folder)
	var segments int64
	for i := range files {
		b := remote(t, bucket, fmt.Sprintf("%d.parquet", i), file)
		b.Table = i / 2 % 2
		require.NoError(t, l.add(b))
		for range 30 { // 24 MB
			require.NoError(t, l.add(days(0, segments*batch.MaxRows, batch.MaxRows, aDate)))
			segments++
		}
	}
	loaded, err := complete(t.Context(), l)
	require.NoError(t, err)
	most := stop()
	assert.EqualValues(t, files*rows+segments*batch.MaxRows, loaded.Tables[0].Rows+loaded.Tables[1].Rows)
	assert.LessOrEqual(t, most, int64(64<<20))
	assert.Greater(t, most, int64(32<<20), "copying overlaps with loading")
	requireEmpty(t, folder)
}

// Only copies, and each takes more than half of the spool.
func TestCopiesThatFitOneByOne(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	file := noisyFile(t, 5_000_000)
	require.Greater(t, file.Deferred.File.Info.Size, int64(33<<20))
	folder := t.TempDir()
	l := startSpooled(t, folder, nil)
	stop := largest(folder)
	require.NoError(t, l.add(days(0, 0, 10, aDate)), "a segment that is still open")
	for i := range 3 {
		require.NoError(t, l.add(remote(t, bucket, fmt.Sprint(i), file)))
	}
	loaded, err := complete(t.Context(), l)
	require.NoError(t, err)
	assert.EqualValues(t, 15_000_010, loaded.Tables[0].Rows)
	assert.LessOrEqual(t, stop(), int64(64<<20))
	requireEmpty(t, folder)
}

func TestFilesThatTheSpoolCannotHoldAreRefused(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	b := remote(t, bucket, "large.parquet", deferredDays(t, 0, 0, 10, aDate, everything))
	b.Deferred.File.Info.Size = 64<<20 + 1
	l := startSpooled(t, t.TempDir(), nil)
	before := faults.Count(storagetest.Read)
	require.NoError(t, l.add(b))
	file, err := complete(t.Context(), l)
	require.NoError(t, err)
	assert.Zero(t, file.Tables[0].Tally.Read, "it is nobody's yet")
	assert.Equal(t, before, faults.Count(storagetest.Read))
	require.Len(t, l.doubtful(), 1)
	assert.Equal(t, []string{"large.parquet"}, namesOf(l.doubtful()[0].Parts[0]))
	assert.Contains(t, l.doubtful()[0].Refused, "the spool holds")
}

func TestCopiesAreVerified(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	var verified atomic.Int64
	verify := func(_ context.Context, path string, columns []string) error {
		assert.Equal(t, []string{"n", "d"}, columns)
		assert.FileExists(t, path)
		if verified.Add(1) == 2 {
			return errors.New("the checksum of a page does not match")
		}
		return nil
	}
	folder := t.TempDir()
	l := startSpooled(t, folder, verify)
	before := faults.Count(storagetest.Read)
	add := func(name string) {
		b := remote(t, bucket, name, deferredDays(t, 0, 0, 10, aDate, everything))
		b.Deferred.Unverified = []string{"n", "d"}
		require.NoError(t, l.add(b))
		require.NoError(t, l.flushFiles())
	}
	add("good.parquet")
	require.Eventually(t, func() bool { return verified.Load() == 1 }, time.Minute, time.Millisecond)
	add("bad.parquet")
	file, err := complete(t.Context(), l)
	require.NoError(t, err)
	assert.Equal(t, Contents{Rows: 10, Tally: batch.Tally{Read: 10}}, file.Tables[0], "the refused file is nobody's yet")
	require.Len(t, l.doubtful(), 1)
	assert.Equal(t, []string{"bad.parquet"}, namesOf(l.doubtful()[0].Parts[0]))
	assert.Equal(t, "the checksum of a page does not match", l.doubtful()[0].Refused)
	assert.Equal(t, before+2, faults.Count(storagetest.Read), "each file is read once")
	l.abandon()
	requireEmpty(t, folder)
}

func TestCopiesThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, l *loader, faults *storagetest.Faults, b *batch.Batch)
		kind   failure.Kind
		says   string
	}{
		"the object is another one": {func(_ *testing.T, _ *loader, _ *storagetest.Faults, b *batch.Batch) {
			b.Deferred.File.Info.Version += "0"
		}, failure.Source, "changed"},
		"no permission": {func(_ *testing.T, _ *loader, faults *storagetest.Faults, _ *batch.Batch) {
			faults.Inject(storagetest.Fault{On: storagetest.Read, Status: 403})
		}, failure.Source, "permission"},
		"the bytes are others": {func(_ *testing.T, _ *loader, faults *storagetest.Faults, _ *batch.Batch) {
			faults.Inject(storagetest.Fault{On: storagetest.Read, Spoil: true})
		}, failure.Source, "checksum"},
		"the spool cannot be written": {func(t *testing.T, l *loader, _ *storagetest.Faults, _ *batch.Batch) {
			require.NoError(t, os.RemoveAll(l.session.spool.folder))
			require.NoError(t, os.WriteFile(l.session.spool.folder, nil, 0o600))
		}, failure.Storage, "write to the spool: copy gs://lake/a.parquet"},
		"nobody verifies": {func(_ *testing.T, _ *loader, _ *storagetest.Faults, b *batch.Batch) {
			b.Deferred.Unverified = []string{"n"}
		}, failure.Engine, "cannot verify"},
	} {
		t.Run(name, func(t *testing.T) {
			bucket, faults := storagetest.FakeGCS(t)
			folder := t.TempDir()
			l := startSpooled(t, folder, nil)
			b := remote(t, bucket, "a.parquet", deferredDays(t, 0, 0, 10, aDate, everything))
			c.change(t, l, faults, &b)
			require.NoError(t, l.add(b))
			_, err := complete(t.Context(), l)
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "a.parquet")
			failed := failure.Of(err, failure.Engine)
			assert.Equal(t, c.kind, failed.Kind)
			assert.True(t, failed.Hint != "" || c.kind == failure.Engine)
			l.abandon()
			requireEmpty(t, folder)
		})
	}
}

// A loader that waits for room learns that what was before will never be loaded.
func TestAFailureEndsTheWaitingForRoom(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	folder := t.TempDir()
	l := startSpooled(t, folder, nil)
	lost := remote(t, bucket, "lost.parquet", deferredDays(t, 0, 0, 10, aDate, everything))
	lost.Deferred.File.Info.Size, lost.Deferred.File.Info.Version = 40<<20, "7"
	require.NoError(t, l.add(lost))
	next := remote(t, bucket, "next.parquet", deferredDays(t, 0, 0, 10, aDate, everything))
	next.Deferred.File.Info.Size = 40 << 20
	require.ErrorContains(t, l.add(next), "lost.parquet")
	l.abandon()
	requireEmpty(t, folder)
}

// What is given up while files are being copied leaves nothing behind.
func TestAbandoningEndsTheCopying(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	faults.Inject(storagetest.Fault{On: storagetest.Read, Pause: time.Hour})
	folder := t.TempDir()
	l := startSpooled(t, folder, nil)
	for i := range maxFetches {
		require.NoError(t, l.add(remote(t, bucket, fmt.Sprint(i), deferredDays(t, 0, 0, 10, aDate, everything))))
	}
	require.Eventually(t, func() bool { return faults.Count(storagetest.Read) == maxFetches }, time.Minute, time.Millisecond)
	started := time.Now()
	l.abandon()
	assert.Less(t, time.Since(started), time.Minute)
	requireEmpty(t, folder)
}

// While the sink waits for the last file, the counters show the rows before it, and nothing is
// left to load after that.
func TestRowsAreCountedWhileTheSinkWaits(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	arrived := make(chan struct{})
	faults.Inject(storagetest.Fault{On: storagetest.Read, Name: "slow", Before: func() { <-arrived }})
	fn := &writeFn{paramsFn: packed(Params{Layout: twoTables(t), Staging: t.TempDir()})}
	require.NoError(t, fn.Setup())
	ctx := metrics.SetPTransformID(metrics.SetBundleID(t.Context(), "bundle"), "write")
	counted := func(name string) (sum int64) {
		extract := metrics.Extractor{SumInt64: func(labels metrics.Labels, value int64) {
			if labels.Name() == name {
				sum += value
			}
		}}
		assert.NoError(t, extract.ExtractFrom(metrics.GetStore(ctx)))
		return sum
	}
	emit, doubt := func(int, File) {}, func(Doubtful) {}
	require.NoError(t, fn.ProcessElement(ctx, remote(t, bucket, "quick", deferredDays(t, 0, 0, 10, aDate, everything)), emit, doubt))
	last := remote(t, bucket, "slow", deferredDays(t, 1, 0, 5, aDate, everything))
	last.Deferred.Last = true
	processed := make(chan error, 1)
	go func() { processed <- fn.ProcessElement(ctx, last, emit, doubt) }()
	require.Eventually(t, func() bool { return counted("rows_loaded") == 10 }, time.Minute, 10*time.Millisecond)
	assert.Empty(t, processed)
	close(arrived)
	require.NoError(t, <-processed)
	assert.EqualValues(t, 15, counted("rows_loaded"))
	assert.Positive(t, counted("bytes_written"))
	require.NoError(t, fn.FinishBundle(ctx, emit, doubt))
	assert.EqualValues(t, 15, counted("rows_loaded"))
}

func TestCancellingABundleEndsTheWaiting(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	ctx, cancel := context.WithCancel(t.Context())
	faults.Inject(storagetest.Fault{On: storagetest.Read, Before: cancel, Pause: time.Hour})
	fn := &writeFn{paramsFn: packed(Params{Layout: twoTables(t), Staging: t.TempDir(), Spool: SpoolConfig{Path: t.TempDir()}})}
	require.NoError(t, fn.Setup())
	emit, doubt := func(int, File) {}, func(Doubtful) {}
	b := remote(t, bucket, "slow", deferredDays(t, 1, 0, 5, aDate, everything))
	b.Deferred.Last = true
	require.ErrorContains(t, fn.ProcessElement(ctx, b, emit, doubt), context.Canceled.Error())
	requireEmpty(t, fn.params.Spool.Path)
}
