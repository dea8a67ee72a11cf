package iceberg_test

import (
	"cmp"
	"math"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
	"hyperlake/internal/lake/iceberg"
)

// TestStatisticsHold holds what writers say of the values in files against the files.
func TestStatisticsHold(t *testing.T) {
	t.Parallel()
	checked := map[arrow.Type]int{}
	for _, name := range fixtures(t) {
		for _, version := range fixture(t, name) {
			snapshot, err := iceberg.Open(t.Context(), placeOf(name), version.version())
			require.NoError(t, err)
			var wanted []string
			for _, column := range snapshot.Columns {
				wanted = append(wanted, column.Name)
			}
			for _, file := range filesOf(t, snapshot, wanted...) {
				for _, column := range snapshot.Columns {
					if said, ok := file.Statistics[column.Name]; ok {
						checked[column.Type.ID()] += checkStatistics(t, snapshot, file, column, said)
					}
				}
			}
		}
	}
	for _, kind := range []arrow.Type{arrow.INT32, arrow.INT64, arrow.FLOAT32, arrow.FLOAT64, arrow.DECIMAL128, arrow.STRING, arrow.DATE32, arrow.TIMESTAMP} {
		assert.Positive(t, checked[kind], kind)
	}
}

// checkStatistics holds the statistics of a column against its values, and returns how many it held against both bounds.
func checkStatistics(t *testing.T, snapshot *lake.Snapshot, file lake.File, column lake.Column, said lake.Statistics) int {
	t.Helper()
	values := columnOf(t, snapshot, file.URI, column)
	if values == nil { // which may stand in the metadata alone
		return 0
	}
	if said.Nulls >= 0 {
		assert.EqualValues(t, values.NullN(), said.Nulls, "%s %s", file.URI, column.Name)
	}
	if said.Min == nil || said.Max == nil {
		return 0
	}
	builder := array.NewBuilder(memory.DefaultAllocator, column.Type)
	require.NoError(t, builder.AppendValueFromString(*said.Min))
	require.NoError(t, builder.AppendValueFromString(*said.Max))
	bounds, checked := builder.NewArray(), 0
	for row := range values.Len() {
		if values.IsNull(row) || isNaN(values, row) {
			continue
		}
		assert.LessOrEqual(t, compare(bounds, 0, values, row), 0, "%s %s", file.URI, column.Name)
		assert.LessOrEqual(t, compare(values, row, bounds, 1), 0, "%s %s", file.URI, column.Name)
		checked++
	}
	return checked
}

func isNaN(values arrow.Array, row int) bool {
	switch values := values.(type) {
	case *array.Float32:
		return math.IsNaN(float64(values.Value(row)))
	case *array.Float64:
		return math.IsNaN(values.Value(row))
	}
	return false
}

// compare compares two values of one type.
func compare(a arrow.Array, i int, b arrow.Array, j int) int {
	switch a := a.(type) {
	case *array.Int32:
		return cmp.Compare(a.Value(i), b.(*array.Int32).Value(j))
	case *array.Int64:
		return cmp.Compare(a.Value(i), b.(*array.Int64).Value(j))
	case *array.Float32:
		return cmp.Compare(a.Value(i), b.(*array.Float32).Value(j))
	case *array.Float64:
		return cmp.Compare(a.Value(i), b.(*array.Float64).Value(j))
	case *array.Decimal128:
		return a.Value(i).Cmp(b.(*array.Decimal128).Value(j))
	case *array.Date32:
		return cmp.Compare(a.Value(i), b.(*array.Date32).Value(j))
	case *array.Timestamp:
		return cmp.Compare(a.Value(i), b.(*array.Timestamp).Value(j))
	}
	return cmp.Compare(a.ValueStr(i), b.ValueStr(j))
}
