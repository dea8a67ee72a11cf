package iceberg_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake/iceberg"
)

func optional(name string, t arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: t, Nullable: true}
}

// classes are values of a type, as JSON, of which none is equal to another.
var classes = map[string]struct {
	of     arrow.DataType
	values string
}{
	"boolean":   {arrow.FixedWidthTypes.Boolean, `[true, false, null]`},
	"int":       {arrow.PrimitiveTypes.Int32, `[0, 1, -1, 256, 2147483647, -2147483648, null]`},
	"long":      {arrow.PrimitiveTypes.Int64, `[0, 1, -1, 4294967296, 9223372036854775807, null]`},
	"date":      {arrow.FixedWidthTypes.Date32, `["1970-01-01", "1969-12-31", "2024-02-29", null]`},
	"time":      {arrow.FixedWidthTypes.Time64us, `["00:00:00", "00:00:00.000001", "23:59:59.999999", null]`},
	"timestamp": {&arrow.TimestampType{Unit: arrow.Microsecond}, `["1970-01-01T00:00:00", "1970-01-01T00:00:00.000001", "1969-12-31T23:59:59", null]`},
	"decimal":   {&arrow.Decimal128Type{Precision: 38, Scale: 2}, `["0", "0.01", "-0.01", "92233720368547758.08", "184467440737095516.16", null]`},
	"uuid":      {&arrow.FixedSizeBinaryType{ByteWidth: 2}, `["AAA=", "AAE=", "AQA=", null]`},
	"string":    {arrow.BinaryTypes.String, `["", "a", "A", "a ", "ab", "\u0000", "\u0001", "é", "e\u0301", null]`},
	"binary":    {arrow.BinaryTypes.Binary, `["", "AA==", "AAA=", "AQ==", null]`},
	"unknown":   {arrow.Null, `[null]`},
	"struct":    {arrow.StructOf(optional("a", arrow.PrimitiveTypes.Int32)), `[null, {"a": null}, {"a": 0}, {"a": 1}]`},
}

// A value is equal to itself, in other records, and to no other; NULL is equal to NULL.
func TestTuplesOfOneColumn(t *testing.T) {
	t.Parallel()
	for name, class := range classes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values, _, err := array.FromJSON(memory.DefaultAllocator, class.of, strings.NewReader(class.values))
			require.NoError(t, err)
			requireApart(t, values)
		})
	}
}

// requireApart looks for each value among all.
func requireApart(t *testing.T, values arrow.Array) {
	t.Helper()
	path := iceberg.Path{0}
	if values.DataType().ID() == arrow.STRUCT {
		path = iceberg.Path{0, 0}
	}
	all := recordOfArrays(values)
	for row := range int64(values.Len()) {
		assert.Equal(t, []int{int(row)}, foundIn(t, all, all.NewSlice(row, row+1), path), values.ValueStr(int(row)))
	}
}

func recordOfArrays(columns ...arrow.Array) arrow.Record {
	var fields []arrow.Field
	for i, values := range columns {
		fields = append(fields, optional(fmt.Sprint("c", i), values.DataType()))
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(columns[0].Len()))
}

// foundIn are the rows of a record that are in a set of others.
func foundIn(t testing.TB, all, set arrow.Record, paths ...iceberg.Path) []int {
	t.Helper()
	var b iceberg.TupleBuilder
	require.NoError(t, b.Add(set, paths))
	found := []int{}
	require.NoError(t, b.Tuples().Find(all, paths, func(row int) { found = append(found, row) }))
	return found
}

// As Iceberg's own readers have it, all NaN are one value, and the two zeros are two.
func TestTuplesOfFloats(t *testing.T) {
	t.Parallel()
	odd := math.Float64frombits(0xfff8_0000_0000_0001)
	doubles := array.NewFloat64Builder(memory.DefaultAllocator)
	doubles.AppendValues([]float64{0, math.Copysign(0, -1), 1, math.NaN(), math.Inf(1), math.Inf(-1)}, nil)
	requireApart(t, doubles.NewArray())
	doubles.AppendValues([]float64{math.NaN(), odd, -math.NaN(), 0}, nil)
	all := recordOfArrays(doubles.NewArray())
	assert.Equal(t, []int{0, 1, 2}, foundIn(t, all, all.NewSlice(1, 2), iceberg.Path{0}))
	floats := array.NewFloat32Builder(memory.DefaultAllocator)
	floats.AppendValues([]float32{0, float32(math.Copysign(0, -1)), float32(math.NaN()), math.Float32frombits(0xffc0_0001)}, nil)
	all = recordOfArrays(floats.NewArray())
	assert.Equal(t, []int{2, 3}, foundIn(t, all, all.NewSlice(3, 4), iceberg.Path{0}))
	assert.Equal(t, []int{0}, foundIn(t, all, all.NewSlice(0, 1), iceberg.Path{0}))
}

// Several columns are equal if each is, however their bytes would run together.
func TestTuplesOfSeveralColumns(t *testing.T) {
	t.Parallel()
	all := recordOf(t, `[{"a":"x","b":"yz"},{"a":"xy","b":"z"},{"a":"xyz","b":""},{"a":"","b":"xyz"},{"a":null,"b":"xyz"},{"a":"xyz","b":null},
		{"a":null,"b":null},{"a":"\u0001","b":null},{"a":"","b":"\u0001"}]`, optional("a", arrow.BinaryTypes.String), optional("b", arrow.BinaryTypes.String))
	for row := range all.NumRows() {
		assert.Equal(t, []int{int(row)}, foundIn(t, all, all.NewSlice(row, row+1), iceberg.Path{0}, iceberg.Path{1}))
	}
	assert.Equal(t, []int{2, 5}, foundIn(t, all, all.NewSlice(2, 3), iceberg.Path{0}))
	assert.Empty(t, foundIn(t, all, all.NewSlice(0, 0), iceberg.Path{0}))
}

func TestWhatTuplesCannotBeOf(t *testing.T) {
	t.Parallel()
	list := arrow.ListOf(arrow.PrimitiveTypes.Int32)
	all := recordOf(t, `[{"a":[1]}]`, optional("a", list))
	var b iceberg.TupleBuilder
	require.ErrorContains(t, b.Add(all, []iceberg.Path{{0}}), "list<item: int32, nullable> are not compared")
	require.ErrorContains(t, b.Add(all, []iceberg.Path{{0, 0}}), "has no fields")
	for _, of := range []arrow.DataType{list, arrow.StructOf(), arrow.MapOf(arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int32), arrow.PrimitiveTypes.Uint8} {
		assert.False(t, iceberg.IsComparable(of), of)
	}
	for name, class := range classes {
		assert.Equal(t, name != "struct", iceberg.IsComparable(class.of), name)
	}
}

// Sets of random tuples are what a map says, also when they are put together.
func TestRandomTuples(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		rows, values := 1+random.IntN(500), 1+random.IntN(300)
		numbers := array.NewInt64Builder(memory.DefaultAllocator)
		for range rows {
			numbers.Append(random.Int64N(int64(values)))
		}
		column := numbers.NewInt64Array()
		all := recordOfArrays(column)
		var sets []iceberg.Tuples
		known := map[int64]bool{}
		for range 1 + random.IntN(4) {
			var b iceberg.TupleBuilder
			for range random.IntN(4) {
				from := random.Int64N(int64(rows))
				part := all.NewSlice(from, min(int64(rows), from+random.Int64N(50)))
				require.NoError(t, b.Add(part, []iceberg.Path{{0}}))
				for row := range int(part.NumRows()) {
					known[part.Column(0).(*array.Int64).Value(row)] = true
				}
			}
			sets = append(sets, b.Tuples())
		}
		together := iceberg.Union(sets...)
		assert.Equal(t, len(known), together.Len())
		var want, found []int
		for row := range rows {
			if known[column.Value(row)] {
				want = append(want, row)
			}
		}
		require.NoError(t, together.Find(all, []iceberg.Path{{0}}, func(row int) { found = append(found, row) }))
		assert.True(t, slices.Equal(want, found))
	}
}

func BenchmarkTuples(b *testing.B) {
	numbers := array.NewInt64Builder(memory.DefaultAllocator)
	for i := range int64(1 << 20) {
		numbers.Append(i)
	}
	all := recordOfArrays(numbers.NewArray())
	var set iceberg.Tuples
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			var builder iceberg.TupleBuilder
			require.NoError(b, builder.Add(all, []iceberg.Path{{0}}))
			set = builder.Tuples()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(all.NumRows()), "ns/row")
	})
	b.Run("find", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, set.Find(all, []iceberg.Path{{0}}, func(int) {}))
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(all.NumRows()), "ns/row")
	})
}
