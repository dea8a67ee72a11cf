package ingest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// everyType has a column of every type that is written, with a NULL in a fourth of the rows, and others without.
var everyType = arrow.NewSchema([]arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "name", Type: arrow.BinaryTypes.String},
	{Name: "a.dot", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "smallint", Type: arrow.PrimitiveTypes.Int16, Nullable: true},
	{Name: "integer", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
	{Name: "bigint", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "real", Type: arrow.PrimitiveTypes.Float32, Nullable: true},
	{Name: "double", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "short numeric", Type: &arrow.Decimal128Type{Precision: 9, Scale: 2}, Nullable: true},
	{Name: "numeric", Type: &arrow.Decimal128Type{Precision: 18, Scale: 4}, Nullable: true},
	{Name: "long numeric", Type: &arrow.Decimal128Type{Precision: 38, Scale: 10}, Nullable: true},
	{Name: "date", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	{Name: "time", Type: arrow.FixedWidthTypes.Time64us, Nullable: true},
	{Name: "timestamp", Type: &arrow.TimestampType{Unit: arrow.Microsecond}, Nullable: true},
	{Name: "timestamptz", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
	{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "bytes", Type: arrow.BinaryTypes.Binary, Nullable: true},
	{Name: "only NULL", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

// rowsOfEveryType makes rows: of few values, or of as many as there are.
func rowsOfEveryType(t *testing.T, random *rand.Rand, n int, few bool) arrow.Record {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, everyType)
	defer builder.Release()
	for range n {
		for i, field := range everyType.Fields() {
			if field.Nullable && random.IntN(4) == 0 || field.Name == "only NULL" {
				builder.Field(i).AppendNull()
				continue
			}
			number := random.Int64() - random.Int64()
			if few {
				number = random.Int64N(7) - 3
			}
			switch column := builder.Field(i).(type) {
			case *array.BooleanBuilder:
				column.Append(number%2 == 0)
			case *array.Int16Builder:
				column.Append(int16(number))
			case *array.Int32Builder:
				column.Append(int32(number))
			case *array.Int64Builder:
				column.Append(number)
			case *array.Float32Builder:
				column.Append(float32(number) / 3)
			case *array.Float64Builder:
				column.Append(float64(number) / 3)
			case *array.Decimal128Builder:
				if field.Type.(*arrow.Decimal128Type).Precision == 38 {
					column.Append(decimal128.New(number>>20, random.Uint64()%5))
				} else {
					column.Append(decimal128.FromI64(number % 1_000_000_000))
				}
			case *array.Date32Builder:
				column.Append(arrow.Date32(number % 100_000))
			case *array.Time64Builder:
				column.Append(arrow.Time64(uint64(number) % 86_400_000_000))
			case *array.TimestampBuilder:
				column.Append(arrow.Timestamp(number))
			case *array.StringBuilder:
				column.Append(fmt.Sprint("text ", number))
			case *array.BinaryBuilder:
				column.Append(fmt.Append(nil, "\x00\xff", number))
			default:
				require.Fail(t, "no values", "%T", column)
			}
		}
	}
	return builder.NewRecord()
}

// writePart writes records to a file, and returns a reader of it.
func writePart(t *testing.T, most limits, records ...arrow.Record) *file.Reader {
	t.Helper()
	path := filepath.Join(t.TempDir(), "part.parquet")
	part, err := newPartFile(t.Context(), path, records[0], false, most)
	require.NoError(t, err)
	for _, rows := range records {
		require.NoError(t, part.add(rows, most))
	}
	require.NoError(t, part.commit(t.Context()))
	reader, err := file.OpenParquetFile(path, false)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, reader.Close()) })
	return reader
}

// What is written is read back the same by another reader, whatever of it a record is, and wherever a row group ends.
func TestPartHasEveryValue(t *testing.T) {
	for _, few := range []bool{true, false} {
		t.Run(fmt.Sprint("few values ", few), func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			var records []arrow.Record
			for _, n := range []int{1000, 1, 2500, 37} {
				rows := rowsOfEveryType(t, random, n+5, few)
				records = append(records, rows.NewSlice(3, int64(n+3))) // neither its beginning nor its end
			}
			reader := writePart(t, limits{groupRows: 700, groupBytes: 1 << 30}, records...)
			var groups []int64
			for i := range reader.NumRowGroups() {
				groups = append(groups, reader.RowGroup(i).NumRows())
			}
			assert.Equal(t, []int64{700, 700, 700, 700, 700, 38}, groups)

			rows, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
			require.NoError(t, err)
			found, err := rows.ReadTable(context.Background())
			require.NoError(t, err)
			expected := array.NewTableFromRecords(everyType, records)
			require.Equal(t, expected.NumRows(), found.NumRows())
			for i, field := range everyType.Fields() {
				assert.Equal(t, field.Name, found.Schema().Field(i).Name)
				assert.True(t, arrow.TypeEqual(field.Type, found.Schema().Field(i).Type), "%s is read as %s", field, found.Schema().Field(i))
				assert.Equal(t, field.Nullable, found.Schema().Field(i).Nullable, field.Name)
				assert.True(t, array.ChunkedEqual(expected.Column(i).Data(), found.Column(i).Data()), field.Name)
			}
		})
	}
}

// Row groups end at their bytes as well, and a file without rows has its columns.
func TestPartBoundsRowGroups(t *testing.T) {
	rows := rowsOfEveryType(t, rand.New(rand.NewPCG(1, 2)), 10_000, false)
	reader := writePart(t, limits{groupRows: 1 << 20, groupBytes: 1}, slices.Repeat([]arrow.Record{rows}, 25)...)
	assert.Greater(t, reader.NumRowGroups(), 1, "a row group ends once it has a page")
	assert.EqualValues(t, 250_000, reader.NumRows())

	empty := array.NewRecordBuilder(memory.DefaultAllocator, everyType).NewRecord()
	for _, none := range []arrow.Record{rows.NewSlice(0, 0), empty} {
		reader := writePart(t, defaultLimits, none)
		assert.Zero(t, reader.NumRows())
		assert.Equal(t, everyType.NumFields(), reader.MetaData().Schema.NumColumns())
	}
}

// Columns of NULL alone have no buffers, where other programs made them.
func TestPartWithoutBuffers(t *testing.T) {
	const rows = 100
	var fields []arrow.Field
	var columns []arrow.Array
	for _, field := range everyType.Fields() {
		if !field.Nullable {
			continue
		}
		buffers := []*memory.Buffer{memory.NewBufferBytes(make([]byte, rows/8+1)), nil}
		if arrow.IsBinaryLike(field.Type.ID()) {
			buffers = []*memory.Buffer{buffers[0], memory.NewBufferBytes(make([]byte, 4*(rows+1))), nil}
		}
		fields = append(fields, field)
		columns = append(columns, array.MakeFromData(array.NewData(field.Type, rows, buffers, nil, rows, 0)))
	}
	reader := writePart(t, defaultLimits, array.NewRecord(arrow.NewSchema(fields, nil), columns, rows))
	assert.EqualValues(t, rows, reader.NumRows())
	for i, field := range fields {
		column, err := reader.MetaData().RowGroup(0).ColumnChunk(i)
		require.NoError(t, err)
		statistics, err := column.Statistics()
		require.NoError(t, err)
		assert.EqualValues(t, rows, statistics.NullCount(), field.Name)
	}
}

// Columns whose values repeat have dictionaries, and others do not; decimals are numbers where they fit, and all have statistics.
func TestPartEncodings(t *testing.T) {
	columnsOf := func(few bool) map[string]*metadata.ColumnChunkMetaData {
		reader := writePart(t, defaultLimits, rowsOfEveryType(t, rand.New(rand.NewPCG(1, 2)), 3000, few))
		columns := map[string]*metadata.ColumnChunkMetaData{}
		for i, field := range everyType.Fields() {
			column, err := reader.MetaData().RowGroup(0).ColumnChunk(i)
			require.NoError(t, err)
			columns[field.Name] = column
		}
		return columns
	}
	few, many := columnsOf(true), columnsOf(false)
	for _, field := range everyType.Fields() {
		name := field.Name
		hasFew, hasMany := few[name].HasDictionaryPage(), many[name].HasDictionaryPage()
		switch name {
		case "a.dot": // the format has none for it
			assert.False(t, hasFew || hasMany, name)
		case "only NULL":
			assert.True(t, hasFew && hasMany, name)
		default:
			assert.True(t, hasFew, name)
			assert.False(t, hasMany, name)
			assert.Contains(t, many[name].Encodings(), parquet.Encodings.Plain, name)
		}
		for _, column := range []*metadata.ColumnChunkMetaData{few[name], many[name]} {
			assert.Equal(t, compress.Codecs.Zstd, column.Compression(), name)
			statistics, err := column.Statistics()
			require.NoError(t, err)
			require.NotNil(t, statistics, name)
			assert.Equal(t, name != "only NULL", statistics.HasMinMax(), name)
			assert.Equal(t, field.Nullable, statistics.NullCount() > 0, name)
		}
	}
	for name, physical := range map[string]parquet.Type{
		"short numeric": parquet.Types.Int32, "numeric": parquet.Types.Int64, "long numeric": parquet.Types.FixedLenByteArray,
	} {
		assert.Equal(t, physical, many[name].Type(), name)
	}
}

// The codec that the Arrow module takes for zstd is the one of this package: its pages have checksums, at every level, and are read back.
func TestZstdCodec(t *testing.T) {
	codec, err := compress.GetCodec(compress.Codecs.Zstd)
	require.NoError(t, err)
	require.IsType(t, zstdCodec{}, codec)
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 100, mostPageBytes, 3*mostPageBytes + 17} {
		page := make([]byte, size)
		for i := range page {
			page[i] = byte(random.IntN(20))
		}
		for _, level := range []int{zstdFast, zstdDefault, compress.DefaultCompressionLevel} {
			frame := codec.EncodeLevel(nil, page, level)
			var header zstd.Header
			require.NoError(t, header.Decode(frame))
			assert.Equal(t, size > 0, header.HasCheckSum)
			assert.True(t, slices.Equal(page, codec.Decode(make([]byte, size), frame)), "%d bytes at level %d", size, level)
			if size >= mostPageBytes {
				assert.Less(t, len(frame), size*2/3, "bytes without any repetition, of twenty kinds, have five bits each")
			}
		}
	}
}

// The default level is for pages that it makes smaller.
func TestPaysDefault(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	page := func(value func(i int64) int64) []byte {
		values := make([]int64, 10_000)
		for i := range values {
			values[i] = value(int64(i))
		}
		return arrow.Int64Traits.CastToBytes(values)
	}
	at := int64(1_577_836_800_000_000)
	for name, test := range map[string]struct {
		page []byte
		pays bool
	}{
		"nothing": {nil, false},
		"one":     {page(func(int64) int64 { return 1 }), false},
		"ids":     {page(func(i int64) int64 { return i }), false},
		"random":  {page(func(int64) int64 { return random.Int64() }), false},
		"times":   {page(func(int64) int64 { at += random.Int64N(40_000_000); return at }), true},
	} {
		assert.Equal(t, test.pays, paysDefault(test.page), name)
	}
}
