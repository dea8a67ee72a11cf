package repartition_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/transforms/repartition"
)

// narrow is a schema of which tests make many rows.
var narrow = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "double", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
}, nil)

func narrowBatch(t testing.TB, first int64, rows int) batch.Batch {
	return batchOf(0, randomRecord(t, rand.New(rand.NewPCG(1, uint64(first))), narrow, first, rows), first)
}

func byID(staging string, shards int) repartition.Params {
	return repartition.Params{Staging: staging, Tables: []repartition.Moves{{By: []string{"id"}, Shards: shards}}}
}

// A bundle never holds more than its budget, however many rows and targets there are.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	for _, shards := range []int{1, 7, 500} {
		params := byID(t.TempDir(), shards)
		params.BufferBytes = 2 << 20
		w := repartition.NewWriter(params)
		held := int64(0)
		for i := range int64(15) {
			require.NoError(t, w.Add(t.Context(), narrowBatch(t, i*5000, 5000)))
			require.LessOrEqual(t, w.Held(), params.BufferBytes)
			held = max(held, w.Held())
		}
		assert.Greater(t, held, params.BufferBytes/2)
		parts, err := w.Finish(t.Context())
		require.NoError(t, err)
		assert.Zero(t, w.Held())
		assert.Len(t, parts, shards)
		files, err := filepath.Glob(filepath.Join(params.Staging, "spills", "*"))
		require.NoError(t, err)
		assert.Len(t, files, 1, "one file whatever the number of targets")
	}
}

// Batches are dealt out evenly when nothing else decides, and bundles of one batch begin at
// different shards.
func TestBatchesAreDealtOutEvenly(t *testing.T) {
	t.Parallel()
	params := repartition.Params{Staging: t.TempDir(), Tables: []repartition.Moves{{Shards: 4}}}
	var batches []batch.Batch
	begins := map[int]bool{}
	for i := range int64(40) {
		b := narrowBatch(t, i*10, 10)
		batches = append(batches, b)
		begins[spilled(t, params, b)[0].Target.Shard] = true
	}
	for _, part := range spilled(t, params, batches...) {
		assert.EqualValues(t, 100, part.Rows)
	}
	assert.Len(t, begins, 4)
}

// It is the largest targets that make room, so that small ones are written in few pieces.
func TestLargeTargetsMakeRoom(t *testing.T) {
	t.Parallel()
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil)
	params := repartition.Params{Staging: t.TempDir(), Tables: []repartition.Moves{{SplitBy: "id"}}, BufferBytes: 200_000}
	var batches []batch.Batch
	for range 40 {
		builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for row := range 5000 {
			builder.Field(0).(*array.Int64Builder).Append(int64(max(0, row-4980))) // one value has all rows but 19
		}
		batches = append(batches, batchOf(0, builder.NewRecord(), 0))
	}
	parts := spilled(t, params, batches...)
	require.Len(t, parts, 20)
	assert.Greater(t, len(parts[0].Pieces), 5)
	for _, part := range parts[1:] {
		assert.LessOrEqual(t, len(part.Pieces), 4)
		assert.EqualValues(t, 40, part.Rows)
	}
}

func TestBatchesAreBounded(t *testing.T) {
	t.Parallel()
	params := byID(t.TempDir(), 1)
	var batches []batch.Batch
	for i := range int64(5) {
		batches = append(batches, narrowBatch(t, i*40_000, 40_000))
	}
	got := readAll(t, spilled(t, params, batches...))
	for i, b := range got {
		assert.LessOrEqual(t, b.Record.NumRows(), int64(batch.MaxRows))
		assert.NotContains(t, b.Origin.File, "lake.parquet")
		if i > 0 {
			assert.Equal(t, got[i-1].Origin.FirstRow+got[i-1].Record.NumRows(), b.Origin.FirstRow)
		}
	}
}

// A bundle of which no row is left sends its account, and writes nothing.
func TestABundleWithoutRowsSendsItsAccount(t *testing.T) {
	t.Parallel()
	params := byID(t.TempDir(), 3)
	tally := batch.Tally{Read: 9, Filtered: 4, Rejected: 5, Failed: []int64{5, 1}}
	parts := spilled(t, params, batch.Batch{Record: narrowBatch(t, 0, 0).Record, Tally: tally})
	require.Len(t, parts, 1)
	got := readAll(t, parts)
	require.Len(t, got, 1)
	assert.Equal(t, tally, got[0].Tally)
	assert.Zero(t, got[0].Record.NumRows())
	assert.True(t, narrow.Equal(got[0].Record.Schema()))
	assert.NoDirExists(t, filepath.Join(params.Staging, "spills"))

	assert.Empty(t, spilled(t, params), "a bundle without batches has no account either")
}

func TestTalliesThatDoNotMatchTheRowsAreAnError(t *testing.T) {
	t.Parallel()
	w := repartition.NewWriter(byID(t.TempDir(), 3))
	b := narrowBatch(t, 0, 10)
	b.Tally.Read++
	require.NoError(t, w.Add(t.Context(), b))
	_, err := w.Finish(t.Context())
	require.ErrorContains(t, err, "10 rows of table 0 came to be moved, but their tallies leave 11")
	w.Abort()
}

// A bundle that ran twice wrote two spills. The parts of one attempt are all that is read.
func TestOfTwoAttemptsOneIsRead(t *testing.T) {
	t.Parallel()
	params := byID(t.TempDir(), 4)
	bundle := []batch.Batch{narrowBatch(t, 0, 500), narrowBatch(t, 500, 500)}
	lost, survived := spilled(t, params, bundle...), spilled(t, params, bundle...)
	assert.NotEqual(t, lost[0].Spill.URI, survived[0].Spill.URI)
	rows, tally := int64(0), batch.Tally{}
	for _, b := range readAll(t, survived) {
		rows += b.Record.NumRows()
		tally.Add(b.Tally)
	}
	assert.EqualValues(t, 1000, rows)
	assert.Equal(t, batch.Tally{Read: 1002, Rejected: 2, Failed: []int64{4, 0}}, tally)
}

func TestSpillsAreBounded(t *testing.T) {
	t.Parallel()
	params := byID(t.TempDir(), 4)
	params.MaxBytes = 100_000
	params.BufferBytes = 10_000
	size := spilled(t, params, narrowBatch(t, 0, 1000))[0].Spill.Size
	require.Positive(t, size)

	for bundle := int64(1); ; bundle++ { // every bundle has less room than the one before
		require.Less(t, bundle, int64(100))
		w := repartition.NewWriter(params)
		err := w.Add(t.Context(), narrowBatch(t, 1000*bundle, 1000))
		if err == nil {
			_, err = w.Finish(t.Context())
		}
		if err == nil {
			continue
		}
		w.Abort()
		known := failure.Of(err, failure.Engine)
		assert.Equal(t, failure.Storage, known.Kind)
		assert.Contains(t, known.Message, "more than 100 kB on staging")
		assert.Contains(t, known.Hint, "allow more bytes for spills")
		assert.Greater(t, bundle*size, int64(50_000))
		break
	}
	assert.Less(t, stagedBytes(t, params.Staging), int64(100_000))
}

// stagedBytes is what the files of a staging take, hidden ones included.
func stagedBytes(t *testing.T, staging string) int64 {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(staging, "spills"))
	require.NoError(t, err)
	total := int64(0)
	for _, entry := range entries {
		info, err := entry.Info()
		require.NoError(t, err)
		total += info.Size()
	}
	return total
}

func TestTooManyValuesToSplitBy(t *testing.T) {
	t.Parallel()
	w := repartition.NewWriter(repartition.Params{Staging: t.TempDir(), Tables: []repartition.Moves{{SplitBy: "id"}}})
	err := w.Add(t.Context(), narrowBatch(t, 0, repartition.MaxTargets+1))
	w.Abort()
	require.ErrorContains(t, err, "column id has more than 10000 values")
	assert.Equal(t, failure.Data, failure.Of(err, failure.Engine).Kind)
}

// A spill that is not what was written is an error that names it, before a row of a damaged
// piece is emitted.
func TestDamageIsFound(t *testing.T) {
	t.Parallel()
	parts := spilled(t, byID(t.TempDir(), 2), narrowBatch(t, 0, 3000))
	path := parts[1].Spill.URI
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	piece := parts[1].Pieces[0]
	for name, test := range map[string]struct {
		spoil func(part *repartition.Part)
		want  string
	}{
		"damaged": {func(part *repartition.Part) {
			bad := append([]byte{}, good...)
			bad[piece.Offset+piece.Length/2] ^= 1
			require.NoError(t, os.WriteFile(path, bad, 0o600))
			part.Spill = stat(t, path)
		}, fmt.Sprintf("bytes %d to %d: they are damaged", piece.Offset, piece.Offset+piece.Length)},
		"cut off": {func(part *repartition.Part) {
			require.NoError(t, os.WriteFile(path, good[:piece.Offset+10], 0o600))
			part.Spill = stat(t, path)
		}, "the spill ends after 10 of them"},
		"replaced": {func(*repartition.Part) {
			require.NoError(t, os.WriteFile(path, good[:len(good)-1], 0o600))
		}, "changed after it was listed"},
		"removed": {func(*repartition.Part) {
			require.NoError(t, os.Remove(path))
		}, "no such file"},
		"miscounted": {func(part *repartition.Part) {
			require.NoError(t, os.WriteFile(path, good, 0o600))
			part.Spill = stat(t, path)
			part.Pieces = []repartition.Piece{piece}
			part.Pieces[0].Rows++
		}, "were written"},
	} {
		part := parts[1]
		test.spoil(&part)
		rows := int64(0)
		err := repartition.ReadTarget(t.Context(), []repartition.Part{part}, func(b batch.Batch) error {
			rows += b.Record.NumRows()
			return nil
		})
		require.ErrorContains(t, err, test.want, name)
		require.ErrorContains(t, err, "read spill "+path, name)
		assert.Equal(t, failure.Storage, failure.Of(err, failure.Engine).Kind)
		if name != "miscounted" {
			assert.Zero(t, rows)
		}
	}
}

func stat(t *testing.T, uri string) storage.Info {
	t.Helper()
	store, err := storage.For(uri)
	require.NoError(t, err)
	info, err := store.Stat(t.Context(), uri)
	require.NoError(t, err)
	return info
}

func TestAnErrorOfTheReceiverIsNotOneOfTheSpill(t *testing.T) {
	t.Parallel()
	parts := spilled(t, byID(t.TempDir(), 1), narrowBatch(t, 0, 100))
	refused := errors.New("refused")
	err := repartition.ReadTarget(t.Context(), parts, func(batch.Batch) error { return refused })
	assert.Equal(t, refused, err)
}

func TestStagingThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	staging := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(staging, nil, 0o600)) // a file where the folder should be
	w := repartition.NewWriter(byID(staging, 2))
	err := w.Add(t.Context(), narrowBatch(t, 0, 10))
	require.NoError(t, err, "nothing is written yet")
	_, err = w.Finish(t.Context())
	require.ErrorContains(t, err, "write spill "+staging)
	assert.Equal(t, failure.Storage, failure.Of(err, failure.Engine).Kind)

	params := byID(t.TempDir(), 2)
	params.BufferBytes = 1
	w = repartition.NewWriter(params)
	require.NoError(t, w.Add(t.Context(), narrowBatch(t, 0, 1000)))
	w.Abort()
	entries, err := os.ReadDir(filepath.Join(params.Staging, "spills"))
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestSpillsOnGCS(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	params := byID(bucket+"/run", 5)
	params.BufferBytes = 100_000
	faults.Inject(storagetest.Fault{On: storagetest.Write, Name: "spills", Times: 1, Status: http.StatusServiceUnavailable})
	var parts []repartition.Part
	for i := range int64(2) {
		parts = append(parts, spilled(t, params, narrowBatch(t, i*8000, 4000), narrowBatch(t, i*8000+4000, 4000))...)
	}
	rows := int64(0)
	for _, b := range readAll(t, parts) {
		rows += b.Record.NumRows()
	}
	assert.EqualValues(t, 16_000, rows)

	target := []repartition.Part{parts[0]}
	discard := func(batch.Batch) error { return nil }
	faults.Inject(storagetest.Fault{On: storagetest.Read, Name: "spills", Spoil: true})
	require.ErrorContains(t, repartition.ReadTarget(t.Context(), target, discard), "they are damaged")
	faults.Heal()
	faults.Inject(storagetest.Fault{On: storagetest.Read, Name: "spills", Status: http.StatusForbidden})
	require.ErrorContains(t, repartition.ReadTarget(t.Context(), target, discard), parts[0].Spill.URI)
	faults.Heal()

	faults.Inject(storagetest.Fault{On: storagetest.Write, Name: "spills", Status: http.StatusForbidden})
	w := repartition.NewWriter(params)
	require.NoError(t, w.Add(context.Background(), narrowBatch(t, 0, 10)))
	_, err := w.Finish(context.Background())
	require.ErrorContains(t, err, "write spill gs://")
	assert.NotEmpty(t, failure.Of(err, failure.Engine).Hint)
	w.Abort()
}

func TestBatchesThatCannotBeMovedAreAnError(t *testing.T) {
	t.Parallel()
	w := repartition.NewWriter(repartition.Params{Staging: t.TempDir(), Tables: []repartition.Moves{{}, {Shards: 1}}})
	stays, empty, misfit := narrowBatch(t, 0, 1), batch.Batch{Table: 1}, narrowBatch(t, 0, 1)
	assert.ErrorContains(t, w.Add(t.Context(), stays), "table 0 came to be moved")
	assert.ErrorContains(t, w.Add(t.Context(), empty), "table 1 came to be moved")
	misfit.Table = 7
	assert.ErrorContains(t, w.Add(t.Context(), misfit), "table 7 came to be moved")

	w = repartition.NewWriter(repartition.Params{Staging: t.TempDir(), Tables: []repartition.Moves{{By: []string{"other"}, Shards: 1}}})
	assert.ErrorContains(t, w.Add(t.Context(), narrowBatch(t, 0, 1)), `0 columns named "other"`)
}
