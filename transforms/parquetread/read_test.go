package parquetread_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread"
)

// longFile writes a file of row groups of 1000 rows, one batch each.
func longFile(t testing.TB, rows int) string {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil))
	for i := range rows {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		b.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("row %d", i))
	}
	return writeRecord(t, b.NewRecord(), parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(1000)))
}

// settled waits until no goroutine of the reader is left.
func settled(t *testing.T) {
	t.Helper()
	running := func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		return strings.Contains(string(stacks), "parquetread.(*shardReader)")
	}
	assert.False(t, running(), "a goroutine is left behind")
}

func TestBatchesComeInOrder(t *testing.T) {
	t.Parallel()
	path, second := longFile(t, 20000), fixture("codec_none")
	for _, decoders := range []int{1, 2, 4, 9} {
		shard, table := allOf(t, path, second)
		groups := shard.Files[0].RowGroups
		shard.Table = 7
		shard.Files[0].RowGroups = []parquetread.RowGroup{groups[3], groups[1], groups[19]}
		var batches []batch.Batch
		err := parquetread.ReadShardWith(context.Background(), shard, table, decoders, 100, func(b batch.Batch) error {
			batches = append(batches, b)
			return nil
		})
		require.NoError(t, err)
		var origins []batch.Origin
		for _, b := range batches {
			origins = append(origins, b.Origin)
			assert.Equal(t, 7, b.Table)
		}
		assert.Equal(t, []batch.Origin{
			{File: path, RowGroup: 3, FirstRow: 3000}, {File: path, RowGroup: 1, FirstRow: 1000},
			{File: path, RowGroup: 19, FirstRow: 19000}, {File: second},
		}, origins)
		ids := texts(batches, "id")
		require.Len(t, ids, 3200)
		assert.Equal(t, []string{"3000", "1000", "19000", "0", "199"}, []string{ids[0], ids[1000], ids[2000], ids[3000], ids[3199]})
	}
}

func TestColumnsComeInTheOrderOfTheTable(t *testing.T) {
	t.Parallel()
	shard, _ := allOf(t, fixture("types"))
	batches, err := readAll(shard, tableOf(footerOf(t, fixture("types")), "text", "i8", "uuid"))
	require.NoError(t, err)
	schema := batches[0].Record.Schema()
	assert.Equal(t, []string{"text", "i8", "uuid"}, []string{schema.Field(0).Name, schema.Field(1).Name, schema.Field(2).Name})

	batches, err = readAll(shard, parquetread.Projection{Schema: batch.Schema{Schema: arrow.NewSchema(nil, nil)}})
	require.NoError(t, err)
	assert.Equal(t, int64(3), rowsOf(batches))
}

// TestDecodingWaits checks that a slow consumer stops the decoders after a few batches:
// those that wait, the one that is consumed, and the one that waits to be queued. What
// was not read by then is gone.
func TestDecodingWaits(t *testing.T) {
	t.Parallel()
	path := longFile(t, 50000)
	shard, table := allOf(t, path)
	emitted := 0
	err := parquetread.ReadShard(context.Background(), shard, table, func(batch.Batch) error {
		emitted++
		if emitted == 1 {
			time.Sleep(50 * time.Millisecond) // let it run as far ahead as it will
			require.NoError(t, os.Truncate(path, 4))
		}
		return nil
	})
	assertSourceError(t, err, path, "row group")
	assert.LessOrEqual(t, emitted, parquetread.QueuedBatches+2)
}

func TestErrorOfEmitEndsEverything(t *testing.T) {
	shard, table := allOf(t, longFile(t, 20000))
	boom := errors.New("boom")
	for _, at := range []int{1, 2, 10, 20} {
		emitted := 0
		err := parquetread.ReadShard(context.Background(), shard, table, func(batch.Batch) error {
			emitted++
			if emitted == at {
				return boom
			}
			return nil
		})
		assert.Equal(t, boom, err)
		assert.Equal(t, at, emitted)
		settled(t)
	}
}

func TestPanicOfEmitEndsEverything(t *testing.T) {
	shard, table := allOf(t, longFile(t, 20000))
	var nowhere map[string]int64
	assert.Panics(t, func() {
		_ = parquetread.ReadShard(context.Background(), shard, table, func(b batch.Batch) error {
			nowhere["rows"] += b.Tally.Read
			return nil
		})
	})
	settled(t)
}

func TestCancelEndsEverything(t *testing.T) {
	shard, table := allOf(t, longFile(t, 20000))
	ctx, cancel := context.WithCancel(context.Background())
	emitted := 0
	err := parquetread.ReadShard(ctx, shard, table, func(batch.Batch) error {
		emitted++
		cancel()
		return nil
	})
	assert.Equal(t, context.Canceled, err)
	assert.Equal(t, 1, emitted)
	settled(t)

	err = parquetread.ReadShard(ctx, shard, table, func(batch.Batch) error { return nil })
	assert.Equal(t, context.Canceled, err)
}

// TestBatchesOfWideRows writes rows whose size the footer gives away, and rows whose size
// it hides behind a dictionary: no batch may be much larger than it should be.
func TestBatchesOfWideRows(t *testing.T) {
	t.Parallel()
	const rows = 1500
	wide := func(value func(i int) string) arrow.Record {
		b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
			{Name: "id", Type: arrow.PrimitiveTypes.Int64},
			{Name: "wide", Type: arrow.BinaryTypes.String, Nullable: true},
			{Name: "flag", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		}, nil))
		for i := range rows {
			b.Field(0).(*array.Int64Builder).Append(int64(i))
			b.Field(2).(*array.BooleanBuilder).Append(i%3 == 0)
			if i%5 == 0 {
				b.Field(1).AppendNull()
			} else {
				b.Field(1).(*array.StringBuilder).Append(value(i))
			}
		}
		return b.NewRecord()
	}
	random := rand.New(rand.NewPCG(1, 1))
	long, other := strings.Repeat("abcdefgh", 2000), strings.Repeat("-", 9000)
	for name, record := range map[string]arrow.Record{
		"plain":      wide(func(i int) string { return long[:10000+i] }),
		"repeated":   wide(func(int) string { return long }),
		"now and so": wide(func(int) string { return []string{long, other, ""}[random.IntN(3)] }),
	} {
		for _, dictionary := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, dictionary %v", name, dictionary), func(t *testing.T) {
				path := writeRecord(t, record, parquet.NewWriterProperties(parquet.WithDictionaryDefault(dictionary)))
				batches := readFile(t, path)
				requireSame(t, record, batches)
				assert.Greater(t, len(batches), 1)
				for _, b := range batches {
					text := b.Record.Column(1).(*array.String)
					assert.LessOrEqual(t, text.ValueOffset(text.Len())-text.ValueOffset(0), 10<<20)
				}
			})
		}
	}
}

func TestBatchesHaveAtMostMaxRows(t *testing.T) {
	t.Parallel()
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int16}}, nil))
	for i := range 150000 {
		b.Field(0).(*array.Int16Builder).Append(int16(i))
	}
	record := b.NewRecord()
	batches := readFile(t, writeRecord(t, record, parquet.NewWriterProperties()))
	requireSame(t, record, batches)
	require.Len(t, batches, 3)
	for _, b := range batches {
		assert.Equal(t, int64(50000), b.Record.NumRows())
	}
}
