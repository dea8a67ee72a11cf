package parquetread_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	pqfile "github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/apache/arrow/go/v17/parquet/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
)

// byteColumn is a column that Arrow's own types do not lead to.
type byteColumn struct {
	logical   schema.LogicalType
	converted schema.ConvertedType
	length    int // of fixed-length values; 0 for byte arrays
	values    []string
}

// writeBytes writes a file with one optional column; an empty string is a null.
func writeBytes(t *testing.T, c byteColumn) string {
	var node schema.Node
	var err error
	physical := parquet.Types.ByteArray
	if c.length > 0 {
		physical = parquet.Types.FixedLenByteArray
	}
	if c.logical != nil {
		node, err = schema.NewPrimitiveNodeLogical("c", parquet.Repetitions.Optional, c.logical, physical, c.length, -1)
	} else {
		node, err = schema.NewPrimitiveNodeConverted("c", parquet.Repetitions.Optional, physical, c.converted, c.length, 0, 0, -1)
	}
	require.NoError(t, err)
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{node}, -1)
	require.NoError(t, err)

	var out bytes.Buffer
	w := pqfile.NewParquetWriter(&out, root)
	group := w.AppendRowGroup()
	column, err := group.NextColumn()
	require.NoError(t, err)
	var levels []int16
	var variable []parquet.ByteArray
	var fixed []parquet.FixedLenByteArray
	for _, value := range c.values {
		levels = append(levels, int16(min(len(value), 1)))
		if value != "" {
			variable, fixed = append(variable, []byte(value)), append(fixed, []byte(value))
		}
	}
	if c.length > 0 {
		_, err = column.(*pqfile.FixedLenByteArrayColumnChunkWriter).WriteBatch(fixed, levels, nil)
	} else {
		_, err = column.(*pqfile.ByteArrayColumnChunkWriter).WriteBatch(variable, levels, nil)
	}
	require.NoError(t, err)
	require.NoError(t, column.Close())
	require.NoError(t, group.Close())
	require.NoError(t, w.Close())
	return store(t, out.Bytes())
}

func TestLogicalTypesOfBytes(t *testing.T) {
	t.Parallel()
	interval := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32([]byte{1, 0, 0, 0}, 2), 86400000)
	cases := map[string]struct {
		column            byteColumn
		dataType, logical string
		want              []string
	}{
		"enum": {
			byteColumn{logical: schema.EnumLogicalType{}, values: []string{"RED", "", "GREEN"}},
			"utf8", batch.LogicalEnum, []string{"RED", "(null)", "GREEN"},
		},
		"json": {
			byteColumn{converted: schema.ConvertedTypes.JSON, values: []string{"{}", ""}},
			"utf8", batch.LogicalJSON, []string{"{}", "(null)"},
		},
		"bson": {
			byteColumn{logical: schema.BSONLogicalType{}, values: []string{"\x05\x00\x00\x00\x00", ""}},
			"binary", batch.LogicalBSON, []string{"0500000000", "(null)"},
		},
		"interval": {
			byteColumn{converted: schema.ConvertedTypes.Interval, length: 12, values: []string{string(interval), ""}},
			"fixed_size_binary[12]", batch.LogicalInterval, []string{"0100000002000000005c2605", "(null)"},
		},
		"decimal in bytes of any length": {
			byteColumn{logical: schema.NewDecimalLogicalType(38, 2), values: []string{
				"\x01", "", "\xff", "\x80", "\x00\x80", "\xff\xff\xff\xff\x7f", strings.Repeat("\xff", 40) + "\x00", "\x4b\x3b\x4c\xa8\x5a\x86\xc4\x7a\x09\x8a\x22\x3f\xff\xff\xff\xff",
			}},
			"decimal(38, 2)", "", []string{
				"0.01", "(null)", "-0.01", "-1.28", "1.28", "-1.29", "-2.56", "999999999999999999999999999999999999.99",
			},
		},
		"decimals of more digits than their type": {
			byteColumn{logical: schema.NewDecimalLogicalType(4, 2), values: []string{"\x27\x10", "\xd8\xf0", "\x7f" + strings.Repeat("\xff", 15)}},
			"decimal(4, 2)", "", []string{"100.00", "-100.00", "1701411834604692317316873037158841057.27"},
		},
		"decimal in 20 bytes": {
			byteColumn{logical: schema.NewDecimalLogicalType(38, 0), length: 20, values: []string{strings.Repeat("\xff", 19) + "\xfe", strings.Repeat("\x00", 19) + "\x07"}},
			"decimal(38, 0)", "", []string{"-2", "7"},
		},
		"decimal of 39 digits": {
			byteColumn{logical: schema.NewDecimalLogicalType(39, 1), length: 17, values: []string{strings.Repeat("\xff", 16) + "\xfe", "", "\x01" + strings.Repeat("\x00", 16)}},
			"decimal256(39, 1)", "", []string{"-0.2", "(null)", "34028236692093846346337460743176821145.6"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := writeBytes(t, c.column)
			field := footerOf(t, path).Schema.Field(0)
			assert.Equal(t, c.dataType, field.Type.String())
			logical, _ := field.Metadata.GetValue(batch.LogicalTypeKey)
			assert.Equal(t, c.logical, logical)
			assert.Equal(t, c.want, texts(readFile(t, path), "c"))
		})
	}
}

func TestValuesThatDoNotFitTheirType(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]byteColumn{
		"bits": {logical: schema.NewDecimalLogicalType(38, 2), length: 17, values: []string{"\x00\x80" + strings.Repeat("\x00", 15)}},
		"long": {logical: schema.NewDecimalLogicalType(76, 2), values: []string{"\x01" + strings.Repeat("\x00", 32)}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readAll(allOf(t, writeBytes(t, c)))
			assertSourceError(t, err, `row group 0: column "c"`, "does not fit decimal")
		})
	}
}

func TestLogicalTypesThatAreNotKnown(t *testing.T) {
	t.Parallel()
	// The bytes of a logical type STRING in a schema element become those of type 31,
	// which has parameters that nobody knows; the footer grows by two bytes.
	path := writeBytes(t, byteColumn{logical: schema.JSONLogicalType{}, values: []string{"abc", ""}})
	data := read(t, path)
	known, unknown := []byte{0xcc, 0x00, 0x00}, []byte{0x0c, 62, 0x15, 0x02, 0x00, 0x00}
	require.Equal(t, 1, bytes.Count(data, known))
	data = bytes.Replace(data, known, unknown, 1)
	end := len(data) - 8
	binary.LittleEndian.PutUint32(data[end:], binary.LittleEndian.Uint32(data[end:])+uint32(len(unknown)-len(known)))
	path = store(t, data)

	field := footerOf(t, path).Schema.Field(0)
	logical, _ := field.Metadata.GetValue(batch.LogicalTypeKey)
	assert.Equal(t, "binary", field.Type.String())
	assert.Equal(t, batch.LogicalUnknown, logical)
	assert.Equal(t, []string{"616263", "(null)"}, texts(readFile(t, path), "c"))
}

// TestWhatArrowWrites compares what is read with what Arrow's writer was given: random
// columns with nulls, in every combination of page version, codec and dictionaries.
func TestWhatArrowWrites(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	record := randomRecord(t, random, 1500)
	seed := uint64(0)
	for _, version := range []parquet.DataPageVersion{parquet.DataPageV1, parquet.DataPageV2} {
		for _, codec := range []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Zstd} {
			for _, dictionary := range []bool{false, true} {
				seed++
				name := fmt.Sprintf("version %d, %s, dictionary %v", version, codec, dictionary)
				random := rand.New(rand.NewPCG(3, seed))
				props := parquet.NewWriterProperties(
					parquet.WithDataPageVersion(version), parquet.WithCompression(codec), parquet.WithDictionaryDefault(dictionary),
					parquet.WithDataPageSize(1<<(8+random.IntN(8))), parquet.WithDictionaryPageSizeLimit(1<<(8+random.IntN(8))),
					parquet.WithBatchSize(1+random.Int64N(500)), parquet.WithMaxRowGroupLength(1+random.Int64N(2000)),
				)
				t.Run(name, func(t *testing.T) {
					batches := readFile(t, writeRecord(t, record, props))
					requireSame(t, record, batches)
				})
			}
		}
	}
}

func writeRecord(t testing.TB, record arrow.Record, props *parquet.WriterProperties) string {
	var out bytes.Buffer
	table := array.NewTableFromRecords(record.Schema(), []arrow.Record{record})
	require.NoError(t, pqarrow.WriteTable(table, &out, props.MaxRowGroupLength(), props, pqarrow.DefaultWriterProps()))
	return store(t, out.Bytes())
}

// requireSame compares a record with the batches that it was cut into.
func requireSame(t *testing.T, want arrow.Record, batches []batch.Batch) {
	t.Helper()
	require.Equal(t, want.NumRows(), rowsOf(batches))
	row := int64(0)
	for _, b := range batches {
		require.Equal(t, row, b.Origin.FirstRow)
		slice := want.NewSlice(row, row+b.Record.NumRows())
		for i, column := range b.Record.Columns() {
			require.True(t, array.Equal(slice.Column(i), column), "column %s from row %d on", want.ColumnName(i), row)
		}
		row += b.Record.NumRows()
	}
}

// randomRecord makes a record of every type that Arrow's writer maps to a type of its
// own, with values that come in runs, and optional and required columns.
func randomRecord(t *testing.T, random *rand.Rand, rows int) arrow.Record {
	types := []arrow.DataType{
		arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Int32,
		arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Uint64, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64,
		arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Timestamp_us, &arrow.TimestampType{Unit: arrow.Millisecond},
		arrow.FixedWidthTypes.Time64us, arrow.BinaryTypes.String, arrow.BinaryTypes.Binary,
		&arrow.FixedSizeBinaryType{ByteWidth: 5}, &arrow.Decimal128Type{Precision: 20, Scale: 3},
	}
	var fields []arrow.Field
	for i, dt := range types {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("required_%d", i), Type: dt})
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("optional_%d", i), Type: dt, Nullable: true})
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	for i, field := range fields {
		for row := 0; row < rows; {
			isNull, value := field.Nullable && random.IntN(3) == 0, random.Int64N(1+random.Int64N(1000))
			for run := 1 + random.IntN(1+random.IntN(40)); run > 0 && row < rows; run, row = run-1, row+1 {
				if isNull {
					b.Field(i).AppendNull()
				} else {
					appendValue(t, b.Field(i), value)
				}
				if random.IntN(2) == 0 {
					value = random.Int64N(1000)
				}
			}
		}
	}
	return b.NewRecord()
}

func appendValue(t *testing.T, b array.Builder, value int64) {
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(value%2 == 1)
	case *array.Int8Builder:
		b.Append(int8(value))
	case *array.Uint16Builder:
		b.Append(uint16(value * 65))
	case *array.Int32Builder:
		b.Append(int32(value * -2000003))
	case *array.Int64Builder:
		b.Append(value * -9007199254740881)
	case *array.Uint64Builder:
		b.Append(uint64(value) * 18014398509481951)
	case *array.Float32Builder:
		b.Append(float32(value) / 3)
	case *array.Float64Builder:
		b.Append(float64(value) / 3)
	case *array.Date32Builder:
		b.Append(arrow.Date32(value))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(value * -1000003))
	case *array.Time64Builder:
		b.Append(arrow.Time64(value))
	case *array.StringBuilder:
		b.Append(strings.Repeat("é", int(value%17)) + fmt.Sprint(value))
	case *array.BinaryBuilder:
		b.Append(bytes.Repeat([]byte{byte(value)}, int(value%9)))
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte(fmt.Sprintf("%05d", value)))
	case *array.Decimal128Builder:
		require.NoError(t, b.AppendValueFromString(fmt.Sprintf("%d.125", -value)))
	default:
		require.Fail(t, "no values of this type", "%s", b.Type())
	}
}
