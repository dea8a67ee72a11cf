package parquetread_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread"
)

func TestStatisticsOfTypes(t *testing.T) {
	t.Parallel()
	footer := footerOf(t, fixture("types"))
	for name, want := range map[string][]string{
		"i8":        {"-128", "127"},
		"u8":        {"0", "255"},
		"i16":       {"-32768", "32767"},
		"u16":       {"0", "65535"},
		"u32":       {"0", "4294967295"},
		"u64":       {"0", "18446744073709551615"},
		"f16":       {"-65504", "1.5"},
		"date":      {"0001-01-01", "9999-12-31"},
		"ts_ms_utc": {"-62135596800000ms", "1767323045678ms"},
		"ts_us":     {"-315619200000000us", "1767323045678901us"},
		"ts_ns":     {"-315619200000000000ns", "1767323045678901000ns"},
		"t_ms":      {"00:00:00.000", "23:59:59.999"},
		"t_us":      {"00:00:00.000000", "23:59:59.999999"},
		"t_ns":      {"00:00:00.000000000", "23:59:59.999999999"},
		"dec_9_2":   {"-9999999.99", "0.01"},
		"dec_38_10": {"-9999999999999999999999999999.9999999999", "1.5000000000"},
		"dec_76_5":  {"-99999999999999999999999999999999999999999999999999999999999999999999999.99999", "-0.00001"},
		"uuid":      {"00000000000000000000000000000000", "123456789abcdef0123456789abcdef0"},
		"json":      {"[]", `{"a":1}`},
		"bytes":     {"", "ff00"},
		"fixed":     {"000102", "616263"},
		"text":      {"", "ž"},
	} {
		t.Run(name, func(t *testing.T) {
			chunk, ok := footer.Chunk(0, name)
			require.True(t, ok)
			assert.Equal(t, int64(1), chunk.Statistics.Nulls)
			require.NotNil(t, chunk.Statistics.Bounds)
			field, _ := footer.Schema.FieldsByName(name)
			assert.Equal(t, field[0].Type, chunk.Statistics.Bounds.DataType())
			assert.Equal(t, want, []string{text(chunk.Statistics.Bounds, 0), text(chunk.Statistics.Bounds, 1)})
		})
	}
}

// requireWithinStatistics checks that what the footer says about row groups is true of
// all their rows, and returns how many columns of row groups have bounds.
func requireWithinStatistics(t *testing.T, footer parquetread.Footer, batches []batch.Batch) int {
	bounded := map[string]bool{}
	for _, group := range footer.RowGroups {
		nulls := map[string]int64{}
		for _, b := range batches {
			for i, column := range b.Record.Columns() {
				name := b.Record.ColumnName(i)
				chunk, ok := footer.Chunk(b.Origin.RowGroup, name)
				if !ok || b.Origin.RowGroup != group.Index {
					continue
				}
				nulls[name] += nullsOf(column)
				if bounds := chunk.Statistics.Bounds; bounds != nil {
					requireWithin(t, bounds, column, name)
					bounded[fmt.Sprint(group.Index, name)] = true
				}
			}
		}
		for name, count := range nulls {
			if chunk, _ := footer.Chunk(group.Index, name); chunk.Statistics.Nulls >= 0 {
				require.Equal(t, count, chunk.Statistics.Nulls, name)
			}
		}
	}
	return len(bounded)
}

func nullsOf(column arrow.Array) int64 {
	if column.DataType().ID() == arrow.NULL {
		return int64(column.Len())
	}
	return int64(column.NullN())
}

// requireWithin checks that no value but NaN is outside of its bounds.
func requireWithin(t *testing.T, bounds, column arrow.Array, name string) {
	for row := range column.Len() {
		value := array.NewSlice(column, int64(row), int64(row)+1)
		if column.IsNull(row) || !parquetread.IsOrdered(joined(t, value, value)) {
			continue
		}
		least, most := array.NewSlice(bounds, 0, 1), array.NewSlice(bounds, 1, 2)
		require.True(t, parquetread.IsOrdered(joined(t, least, value)) && parquetread.IsOrdered(joined(t, value, most)),
			"column %q: %s is not within %s", name, value, bounds)
	}
}

func joined(t *testing.T, arrays ...arrow.Array) arrow.Array {
	both, err := array.Concatenate(arrays, memory.DefaultAllocator)
	require.NoError(t, err)
	return both
}

func TestValuesAreWithinStatistics(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]int{
		"types": 22, "types_legacy": 10, "encodings_v2": 11, "pages": 8, "codec_snappy": 2, "embedded": 6, "nested": 2, "empty_row_group": 4,
	} {
		t.Run(file, func(t *testing.T) {
			assert.Equal(t, want, requireWithinStatistics(t, footerOf(t, fixture(file)), readFile(t, fixture(file))))
		})
	}
}

func TestStatisticsThatAreNotThere(t *testing.T) {
	t.Parallel()
	chunk, ok := footerOf(t, fixture("int96")).Chunk(0, "ts")
	require.True(t, ok)
	assert.Nil(t, chunk.Statistics.Bounds)
	assert.Equal(t, int64(-1), chunk.Statistics.Nulls)

	chunk, ok = footerOf(t, fixture("types")).Chunk(0, "nothing")
	require.True(t, ok)
	assert.Nil(t, chunk.Statistics.Bounds)
	assert.Equal(t, int64(3), chunk.Statistics.Nulls)

	chunk, ok = footerOf(t, fixture("all_null")).Chunk(0, "id")
	require.True(t, ok)
	assert.Nil(t, chunk.Statistics.Bounds)
	assert.Equal(t, int64(1000), chunk.Statistics.Nulls)

	chunk, ok = footerOf(t, fixture("nested_shapes_odd")).Chunk(0, "structs")
	require.True(t, ok)
	assert.Equal(t, parquetread.Statistics{Nulls: -1}, chunk.Statistics)
}

func TestChunksThatAreNotThere(t *testing.T) {
	t.Parallel()
	footer := footerOf(t, fixture("pages"))
	for group := range footer.RowGroups {
		chunk, ok := footer.Chunk(group, "id")
		require.True(t, ok)
		assert.Equal(t, "ZSTD", chunk.Codec)
		assert.Less(t, chunk.Bytes, footer.RowGroups[group].Bytes)
	}
	for _, group := range []int{-1, len(footer.RowGroups)} {
		_, ok := footer.Chunk(group, "id")
		assert.False(t, ok)
	}
	_, ok := footer.Chunk(0, "other")
	assert.False(t, ok)

	released := footer
	released.Release()
	_, ok = released.Chunk(0, "id")
	assert.False(t, ok)
	assert.Equal(t, footer.RowGroups, released.RowGroups)
	_, ok = footer.Chunk(0, "id")
	assert.True(t, ok)
}

func TestFootersThatAreAlikeShareASchema(t *testing.T) {
	t.Parallel()
	var files []storage.Info
	for _, name := range []string{"codec_none", "codec_zstd", "types", "codec_lz4", "no_rows"} {
		files = append(files, stat(t, fixture(name)))
	}
	footers, err := parquetread.ReadFooters(context.Background(), files, parquetread.FooterOptions{})
	require.NoError(t, err)
	assert.Same(t, footers[0].Schema, footers[1].Schema)
	assert.Same(t, footers[0].Schema, footers[3].Schema)
	assert.Same(t, footers[0].Schema, footers[4].Schema)
	assert.NotSame(t, footers[0].Schema, footers[2].Schema)
}
