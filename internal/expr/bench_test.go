package expr_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"
)

// benchRows is the greatest batch.
const benchRows = 64 << 10

// benchRecord looks like line items.
func benchRecord(b *testing.B) arrow.Record {
	schema := schemaOf(b, "key", arrow.PrimitiveTypes.Int64, "day", arrow.FixedWidthTypes.Date32, "received", arrow.FixedWidthTypes.Date32,
		"price", &arrow.Decimal128Type{Precision: 15, Scale: 2}, "tax", &arrow.Decimal128Type{Precision: 15, Scale: 2}, "weight", arrow.PrimitiveTypes.Float64,
		"mode", arrow.BinaryTypes.String, "flag", &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String})
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	random := rand.New(rand.NewPCG(7, 8))
	for i := range benchRows {
		builder.Field(0).(*array.Int64Builder).Append(int64(i))
		builder.Field(1).(*array.Date32Builder).Append(arrow.Date32(random.IntN(20_000)))
		builder.Field(2).(*array.Date32Builder).Append(arrow.Date32(random.IntN(20_000)))
		builder.Field(3).(*array.Decimal128Builder).Append(decimal128.FromI64(random.Int64N(10_000_000)))
		builder.Field(4).(*array.Decimal128Builder).Append(decimal128.FromI64(random.Int64N(9)))
		builder.Field(5).(*array.Float64Builder).Append(random.Float64())
		builder.Field(6).(*array.StringBuilder).Append([]string{"AIR", "RAIL", "SHIP", "TRUCK", "REG AIR"}[random.IntN(5)])
		require.NoError(b, builder.Field(7).(*array.BinaryDictionaryBuilder).AppendString(fmt.Sprint(random.IntN(40))))
	}
	return builder.NewRecord()
}

// BenchmarkEval evaluates conditions over 64 Ki rows.
func BenchmarkEval(b *testing.B) {
	record := benchRecord(b)
	for _, text := range []string{
		"key > 1000 && day <= date('2020-01-01') && price < 50000.05",
		"key >= 100 && key < 50000",
		"weight > 0.5",
		"day <= received",
		"price * (1 - tax) > 100.5",
		"key + 1 > 10",
		"key in [1, 2, 3, 4]",
		"mode == 'AIR'",
		"mode in ['AIR', 'RAIL']",
		"mode.startsWith('R')",
		"mode.matches('^[A-Z ]+$')",
		"size(mode) < 8",
		"flag == '7'",
		"flag in ['7', '8', '9']",
		"mode.substring(1) == 'IR'",
		"key > weight",
	} {
		b.Run(text, func(b *testing.B) {
			p := compile(b, text, record.Schema())
			for b.Loop() {
				if _, err := p.Eval(record); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRows, "ns/row")
		})
	}
}
