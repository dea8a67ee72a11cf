package repartition_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/decimal256"
	"github.com/apache/arrow/go/v17/arrow/float16"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/transforms/repartition"
)

var nested = arrow.StructOf(
	arrow.Field{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	arrow.Field{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Float64), Nullable: true},
)

// flatTypes are the types that a table may be moved by.
var flatTypes = []arrow.DataType{
	arrow.Null, arrow.FixedWidthTypes.Boolean,
	arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
	arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
	arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64,
	&arrow.Decimal128Type{Precision: 38, Scale: 4}, &arrow.Decimal256Type{Precision: 76, Scale: 10},
	arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64,
	arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.Time64us, arrow.FixedWidthTypes.Time64ns,
	arrow.FixedWidthTypes.Timestamp_s, arrow.FixedWidthTypes.Timestamp_us, arrow.FixedWidthTypes.Timestamp_ns,
	arrow.FixedWidthTypes.Duration_ns, arrow.FixedWidthTypes.MonthInterval, arrow.FixedWidthTypes.DayTimeInterval,
	arrow.FixedWidthTypes.MonthDayNanoInterval,
	arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.Binary, arrow.BinaryTypes.LargeBinary,
	&arrow.FixedSizeBinaryType{ByteWidth: 16},
	&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.BinaryTypes.String},
}

var nestedTypes = []arrow.DataType{
	nested, arrow.ListOf(arrow.BinaryTypes.String), arrow.ListOf(nested), arrow.LargeListOf(arrow.PrimitiveTypes.Int32),
	arrow.FixedSizeListOf(2, nested), arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64),
}

// everything has a column of each type, and one that numbers rows.
func everything() *arrow.Schema { return columnsOf(slices.Concat(flatTypes, nestedTypes)...) }

// columnsOf has a column that numbers rows, and one of each type, by its name.
func columnsOf(types ...arrow.DataType) *arrow.Schema {
	fields := []arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}
	for _, t := range types {
		fields = append(fields, arrow.Field{
			Name: t.String(), Type: t, Nullable: true,
			Metadata: arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{batch.LogicalUnknown}),
		})
	}
	return arrow.NewSchema(fields, nil)
}

// randomRecord has rows of schema, numbered from first. Values are few, so that they repeat,
// and extreme; a fifth is NULL. It is a slice, so that arrays have offsets.
func randomRecord(t testing.TB, r *rand.Rand, schema *arrow.Schema, first int64, rows int) arrow.Record {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for row := range rows + 3 {
		builder.Field(0).(*array.Int64Builder).Append(first - 3 + int64(row))
		for _, field := range builder.Fields()[1:] {
			appendRandom(t, r, field, true)
		}
	}
	return builder.NewRecord().NewSlice(3, int64(rows)+3)
}

func appendRandom(t testing.TB, r *rand.Rand, builder array.Builder, nullable bool) {
	if nullable && r.IntN(5) == 0 {
		builder.AppendNull()
		return
	}
	many := func(n int, b array.Builder, nullable bool) {
		for range n {
			appendRandom(t, r, b, nullable)
		}
	}
	switch b := builder.(type) {
	case *array.NullBuilder:
		b.AppendNull()
	case *array.MapBuilder:
		b.Append(true)
		n := r.IntN(3)
		many(n, b.KeyBuilder(), false)
		many(n, b.ItemBuilder(), true)
	case *array.FixedSizeListBuilder:
		b.Append(true)
		many(2, b.ValueBuilder(), true)
	case array.VarLenListLikeBuilder:
		n := r.IntN(4)
		b.AppendWithSize(true, n)
		many(n, b.ValueBuilder(), true)
	case *array.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			many(1, b.FieldBuilder(i), true)
		}
	default:
		appendFlat(t, r, builder)
	}
}

func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// Two NaNs of different bits, and both zeros.
var doubles = []float64{
	0, math.Copysign(0, -1), math.NaN(), math.Float64frombits(0xfff8dead00000001), 1.5, -1.5,
	math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64,
}

func appendFlat(t testing.TB, r *rand.Rand, builder array.Builder) {
	text := pick(r, "", "a", "a ", "A", "čárka", "x\x00y", strings.Repeat("long ", 30), fmt.Sprint(r.IntN(40)))
	moment := pick(r, 0, 999, 1000, -1, math.MaxInt64, math.MinInt64, r.Int64())
	switch b := builder.(type) {
	case *array.BooleanBuilder:
		b.Append(r.IntN(2) == 0)
	case *array.Int64Builder:
		b.Append(pick(r, 0, -1, math.MaxInt64, math.MinInt64, r.Int64N(20)))
	case *array.Uint64Builder:
		b.Append(pick(r, 0, math.MaxUint64, r.Uint64N(20)))
	case *array.Float16Builder:
		b.Append(pick(r, float16.New(0), float16.New(0).Negate(), float16.NaN(), float16.New(1.5)))
	case *array.Float32Builder:
		b.Append(pick(r, 0, float32(math.Copysign(0, -1)), math.Float32frombits(0x7fc0dead), float32(math.NaN()), 1.5))
	case *array.Float64Builder:
		b.Append(pick(r, doubles...))
	case *array.Decimal128Builder:
		b.Append(pick(r, decimal128.FromI64(0), decimal128.FromI64(-1), decimal128.MaxDecimal128, decimal128.FromI64(r.Int64N(9))))
	case *array.Decimal256Builder:
		b.Append(pick(r, decimal256.FromI64(0), decimal256.FromI64(-1), decimal256.FromI64(math.MaxInt64), decimal256.FromI64(r.Int64N(9))))
	case *array.Date64Builder:
		b.Append(arrow.Date64(pick(r, 0, -86_400_000, 86_400_000)))
	case *array.Time64Builder:
		b.Append(arrow.Time64(r.Int64N(4000)))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(moment))
	case *array.DurationBuilder:
		b.Append(arrow.Duration(moment))
	case *array.MonthIntervalBuilder:
		b.Append(arrow.MonthInterval(r.Int32N(3)))
	case *array.DayTimeIntervalBuilder:
		b.Append(arrow.DayTimeInterval{Days: r.Int32N(2), Milliseconds: r.Int32N(2)})
	case *array.MonthDayNanoIntervalBuilder:
		b.Append(arrow.MonthDayNanoInterval{Months: r.Int32N(2), Days: -r.Int32N(2), Nanoseconds: r.Int64N(2000)})
	case *array.BinaryDictionaryBuilder:
		require.NoError(t, b.AppendString(text))
	case array.StringLikeBuilder:
		b.Append(text)
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte((text + strings.Repeat("\xff", 16))[:16]))
	case *array.BinaryBuilder:
		b.Append([]byte(text))
	default:
		require.NoError(t, b.AppendValueFromString(numberOrTime(r, b.Type())))
	}
}

func numberOrTime(r *rand.Rand, t arrow.DataType) string {
	switch t.ID() {
	case arrow.DATE32:
		return fmt.Sprintf("2026-01-%02d", 1+r.IntN(31))
	case arrow.TIME32:
		return fmt.Sprintf("12:30:%02d", r.IntN(60))
	}
	return fmt.Sprint(r.IntN(100))
}

// cell spells a value so that two of them are the same text only if they are the same bits.
func cell(column arrow.Array, row int) string {
	if column.DataType().ID() == arrow.NULL || column.IsNull(row) {
		return "null"
	}
	elements := func(values arrow.Array, from, to int64) string {
		var all []string
		for i := from; i < to; i++ {
			all = append(all, cell(values, int(i)))
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	switch c := column.(type) {
	case *array.Float16:
		return fmt.Sprintf("%04x", c.Value(row).Uint16())
	case *array.Float32:
		return fmt.Sprintf("%08x", math.Float32bits(c.Value(row)))
	case *array.Float64:
		return fmt.Sprintf("%016x", math.Float64bits(c.Value(row)))
	case *array.Decimal256:
		return fmt.Sprint(c.Value(row).Array())
	case *array.Decimal128:
		return fmt.Sprint(c.Value(row).HighBits(), c.Value(row).LowBits())
	case *array.Timestamp:
		return fmt.Sprint(int64(c.Value(row)))
	case *array.Struct:
		var all []string
		for i := range c.NumField() {
			all = append(all, cell(c.Field(i), row))
		}
		return "{" + strings.Join(all, ", ") + "}"
	case array.ListLike:
		from, to := c.ValueOffsets(row)
		return elements(c.ListValues(), from, to)
	}
	return fmt.Sprintf("%q", column.ValueStr(row))
}

// line spells all values of a row.
func line(record arrow.Record, row int) []string {
	var all []string
	for _, column := range record.Columns() {
		all = append(all, cell(column, row))
	}
	return all
}

// batchOf makes a batch of a record as it comes from validation: of one row more that was
// read, it was rejected.
func batchOf(table int, record arrow.Record, first int64) batch.Batch {
	return batch.Batch{
		Table: table, Origin: batch.Origin{File: "lake.parquet", FirstRow: first}, Record: record,
		Tally: batch.Tally{Read: record.NumRows() + 1, Rejected: 1, Failed: []int64{2, 0}},
	}
}

// spilled is the parts of one bundle.
func spilled(t testing.TB, params repartition.Params, batches ...batch.Batch) []repartition.Part {
	t.Helper()
	w := repartition.NewWriter(params)
	for _, b := range batches {
		require.NoError(t, w.Add(context.Background(), b))
	}
	parts, err := w.Finish(context.Background())
	require.NoError(t, err)
	return parts
}

// readAll reads every target of parts.
func readAll(t testing.TB, parts []repartition.Part) []batch.Batch {
	t.Helper()
	byKey := map[string][]repartition.Part{}
	for _, part := range parts {
		byKey[part.Key()] = append(byKey[part.Key()], part)
	}
	var all []batch.Batch
	for _, parts := range byKey {
		require.NoError(t, repartition.ReadTarget(context.Background(), parts, func(b batch.Batch) error {
			all = append(all, b)
			return nil
		}))
	}
	return all
}
