package parquetread_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread"
)

func TestWhatOthersWrite(t *testing.T) {
	t.Parallel()
	for file, expected := range map[string]string{
		"nested_shapes_v1":  "nested_shapes",
		"nested_shapes_v2":  "nested_shapes",
		"nested_shapes_odd": "nested_shapes",
		"nested_polars":     "nested_polars",
		"nested_duckdb":     "nested_duckdb",
		"embedded_odd":      "embedded_odd",
	} {
		t.Run(file, func(t *testing.T) {
			requireDumped(t, readDump(t, "testdata/"+expected+".json"), readFile(t, fixture(file)))
		})
	}
}

func TestNestedColumnsWithoutRows(t *testing.T) {
	t.Parallel()
	footer := footerOf(t, fixture("nested_no_rows"))
	assert.Zero(t, footer.Rows)
	assert.Equal(t, 10, footer.Schema.NumFields())
	assert.Empty(t, readFile(t, fixture("nested_no_rows")))
}

func TestNestedArraysHaveTheTypesOfTheFooter(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"nested", "nested_shapes_v1", "nested_shapes_odd", "nested_polars", "nested_duckdb"} {
		schema := footerOf(t, fixture(file)).Schema
		for _, b := range readFile(t, fixture(file)) {
			for i, column := range b.Record.Columns() {
				assert.True(t, arrow.TypeEqual(schema.Field(i).Type, column.DataType(), arrow.CheckMetadata()), "%s: %s", file, column.DataType())
			}
		}
	}
}

// longLists makes a row of very many items between rows of few.
func longLists(items int) arrow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "items", Type: arrow.ListOf(arrow.PrimitiveTypes.Int64), Nullable: true},
		{Name: "texts", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
	}, nil))
	list, texts := b.Field(1).(*array.ListBuilder), b.Field(2).(*array.ListBuilder)
	for row, size := range []int{3, 0, -1, items, 1, -1, 2} {
		b.Field(0).(*array.Int64Builder).Append(int64(row))
		list.Append(size >= 0)
		texts.Append(size >= 0)
		for i := range max(size, 0) {
			list.ValueBuilder().(*array.Int64Builder).Append(int64(i))
			texts.ValueBuilder().(*array.StringBuilder).Append(strings.Repeat("x", i%20))
		}
	}
	return b.NewRecord()
}

func TestRowsOfVeryManyItems(t *testing.T) {
	t.Parallel()
	for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
		for _, dictionary := range []bool{false, true} {
			t.Run(fmt.Sprintf("version %d, dictionary %v", version, dictionary), func(t *testing.T) {
				record := longLists(1_100_000)
				path := writeRecord(t, record, parquet.NewWriterProperties(
					parquet.WithDataPageVersion(version), parquet.WithDictionaryDefault(dictionary), parquet.WithDataPageSize(4096),
				))
				requireSame(t, record, readFile(t, path))
			})
		}
	}
}

// TestBatchesOfWideItems has lists of items whose size a dictionary hides, and checks that
// no batch is larger than it should be.
func TestBatchesOfWideItems(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "pair", Nullable: true, Type: arrow.StructOf(
			arrow.Field{Name: "wide", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
			arrow.Field{Name: "number", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		)},
	}, nil))
	pair := b.Field(0).(*array.StructBuilder)
	wide := pair.FieldBuilder(0).(*array.ListBuilder)
	long := strings.Repeat("abcdefgh", 1000)
	for i := range 2000 {
		pair.Append(true)
		pair.FieldBuilder(1).(*array.Int32Builder).Append(int32(i))
		wide.Append(true)
		for range random.IntN(4) {
			wide.ValueBuilder().(*array.StringBuilder).Append(long)
		}
	}
	record := b.NewRecord()
	batches := readFile(t, writeRecord(t, record, parquet.NewWriterProperties()))
	requireSame(t, record, batches)
	assert.Greater(t, len(batches), 2)
	for _, b := range batches {
		text := b.Record.Column(0).(*array.Struct).Field(0).(*array.List).ListValues().(*array.String)
		assert.LessOrEqual(t, text.ValueOffset(text.Len())-text.ValueOffset(0), 9<<20)
	}
}

func TestChunksOfNestedColumns(t *testing.T) {
	t.Parallel()
	footer := footerOf(t, fixture("nested"))
	var bytes int64
	for _, field := range footer.Schema.Fields() {
		chunk, ok := footer.Chunk(0, field.Name)
		require.True(t, ok)
		assert.Equal(t, "SNAPPY", chunk.Codec)
		assert.Greater(t, chunk.UncompressedBytes, int64(50))
		bytes += chunk.Bytes
		isFlat := field.Name == "flat" || field.Name == "text"
		assert.Equal(t, isFlat, chunk.Statistics.Bounds != nil, field.Name)
		assert.Equal(t, isFlat, chunk.Statistics.Nulls == 0, field.Name)
	}
	assert.Equal(t, footer.RowGroups[0].Bytes, bytes)

	shard, _ := allOf(t, fixture("nested"))
	batches, err := readAll(shard, tableOf(footer, "map", "flat", "struct"))
	require.NoError(t, err)
	assert.Equal(t, []any{[]any{"k", int64(4609434218613702656)}}, canonical(t, batches[0].Record.Column(0), 0))

	_, err = readAll(shard, parquetread.Projection{Schema: batch.Schema{Schema: arrow.NewSchema([]arrow.Field{{Name: "list.element", Type: arrow.PrimitiveTypes.Int32}}, nil)}})
	assertSourceError(t, err, `there is no "list.element"`)
}
