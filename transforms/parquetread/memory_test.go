package parquetread_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/transforms/parquetread"
)

// readWithin reads a file with memory for some bytes of pages, and returns all of its values.
func readWithin(t *testing.T, path string, held, batchBytes int64) ([]string, error) {
	t.Helper()
	shard, table := allOf(t, path)
	var rows []string
	err := parquetread.ReadShardWithin(context.Background(), shard, table, held, batchBytes, func(b batch.Batch) error {
		for row := range int(b.Record.NumRows()) {
			var line strings.Builder
			for _, values := range b.Record.Columns() {
				fmt.Fprint(&line, text(values, row), " ")
			}
			rows = append(rows, line.String())
		}
		return nil
	})
	return rows, err
}

// However little memory there is for pages, columns are read one after another, as long as each fits by
// itself; and they are the same.
func TestFilesInLittleMemory(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.parquet")
	require.NoError(t, err)
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			footer := footerOf(t, path)
			if len(footer.Schema.Fields()) == 0 || hasTwins(footer.Schema) {
				return
			}
			want, err := readWithin(t, path, 1<<20, 1<<20)
			require.NoError(t, err)
			refused := 0
			for held := int64(1); held < 1<<20; held += 1 + held/3 {
				got, err := readWithin(t, path, held, 200)
				if err != nil {
					refused++
					require.ErrorContains(t, err, "is not supported", "%d bytes", held)
					require.Contains(t, failure.Of(err, failure.Engine).Hint, "with other settings")
					continue
				}
				require.Equal(t, want, got, "%d bytes", held)
			}
			assert.True(t, refused > 0 || len(want) == 0)
		})
	}
}

func hasTwins(schema *arrow.Schema) bool {
	for _, field := range schema.Fields() {
		if len(schema.FieldIndices(field.Name)) > 1 {
			return true
		}
	}
	return false
}

// Pages that do not fit together are read in turns, from where they were left.
func TestColumnsInTurns(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	record := randomRecord(t, random, 4000)
	for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
		for _, dictionary := range []bool{false, true} {
			props := parquet.NewWriterProperties(parquet.WithDataPageVersion(version), parquet.WithCompression(compress.Codecs.Snappy),
				parquet.WithDictionaryDefault(dictionary), parquet.WithDataPageSize(1<<(8+random.IntN(8))), parquet.WithBatchSize(1+random.Int64N(500)))
			shard, table := allOf(t, writeRecord(t, record, props))
			for _, held := range []int64{128 << 10, 200 << 10, 512 << 10} {
				var batches []batch.Batch
				err := parquetread.ReadShardWithin(context.Background(), shard, table, held, 16<<10, func(b batch.Batch) error {
					batches = append(batches, b)
					return nil
				})
				require.NoError(t, err)
				requireSame(t, record, batches)
				require.Greater(t, len(batches), 10)
			}
		}
	}
}

// A page that is larger than all memory for pages is refused, with its size, before it is read.
func TestPagesBeyondAllBounds(t *testing.T) {
	t.Parallel()
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	builder.Append(strings.Repeat("x", 20_000))
	record := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.String}}, nil), []arrow.Array{builder.NewArray()}, 1)
	path := writeRecord(t, record, parquet.NewWriterProperties(parquet.WithDictionaryDefault(false), parquet.WithCompression(compress.Codecs.Zstd), parquet.WithStats(false)))
	_, err := readWithin(t, path, 10_000, 1<<20)
	assertSourceError(t, err, path, `column "s"`, "a page of 20004 bytes, where 10000 are the most")
}
