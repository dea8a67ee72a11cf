package delta_test

import (
	"math"
	"strconv"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
	"hyperlake/internal/lake/delta"
	"hyperlake/transforms/parquetread"
)

// TestStatisticsHoldOfAllValues compares the statistics of all columns of all tables with what is in the files.
func TestStatisticsHoldOfAllValues(t *testing.T) {
	t.Parallel()
	atLeast := map[string]int{"types": 50, "widened": 40, "rust": 50, "vectors": 30, "many_parts": 20, "names": 5}
	for _, name := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder, versions := fixture(t, name)
			bounds := 0
			for _, version := range versions {
				snapshot, err := delta.Open(t.Context(), folder, delta.Number(version.Version), parquetread.ReadColumns)
				require.NoError(t, err)
				var wanted []string
				for _, column := range snapshot.Columns {
					wanted = append(wanted, column.Name)
				}
				for _, file := range filesOf(t, snapshot, wanted...) {
					for _, column := range snapshot.Columns {
						if is, ok := file.Statistics[column.Name]; ok {
							bounds += requireHolds(t, file, column, is)
						}
					}
				}
			}
			assert.GreaterOrEqual(t, bounds, atLeast[name], "bounds")
		})
	}
}

// requireHolds compares statistics of a column with its values, and returns how many bounds there were.
func requireHolds(t *testing.T, file lake.File, column lake.Column, is lake.Statistics) int {
	t.Helper()
	require.False(t, column.Partition || len(column.Fields) > 0, column.Name)
	stored := columnOf(t, file, column)
	assert.Equal(t, file.Rows, int64(stored.Len()))
	if is.Nulls >= 0 {
		assert.Equal(t, int64(stored.NullN()), is.Nulls, "%s of %s", column.Name, file.URI)
	}
	field := arrow.Field{Name: column.Name, Type: column.Type, Nullable: true}
	count := 0
	for _, bound := range []*string{is.Min, is.Max} {
		if bound == nil {
			continue
		}
		count++
		limit, err := parquetread.FolderArray(field, bound)
		require.NoError(t, err)
		for row := range stored.Len() {
			if stored.IsNull(row) {
				continue
			}
			text := stored.ValueStr(row)
			value, err := parquetread.FolderArray(field, &text)
			require.NoError(t, err, "%s", text)
			assert.True(t, isWithin(t, value, limit, bound == is.Max), "%s of %s: %s, bound %s", column.Name, file.URI, text, *bound)
		}
	}
	return count
}

// isWithin says whether a value is not below a bound, or if that is the upper one, not above it.
func isWithin(t *testing.T, value, bound arrow.Array, upper bool) bool {
	t.Helper()
	if arrow.IsFloating(value.DataType().ID()) {
		v, err := strconv.ParseFloat(value.ValueStr(0), 64)
		require.NoError(t, err)
		b, err := strconv.ParseFloat(bound.ValueStr(0), 64)
		require.NoError(t, err)
		return math.IsNaN(v) || upper && v <= b || !upper && v >= b
	}
	both := []arrow.Array{bound, value}
	if upper {
		both = []arrow.Array{value, bound}
	}
	bounds, err := array.Concatenate(both, memory.DefaultAllocator)
	require.NoError(t, err)
	return parquetread.Statistics{Bounds: bounds}.Agree(value, 1) != parquetread.Different
}

func TestStatisticsOfLogs(t *testing.T) {
	t.Parallel()
	add := func(stats string) string { return `{"add":{"path":"a","size":1,"stats":` + strconv.Quote(stats) + `}}` }
	cases := map[string]struct {
		stats string
		rows  int64
		want  string // min, max, nulls
	}{
		"all":                  {`{"numRecords":9,"minValues":{"id":1},"maxValues":{"id":5},"nullCount":{"id":2}}`, 9, "1 5 2"},
		"loose":                {`{"numRecords":9,"tightBounds":false,"minValues":{"id":1},"maxValues":{"id":5},"nullCount":{"id":2}}`, 9, "1 5 -1"},
		"loose, no NULL":       {`{"numRecords":9,"tightBounds":false,"nullCount":{"id":0}}`, 9, "- - 0"},
		"loose, all NULL":      {`{"numRecords":9,"tightBounds":false,"nullCount":{"id":9}}`, 9, "- - 9"},
		"rows only":            {`{"numRecords":9}`, 9, ""},
		"nothing":              {`{}`, -1, ""},
		"no JSON":              {`{"numRecords":9`, -1, ""},
		"not a number":         {`{"numRecords":"x","minValues":{"id":"x"},"maxValues":{"id":{}},"nullCount":{"id":-1}}`, -1, ""},
		"too large":            {`{"numRecords":9,"minValues":{"id":2147483648},"maxValues":{"id":2147483647},"nullCount":{"id":10}}`, 9, "- 2147483647 -1"},
		"NULL":                 {`{"numRecords":9,"minValues":{"id":null},"maxValues":null,"nullCount":{"id":9}}`, 9, "- - 9"},
		"negative rows":        {`{"numRecords":-9}`, -1, ""},
		"another column":       {`{"numRecords":9,"minValues":{"ID":1},"nullCount":{"other":1}}`, 9, ""},
		"columns that are odd": {`{"numRecords":9,"minValues":[1]}`, 9, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			snapshot, err := delta.Open(t.Context(), tableOf(t, map[string]string{commit(0): lines(first, add(c.stats))}), delta.Latest(), parquetread.ReadColumns)
			require.NoError(t, err)
			files := filesOf(t, snapshot, "id")
			require.Len(t, files, 1)
			assert.Equal(t, c.rows, files[0].Rows)
			is, ok := files[0].Statistics["id"]
			if c.want == "" {
				assert.False(t, ok)
				return
			}
			show := func(bound *string) string {
				if bound == nil {
					return "-"
				}
				return *bound
			}
			assert.Equal(t, c.want, show(is.Min)+" "+show(is.Max)+" "+strconv.FormatInt(is.Nulls, 10))
			assert.Empty(t, filesOf(t, snapshot)[0].Statistics, "none were wanted")
		})
	}
}
