package repartition_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/runners/direct/directtest"
	"hyperlake/transforms/repartition"
)

func init() {
	beam.RegisterFunction(describeRows)
	beam.RegisterFunction(describeTally)
	beam.RegisterFunction(counted)
	beam.RegisterFunction(describeCount)
}

func describeRows(b batch.Batch, emit func(string)) {
	for row := range int(b.Record.NumRows()) {
		emit(fmt.Sprintf("%d %v %v", b.Table, b.Target, line(b.Record, row)))
	}
}

func describeTally(b batch.Batch) string {
	return fmt.Sprintf("%d %v %d %v", b.Table, b.Target, b.Record.NumRows(), b.Tally)
}

func describeCount(n int) string { return strconv.Itoa(n) }

func counted(b batch.Batch) (int, batch.Tally) { return b.Table, b.Tally }

func pipelineParams(staging string) repartition.Params {
	return repartition.Params{Staging: staging, BufferBytes: 50_000, Tables: []repartition.Moves{
		{By: []string{"id"}, Shards: 3}, {}, {SplitBy: "text"},
	}}
}

// pipelineBatches are of three tables, of which the one in the middle stays.
func pipelineBatches(t *testing.T) []any {
	var batches []any
	for i := range 12 {
		b := narrowBatch(t, int64(i)*200, 200)
		b.Table = i % 3
		batches = append(batches, b)
	}
	return batches
}

func TestPipeline(t *testing.T) {
	t.Parallel()
	params := pipelineParams(t.TempDir())
	batches := pipelineBatches(t)
	result, err := directtest.Run(t, func(s beam.Scope) []beam.PCollection {
		// Several branches make several bundles.
		var branches []beam.PCollection
		for i := range 3 {
			branches = append(branches, beam.Create(s, batches[4*i:4*i+4]...))
		}
		others, parts := repartition.Spill(s, beam.Flatten(s, branches...), params)
		read := repartition.Read(s, parts)
		removed := repartition.Remove(s, parts, beam.ParDo(s, counted, read))
		return []beam.PCollection{beam.ParDo(s, describeTally, others), beam.ParDo(s, describeRows, read), beam.ParDo(s, describeCount, removed)}
	})
	require.NoError(t, err)
	assert.ElementsMatch(t, wantOthers(batches), result.Lines[0])
	assert.ElementsMatch(t, wantRows(t, batches), result.Lines[1])
	require.Len(t, result.Lines[2], 1)
	assert.NotEqual(t, "0", result.Lines[2][0])
	assert.EqualValues(t, 1600, result.Counts["rows_moved"])
	files, err := os.ReadDir(filepath.Join(params.Staging, "spills"))
	require.NoError(t, err)
	assert.Empty(t, files, "spills are removed when they were read")
}

func wantOthers(batches []any) []string {
	var want []string
	for _, b := range batches {
		if b := b.(batch.Batch); b.Table == 1 {
			want = append(want, describeTally(b))
		}
	}
	return want
}

// wantRows are the rows that move, with their targets as the plain functions decide.
func wantRows(t *testing.T, batches []any) []string {
	t.Helper()
	params := pipelineParams(t.TempDir())
	var moving []batch.Batch
	for _, b := range batches {
		if b := b.(batch.Batch); params.Moves(b.Table) {
			moving = append(moving, b)
		}
	}
	var want []string
	for _, b := range readAll(t, spilled(t, params, moving...)) {
		describeRows(b, func(row string) { want = append(want, row) })
	}
	require.Len(t, want, 1600)
	return want
}

// runSpill runs a pipeline that spills batches and reads them again.
func runSpill(t *testing.T, params repartition.Params, batches ...any) error {
	_, err := directtest.Run(t, func(s beam.Scope) []beam.PCollection {
		_, parts := repartition.Spill(s, beam.Create(s, batches...), params)
		repartition.Read(s, parts)
		return nil
	})
	return err
}

func TestFailuresCrossThePipeline(t *testing.T) {
	t.Parallel()
	params := pipelineParams(t.TempDir())
	params.MaxBytes = 1000
	err := runSpill(t, params, pipelineBatches(t)...)
	require.Error(t, err)
	got, ok := failure.Decode(err.Error())
	require.True(t, ok, err)
	assert.Equal(t, failure.Storage, got.Kind)
	assert.Contains(t, got.Hint, "allow more bytes for spills")
}

// The parts of a bundle that failed are never emitted, so that its spill is never read: a
// bundle that fails at its end leaves no visible file either.
func TestAFailedBundleLeavesNoSpill(t *testing.T) {
	t.Parallel()
	params := pipelineParams(t.TempDir())
	bad := narrowBatch(t, 0, 10)
	bad.Tally.Read += 5
	require.Error(t, runSpill(t, params, bad))
	files, err := filepath.Glob(filepath.Join(params.Staging, "spills", "*"))
	require.NoError(t, err)
	assert.Empty(t, files)
}
