package repartition_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/transforms/repartition"
)

// counts are the rows of each shard.
func counts(t *testing.T, bounds repartition.Bounds, column arrow.Array) []int {
	t.Helper()
	encoded, err := json.Marshal(repartition.Moves{Range: "c", Bounds: bounds})
	require.NoError(t, err)
	var table repartition.Moves // as a worker has it
	require.NoError(t, json.Unmarshal(encoded, &table))
	slots, err := repartition.Slots(table, oneColumn(column))
	require.NoError(t, err)
	counts := make([]int, bounds.Shards())
	for _, slot := range slots {
		counts[slot]++
	}
	return counts
}

func assertEven(t *testing.T, counts []int, shards int, tolerance float64) {
	t.Helper()
	require.Len(t, counts, shards)
	total := 0
	for _, count := range counts {
		total += count
	}
	for _, count := range counts {
		assert.InEpsilon(t, float64(total)/float64(shards), count, tolerance, "%v", counts)
	}
}

// statistics makes samples as the footers of files have them, of rows in runs.
func statistics(column arrow.Array, runs int) []repartition.Sample {
	var samples []repartition.Sample
	rows := column.Len() / runs
	for run := range runs {
		part := array.NewSlice(column, int64(run*rows), int64((run+1)*rows))
		least, greatest := 0, 0
		for row := range part.Len() {
			field := arrow.Field{Name: "c", Type: part.DataType()}
			if order, _ := repartition.Compare(field, part, row, least); order < 0 {
				least = row
			}
			if order, _ := repartition.Compare(field, part, row, greatest); order > 0 {
				greatest = row
			}
		}
		ends := []arrow.Array{array.NewSlice(part, int64(least), int64(least)+1), array.NewSlice(part, int64(greatest), int64(greatest)+1)}
		values, _ := array.Concatenate(ends, memory.DefaultAllocator)
		samples = append(samples, repartition.Sample{Values: values, Rows: int64(rows), Spread: true})
	}
	return samples
}

func evenColumns(t *testing.T) map[string]arrow.Array {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 6))
	const rows = 20_000
	ints, doubles, decimals, dates, texts := array.NewInt64Builder(memory.DefaultAllocator), array.NewFloat64Builder(memory.DefaultAllocator),
		array.NewDecimal128Builder(memory.DefaultAllocator, &arrow.Decimal128Type{Precision: 30, Scale: 2}),
		array.NewDate32Builder(memory.DefaultAllocator), array.NewStringBuilder(memory.DefaultAllocator)
	for range rows {
		ints.Append(r.Int64N(1000) - 500)
		doubles.Append(r.Float64()*1e6 - 3e5)
		require.NoError(t, decimals.AppendValueFromString(fmt.Sprintf("%d.%02d", r.Int64N(1e12)-5e11, r.IntN(100))))
		dates.Append(arrow.Date32(8000 + r.Int32N(2500)))
		texts.Append(fmt.Sprintf("customer %x", r.Uint64()))
	}
	return map[string]arrow.Array{
		"ints": ints.NewArray(), "doubles": doubles.NewArray(), "decimals": decimals.NewArray(), "dates": dates.NewArray(), "texts": texts.NewArray(),
	}
}

// Statistics of files in no order, where each spans all values, make even shards.
func TestBoundsFromStatistics(t *testing.T) {
	t.Parallel()
	for name, column := range evenColumns(t) {
		if name == "texts" { // hexadecimal digits leave gaps between 9 and a, which statistics do not show
			continue
		}
		t.Run(name, func(t *testing.T) {
			bounds, err := repartition.FindBounds(arrow.Field{Name: "c", Type: column.DataType()}, statistics(column, 10), 8)
			require.NoError(t, err)
			assertEven(t, counts(t, bounds, column), 8, 0.15)
		})
	}
}

func TestBoundsFromSamples(t *testing.T) {
	t.Parallel()
	for name, column := range evenColumns(t) {
		t.Run(name, func(t *testing.T) {
			samples := []repartition.Sample{
				{Values: array.NewSlice(column, 0, 2000), Rows: 10_000}, {Values: array.NewSlice(column, 10_000, 11_000), Rows: 10_000},
			}
			bounds, err := repartition.FindBounds(arrow.Field{Name: "c", Type: column.DataType()}, samples, 5)
			require.NoError(t, err)
			assertEven(t, counts(t, bounds, column), 5, 0.15)
		})
	}
}

// Rows in different shards are in the order of the shards, NULLs and NaNs last.
func TestShardsAscend(t *testing.T) {
	t.Parallel()
	column := fromJSON(t, arrow.PrimitiveTypes.Int64, `[5, 1, 9, null, 3, 7, -4]`)
	bounds, err := repartition.FindBounds(arrow.Field{Name: "c", Type: column.DataType()}, []repartition.Sample{{Values: column, Rows: 7}}, 3)
	require.NoError(t, err)
	slots, err := repartition.Slots(repartition.Moves{Range: "c", Bounds: bounds}, oneColumn(column))
	require.NoError(t, err)
	assert.Equal(t, []int32{1, 0, 2, 2, 1, 2, 0}, slots)

	withNaN := floats(1, 2, 3, 4, math.NaN())
	bounds, err = repartition.FindBounds(arrow.Field{Name: "c", Type: withNaN.DataType()}, []repartition.Sample{{Values: withNaN, Rows: 5}}, 2)
	require.NoError(t, err)
	slots, err = repartition.Slots(repartition.Moves{Range: "c", Bounds: bounds}, oneColumn(withNaN))
	require.NoError(t, err)
	assert.True(t, slices.IsSorted(slots))
	assert.EqualValues(t, 1, slots[4])
}

func TestThereAreFewerShardsWhereValuesAreFew(t *testing.T) {
	t.Parallel()
	field := arrow.Field{Name: "c", Type: arrow.PrimitiveTypes.Int64}
	for _, test := range []struct {
		samples []repartition.Sample
		want    int
	}{
		{nil, 1},
		{[]repartition.Sample{{Values: fromJSON(t, field.Type, `[null, null]`), Rows: 2}}, 1},
		{[]repartition.Sample{{Values: fromJSON(t, field.Type, `[7, 7]`), Rows: 100, Spread: true}}, 1},
		{[]repartition.Sample{{Values: fromJSON(t, field.Type, `[7, 7, 7, 7, 8]`), Rows: 100}}, 2},
	} {
		bounds, err := repartition.FindBounds(field, test.samples, 8)
		require.NoError(t, err)
		assert.Equal(t, test.want, bounds.Shards())
	}
}

// Extreme statistics are no reason to fail or to lose the order.
func TestBoundsOfExtremes(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]arrow.Array{
		"ints":   fromJSON(t, arrow.PrimitiveTypes.Int64, `[-9223372036854775808, 9223372036854775807]`),
		"floats": floats(math.Inf(-1), math.Inf(1)),
		"NaN":    floats(0, math.NaN()),
		"texts":  fromJSON(t, arrow.BinaryTypes.String, `["", "\uffff"]`),
	} {
		bounds, err := repartition.FindBounds(arrow.Field{Name: "c", Type: values.DataType()}, []repartition.Sample{{Values: values, Rows: 100, Spread: true}}, 4)
		require.NoError(t, err)
		assert.Len(t, bounds, 3, name)
		assert.True(t, slices.IsSortedFunc(bounds, func(a, b []byte) int { return slices.Compare(a, b) }), name)
	}
}
