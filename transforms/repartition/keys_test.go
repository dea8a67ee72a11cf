package repartition_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/transforms/repartition"
)

// fromJSON makes an array of values as JSON.
func fromJSON(t testing.TB, dt arrow.DataType, values string) arrow.Array {
	t.Helper()
	column, _, err := array.FromJSON(memory.DefaultAllocator, dt, strings.NewReader(values), array.WithUseNumber())
	require.NoError(t, err)
	return column
}

func floats(values ...float64) arrow.Array {
	builder := array.NewFloat64Builder(memory.DefaultAllocator)
	builder.AppendValues(values, nil)
	return builder.NewArray()
}

// oneColumn is a record of a column named c.
func oneColumn(column arrow.Array) arrow.Record {
	return array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "c", Type: column.DataType(), Nullable: true}}, nil), []arrow.Array{column}, int64(column.Len()))
}

// Keys of values in ascending order are in ascending order.
func TestKeysAreInTheOrderOfValues(t *testing.T) {
	t.Parallel()
	for name, column := range map[string]arrow.Array{
		"bool":       fromJSON(t, arrow.FixedWidthTypes.Boolean, `[false, true]`),
		"int8":       fromJSON(t, arrow.PrimitiveTypes.Int8, `[-128, -1, 0, 127]`),
		"int64":      fromJSON(t, arrow.PrimitiveTypes.Int64, `[-9223372036854775808, -1, 0, 1, 9223372036854775807]`),
		"uint64":     fromJSON(t, arrow.PrimitiveTypes.Uint64, `[0, 1, 9223372036854775808, 18446744073709551615]`),
		"double":     floats(math.Inf(-1), -math.MaxFloat64, -1, -math.SmallestNonzeroFloat64, 0, math.SmallestNonzeroFloat64, 1.5, math.Inf(1), math.NaN()),
		"decimal128": fromJSON(t, &arrow.Decimal128Type{Precision: 38, Scale: 2}, `["-999999999999999999999999999999999999.99", "-0.01", "0.00", "0.01", "184467440737095516.16", "999999999999999999999999999999999999.99"]`),
		"decimal256": fromJSON(t, &arrow.Decimal256Type{Precision: 76, Scale: 0}, `["-1000000000000000000000000000000000000000000", "-1", "0", "1", "18446744073709551616", "1000000000000000000000000000000000000000000"]`),
		"date":       fromJSON(t, arrow.FixedWidthTypes.Date32, `["1969-12-31", "1970-01-01", "2026-01-31"]`),
		"timestamp":  fromJSON(t, arrow.FixedWidthTypes.Timestamp_ns, `["1969-12-31 23:59:59.999998", "1969-12-31 23:59:59.999999", "1970-01-01 00:00:00"]`),
		"text":       fromJSON(t, arrow.BinaryTypes.String, `["", "B", "a", "a ", "ab", "é", "～", "😀"]`),
		"large text": fromJSON(t, arrow.BinaryTypes.LargeString, `["", "B", "a"]`),
	} {
		for row := range column.Len() - 1 {
			order, err := repartition.Compare(arrow.Field{Type: column.DataType()}, column, row, row+1)
			require.NoError(t, err)
			assert.Negative(t, order, "%s: rows %d and %d", name, row, row+1)
		}
	}
}

// What hyperd keeps as one value has one key.
func TestKeysOfEqualValuesAreEqual(t *testing.T) {
	t.Parallel()
	for name, column := range map[string]arrow.Array{
		"zeros":             floats(0, math.Copysign(0, -1)),
		"NaNs":              floats(math.NaN(), math.Float64frombits(0xfff8dead00000001)),
		"nanoseconds":       fromJSON(t, arrow.FixedWidthTypes.Timestamp_ns, `["1969-12-31 23:59:59.999999001", "1969-12-31 23:59:59.999999999"]`),
		"nanoseconds a day": fromJSON(t, arrow.FixedWidthTypes.Time64ns, `["00:00:01.000001001", "00:00:01.000001999"]`),
		"days":              fromJSON(t, arrow.FixedWidthTypes.Date64, `["1969-12-31", "1969-12-31"]`),
	} {
		order, err := repartition.Compare(arrow.Field{Type: column.DataType()}, column, 0, 1)
		require.NoError(t, err)
		assert.Zero(t, order, name)
	}
}

// A hash depends on values, not on their layout: files of one table may differ in it.
func TestHashesDoNotDependOnTheLayout(t *testing.T) {
	t.Parallel()
	const values = `["a", null, "", "čárka", "a", "b"]`
	table := repartition.Moves{By: []string{"c"}, Shards: 1000}
	want, err := repartition.Slots(table, oneColumn(fromJSON(t, arrow.BinaryTypes.String, values)))
	require.NoError(t, err)
	dictionary := array.NewDictionaryBuilder(memory.DefaultAllocator, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String})
	for _, text := range []string{"a", "", "", "čárka", "a", "b"} {
		require.NoError(t, dictionary.(*array.BinaryDictionaryBuilder).AppendString(text))
	}
	for _, dt := range []arrow.DataType{arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView} {
		got, err := repartition.Slots(table, oneColumn(fromJSON(t, dt, values)))
		require.NoError(t, err)
		assert.Equal(t, want, got, dt)
	}
	got, err := repartition.Slots(table, oneColumn(dictionary.NewArray()))
	require.NoError(t, err)
	assert.NotEqual(t, want[1], want[2], "NULL is not the empty text")
	want[1] = want[2]
	assert.Equal(t, want, got)
}

func TestHashesSpreadEvenly(t *testing.T) {
	t.Parallel()
	const rows, shards = 100_000, 7
	for name, at := range map[string]func(row int) int64{
		"consecutive": func(row int) int64 { return int64(row) },
		"multiples":   func(row int) int64 { return int64(row) << 32 },
		"random":      func(int) int64 { return rand.Int64() },
	} {
		first, second := array.NewInt64Builder(memory.DefaultAllocator), array.NewInt64Builder(memory.DefaultAllocator)
		for row := range rows {
			first.Append(at(row))
			second.Append(int64(row % 2))
		}
		schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int64}, {Name: "b", Type: arrow.PrimitiveTypes.Int64}}, nil)
		record := array.NewRecord(schema, []arrow.Array{first.NewArray(), second.NewArray()}, rows)
		for _, by := range [][]string{{"a"}, {"a", "b"}, {"b", "a"}} {
			slots, err := repartition.Slots(repartition.Moves{By: by, Shards: shards}, record)
			require.NoError(t, err)
			counts := make([]int, shards)
			for _, slot := range slots {
				counts[slot]++
			}
			for _, count := range counts {
				assert.InDelta(t, rows/shards, count, rows/shards/10, "%s by %v: %v", name, by, counts)
			}
		}
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	schema := everything()
	for _, test := range []struct {
		table repartition.Moves
		want  string // "" is fine
	}{
		{repartition.Moves{}, ""},
		{repartition.Moves{Shards: 4}, ""},
		{repartition.Moves{By: []string{"utf8", "int64"}, Shards: 4}, ""},
		{repartition.Moves{Range: "decimal(38, 4)"}, ""},
		{repartition.Moves{Range: "float64"}, ""},
		{repartition.Moves{SplitBy: "date32"}, ""},
		{repartition.Moves{By: []string{"utf8"}}, "shards is 0"},
		{repartition.Moves{Shards: -1}, "shards is -1"},
		{repartition.Moves{Shards: 10_001}, "at most 10000"},
		{repartition.Moves{By: []string{"utf8"}, Shards: 1, Range: "utf8"}, "exclude each other"},
		{repartition.Moves{Range: "int64", SplitBy: "utf8"}, "exclude each other"},
		{repartition.Moves{SplitBy: "utf8", Shards: 2}, "shards has no meaning"},
		{repartition.Moves{By: []string{"nothing"}, Shards: 1}, `0 columns named "nothing"`},
		{repartition.Moves{Shards: 1, Columns: []string{"nothing"}}, `0 columns named "nothing"`},
		{repartition.Moves{By: []string{nested.String()}, Shards: 1}, "by: column struct"},
		{repartition.Moves{Range: "month_interval"}, "range: column month_interval"},
		{repartition.Moves{Range: "null"}, "range: column null"},
		{repartition.Moves{SplitBy: "float64"}, "split_by: column float64"},
		{repartition.Moves{SplitBy: "duration[ns]"}, "split_by: column duration"},
	} {
		err := test.table.Check(schema)
		if test.want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, test.want)
		known := failure.Of(err, failure.Engine)
		assert.Equal(t, failure.Config, known.Kind)
		assert.True(t, known.Early)
		assert.NotEmpty(t, known.Hint)
	}
}

func TestParquetIntervalsHaveKeys(t *testing.T) {
	t.Parallel()
	builder := array.NewFixedSizeBinaryBuilder(memory.DefaultAllocator, &arrow.FixedSizeBinaryType{ByteWidth: 12})
	builder.Append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	builder.Append([]byte{0, 0, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0})
	column := builder.NewArray()
	field := arrow.Field{Name: "c", Type: column.DataType(), Metadata: arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{batch.LogicalInterval})}
	order, err := repartition.Compare(field, column, 0, 1)
	require.NoError(t, err)
	assert.NotZero(t, order, "hyperd tells 1 month from 30 days")
	schema := arrow.NewSchema([]arrow.Field{field}, nil)
	assert.NoError(t, repartition.Moves{By: []string{"c"}, Shards: 2}.Check(schema))
	assert.Error(t, repartition.Moves{Range: "c"}.Check(schema))
}

func TestValueTexts(t *testing.T) {
	t.Parallel()
	uuid := arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{batch.LogicalUUID})
	bytes := array.NewFixedSizeBinaryBuilder(memory.DefaultAllocator, &arrow.FixedSizeBinaryType{ByteWidth: 16})
	bytes.Append([]byte("0123456789abcdef"))
	id := bytes.NewArray()
	for i, test := range []struct {
		column arrow.Array
		meta   arrow.Metadata
		want   string
	}{
		{fromJSON(t, arrow.BinaryTypes.String, `["REG AIR"]`), arrow.Metadata{}, "REG AIR"},
		{fromJSON(t, arrow.PrimitiveTypes.Int64, `[-7]`), arrow.Metadata{}, "-7"},
		{fromJSON(t, arrow.PrimitiveTypes.Uint64, `[18446744073709551615]`), arrow.Metadata{}, "18446744073709551615"},
		{fromJSON(t, arrow.FixedWidthTypes.Boolean, `[true]`), arrow.Metadata{}, "true"},
		{fromJSON(t, &arrow.Decimal128Type{Precision: 38, Scale: 3}, `["-0.007"]`), arrow.Metadata{}, "-0.007"},
		{fromJSON(t, &arrow.Decimal128Type{Precision: 38, Scale: 37}, `["9.9999999999999999999999999999999999999"]`), arrow.Metadata{}, "9.9999999999999999999999999999999999999"},
		{fromJSON(t, &arrow.Decimal256Type{Precision: 76, Scale: 0}, `["12"]`), arrow.Metadata{}, "12"},
		{fromJSON(t, arrow.FixedWidthTypes.Date32, `["2026-01-31"]`), arrow.Metadata{}, "2026-01-31"},
		{fromJSON(t, arrow.PrimitiveTypes.Date32, `[-2147483648]`), arrow.Metadata{}, "-2147483648"},
		{fromJSON(t, arrow.FixedWidthTypes.Timestamp_ns, `["1969-12-31 23:59:59.999999001"]`), arrow.Metadata{}, "1969-12-31T23:59:59.999999Z"},
		{fromJSON(t, &arrow.TimestampType{Unit: arrow.Second}, `["2026-01-31 12:30:00"]`), arrow.Metadata{}, "2026-01-31T12:30:00"},
		{fromJSON(t, &arrow.TimestampType{Unit: arrow.Second}, `[9223372036854775807]`), arrow.Metadata{}, "9223372036854775807"},
		{id, uuid, "30313233-3435-3637-3839-616263646566"},
		{id, arrow.Metadata{}, "30313233343536373839616263646566"},
	} {
		got, err := repartition.ValueText(arrow.Field{Name: "c", Type: test.column.DataType(), Metadata: test.meta}, test.column, 0)
		require.NoError(t, err)
		assert.Equal(t, test.want, got, fmt.Sprint(i))
	}
}
