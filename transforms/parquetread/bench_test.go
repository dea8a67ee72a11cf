package parquetread_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread"
)

// orders makes rows like those of a sales system: keys, amounts, dates, codes, remarks.
func orders(rows int) arrow.Record {
	random := rand.New(rand.NewPCG(1, 1))
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "key", Type: arrow.PrimitiveTypes.Int64},
		{Name: "customer", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "amount", Type: &arrow.Decimal128Type{Precision: 15, Scale: 2}},
		{Name: "day", Type: arrow.FixedWidthTypes.Date32},
		{Name: "status", Type: arrow.BinaryTypes.String},
		{Name: "remark", Type: arrow.BinaryTypes.String, Nullable: true},
	}, nil))
	for i := range rows {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		b.Field(1).(*array.Int64Builder).Append(random.Int64N(1e6))
		b.Field(2).(*array.Decimal128Builder).Append(decimal128.FromI64(random.Int64N(1e9)))
		b.Field(3).(*array.Date32Builder).Append(arrow.Date32(random.Int32N(3000)))
		b.Field(4).(*array.StringBuilder).Append([]string{"open", "paid", "shipped"}[random.IntN(3)])
		b.Field(5).(*array.StringBuilder).Append(fmt.Sprintf("remark %x", random.Uint64()))
	}
	return b.NewRecord()
}

func BenchmarkReadShard(b *testing.B) {
	const rows = 300000
	path := writeRecord(b, orders(rows), parquet.NewWriterProperties(
		parquet.WithCompression(compress.Codecs.Snappy), parquet.WithMaxRowGroupLength(rows/2), parquet.WithStoreDecimalAsInteger(true),
	))
	shard, table := allOf(b, path)
	for _, decoders := range []int{1, 2} {
		for _, readAhead := range []int{16 << 10, 64 << 10, 256 << 10} {
			b.Run(fmt.Sprintf("decoders=%d/ahead=%dk", decoders, readAhead>>10), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					err := parquetread.ReadShardWith(context.Background(), shard, table, decoders, readAhead, func(batch.Batch) error { return nil })
					require.NoError(b, err)
				}
				b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}

// baskets makes rows like those of a shop's event log: lists of structs, and a map.
func baskets(rows int) arrow.Record {
	random := rand.New(rand.NewPCG(1, 1))
	item := arrow.StructOf(
		arrow.Field{Name: "product", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "price", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	)
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "items", Type: arrow.ListOf(item), Nullable: true},
		{Name: "counts", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64), Nullable: true},
	}, nil))
	items, counts := b.Field(0).(*array.ListBuilder), b.Field(1).(*array.MapBuilder)
	for range rows {
		items.Append(true)
		counts.Append(true)
		product := items.ValueBuilder().(*array.StructBuilder)
		for range random.IntN(6) {
			product.Append(true)
			product.FieldBuilder(0).(*array.StringBuilder).Append(fmt.Sprintf("product %d", random.IntN(1000)))
			product.FieldBuilder(1).(*array.Float64Builder).Append(random.Float64())
			counts.KeyBuilder().(*array.StringBuilder).Append(fmt.Sprintf("key %d", random.IntN(50)))
			counts.ItemBuilder().(*array.Int64Builder).Append(random.Int64())
		}
	}
	return b.NewRecord()
}

// BenchmarkReadWithout has rows left out, of which few follow each other.
func BenchmarkReadWithout(b *testing.B) {
	const rows = 300000
	path := writeRecord(b, orders(rows), parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy), parquet.WithMaxRowGroupLength(rows/2)))
	random := rand.New(rand.NewPCG(1, 1))
	for _, percent := range []int{0, 1, 10, 50} {
		deleted := roaring64.New()
		for row := range uint64(rows) {
			if random.IntN(100) < percent {
				deleted.Add(row)
			}
		}
		shard, table := allOf(b, path)
		shard.Files[0].Deletes = deleting(b, deleted)
		b.Run(fmt.Sprintf("%d%%", percent), func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, parquetread.ReadShard(context.Background(), shard, table, func(batch.Batch) error { return nil }))
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkReadNested(b *testing.B) {
	const rows = 100000
	shard, table := allOf(b, writeRecord(b, baskets(rows), parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy))))
	b.ReportAllocs()
	for b.Loop() {
		err := parquetread.ReadShardWith(context.Background(), shard, table, 1, 64<<10, func(batch.Batch) error { return nil })
		require.NoError(b, err)
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkReadFooter(b *testing.B) {
	info := stat(b, fixture("types"))
	for b.Loop() {
		_, err := parquetread.ReadFooter(context.Background(), info)
		require.NoError(b, err)
	}
}
