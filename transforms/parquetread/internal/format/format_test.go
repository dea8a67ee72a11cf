package format_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/transforms/parquetread/internal/format"
)

// footer returns the raw footer of a fixture.
func footer(t testing.TB, name string) []byte {
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", name))
	require.NoError(t, err)
	size := int(data[len(data)-8]) | int(data[len(data)-7])<<8
	return data[len(data)-8-size : len(data)-8]
}

func TestFooter(t *testing.T) {
	t.Parallel()
	raw := footer(t, "types_integers.parquet")
	m, err := format.ParseFileMetaData(raw)
	require.NoError(t, err)
	assert.Equal(t, "parquet-cpp-arrow version 26.0.1", m.CreatedBy)
	assert.Equal(t, int64(3), m.Rows)
	assert.False(t, m.IsEncrypted)
	assert.Contains(t, m.KeyValues, "ARROW:schema")
	require.Len(t, m.Schema, 2)
	assert.Equal(t, int32(1), m.Schema[0].Children)
	assert.Equal(t, format.SchemaElement{
		Name: "dec_9_2", Physical: format.Int32, Repetition: format.Optional,
		Logical: format.LogicalType{ID: format.Decimal, Precision: 9, Scale: 2},
	}, m.Schema[1])
	require.Len(t, m.RowGroups, 1)
	assert.Equal(t, int64(3), m.RowGroups[0].Rows)
	require.Len(t, m.RowGroups[0].Columns, 1)
	chunk := m.RowGroups[0].Columns[0]
	assert.Equal(t, format.ColumnChunk{
		HasMetaData: true, Physical: format.Int32, Codec: format.Snappy, Values: 3, CompressedSize: chunk.CompressedSize,
		UncompressedSize: chunk.UncompressedSize, DictionaryOffset: 4, DataOffset: chunk.DataOffset,
		Statistics: chunk.Statistics,
	}, chunk)
	assert.Equal(t, []format.ColumnOrder{format.TypeOrder}, m.Orders)
	statistics, err := format.ParseStatistics(chunk.Statistics)
	require.NoError(t, err)
	least, most := []byte{1, 54, 101, 196}, []byte{1, 0, 0, 0} // -999999999 and 1
	assert.Equal(t, format.Statistics{Nulls: 1, MinValue: least, MaxValue: most, Min: least, Max: most}, statistics)
	m.Compact()
	clear(raw)
	kept, err := format.ParseStatistics(m.RowGroups[0].Columns[0].Statistics)
	require.NoError(t, err)
	assert.Equal(t, format.Statistics{Nulls: 1, MinValue: []byte{1, 54, 101, 196}, MaxValue: []byte{1, 0, 0, 0}, Min: least, Max: most}, kept)
}

func TestStatisticsThatAreCutOff(t *testing.T) {
	t.Parallel()
	m, err := format.ParseFileMetaData(footer(t, "types_integers.parquet"))
	require.NoError(t, err)
	chunk := m.RowGroups[0].Columns[0]
	for size := range chunk.Statistics {
		_, err := format.ParseStatistics(chunk.Statistics[:size])
		require.ErrorIs(t, err, format.ErrShort)
	}
	assert.Greater(t, chunk.DataOffset, int64(4))
	assert.Positive(t, chunk.CompressedSize)
	assert.Positive(t, chunk.UncompressedSize)
}

func TestFootersThatAreCutOff(t *testing.T) {
	t.Parallel()
	whole := footer(t, "types.parquet")
	for size := range whole {
		_, err := format.ParseFileMetaData(whole[:size])
		require.Error(t, err, "%d bytes", size)
	}
}

func TestConvertedTypes(t *testing.T) {
	t.Parallel()
	// A schema of one element: name "c" (field 4), a converted type (6), scale (7) and
	// precision (8).
	element := func(converted byte) []byte {
		return []byte{0x29, 0x1c, 0x48, 1, 'c', 0x25, converted * 2, 0x15, 4, 0x15, 14, 0, 0}
	}
	for converted, want := range map[byte]format.LogicalType{
		0:  {ID: format.String},
		1:  {ID: format.Map},
		2:  {ID: format.Map},
		3:  {ID: format.List},
		4:  {ID: format.Enum},
		5:  {ID: format.Decimal, Precision: 7, Scale: 2},
		6:  {ID: format.Date},
		7:  {ID: format.Time, UTC: true, Unit: format.Milliseconds},
		8:  {ID: format.Time, UTC: true, Unit: format.Microseconds},
		9:  {ID: format.Timestamp, UTC: true, Unit: format.Milliseconds},
		10: {ID: format.Timestamp, UTC: true, Unit: format.Microseconds},
		11: {ID: format.Integer, Bits: 8},
		14: {ID: format.Integer, Bits: 64},
		15: {ID: format.Integer, Bits: 8, Signed: true},
		18: {ID: format.Integer, Bits: 64, Signed: true},
		19: {ID: format.JSON},
		20: {ID: format.BSON},
		21: {ID: format.Interval},
		22: {},
	} {
		m, err := format.ParseFileMetaData(element(converted))
		require.NoError(t, err, converted)
		assert.Equal(t, []format.SchemaElement{{Name: "c", Logical: want, Legacy: want.ID != format.NoLogical}}, m.Schema, converted)
	}
}

func TestLogicalTypesWithText(t *testing.T) {
	t.Parallel()
	// A schema of one element: name "c" (field 4), a logical type (10) of a number, and its
	// parameters.
	element := func(number byte, parameters ...byte) []byte {
		return slices.Concat([]byte{0x29, 0x1c, 0x48, 1, 'c', 0x6c, number<<4 | 0x0c}, parameters, []byte{0, 0, 0, 0})
	}
	far := func(number byte, parameters ...byte) []byte { // a number that takes a byte of its own
		return slices.Concat([]byte{0x29, 0x1c, 0x48, 1, 'c', 0x6c, 0x0c, number * 2}, parameters, []byte{0, 0, 0, 0})
	}
	for name, c := range map[string]struct {
		data []byte
		want format.LogicalType
	}{
		"geometry":                  {far(17), format.LogicalType{ID: format.Geometry}},
		"geometry of srid:5070":     {far(17, 0x18, 4, 's', 'r', 'i', 'd'), format.LogicalType{ID: format.Geometry, CRS: "srid"}},
		"geography":                 {far(18), format.LogicalType{ID: format.Geography}},
		"geography along vincenty":  {far(18, 0x25, 2), format.LogicalType{ID: format.Geography, Edges: 1}},
		"geography of both":         {far(18, 0x18, 1, 'x', 0x15, 6), format.LogicalType{ID: format.Geography, CRS: "x", Edges: 3}},
		"variant":                   {far(16, 0x13, 1), format.LogicalType{ID: format.Variant}},
		"text, which has no member": {element(1, 0x18, 1, 'x'), format.LogicalType{ID: format.String}},
	} {
		m, err := format.ParseFileMetaData(c.data)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, m.Schema[0].Logical, name)
	}
	assert.Equal(t, "andoyer", format.Edges(3).String())
}

func TestPageHeader(t *testing.T) {
	t.Parallel()
	whole := []byte{
		0x15, 6, // type 3, a data page of version 2
		0x15, 40, 0x15, 20, // 20 bytes, 10 as stored
		0x15, 1, // checksum -1
		0x4c,                                                          // field 8
		0x15, 14, 0x15, 2, 0x15, 14, 0x15, 16, 0x15, 4, 0x15, 6, 0x12, // 7 values, encoding 8, levels of 2 and 3 bytes, not compressed
		0x1c, 0x18, 3, 'm', 'a', 'x', 0, // statistics
		0, 0,
	}
	want := format.PageHeader{
		Type: format.DataPageV2, UncompressedSize: 20, CompressedSize: 10, HasCRC: true, CRC: 0xffffffff,
		Values: 7, Encoding: format.RLEDictionary, DefinitionBytes: 2, RepetitionBytes: 3,
	}
	got, size, err := format.ParsePageHeader(append(whole, "data"...))
	require.NoError(t, err)
	assert.Equal(t, want, got)
	assert.Equal(t, len(whole), size)
	for size := range whole {
		_, _, err := format.ParsePageHeader(whole[:size])
		require.ErrorIs(t, err, format.ErrShort, "%d bytes", size)
	}
}

func TestStructuresThatAreMalformed(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"nested without end":    bytes.Repeat([]byte{0x1c}, 1000),
		"lists without end":     append([]byte{0x19}, bytes.Repeat([]byte{0x19}, 1000)...),
		"a kind that is none":   {0x1e, 0},
		"a number of 11 bytes":  append([]byte{0x15}, bytes.Repeat([]byte{0xff}, 11)...),
		"a list of 2^63":        {0x19, 0xf5, 255, 255, 255, 255, 255, 255, 255, 255, 127},
		"a text of 2^63":        {0x18, 255, 255, 255, 255, 255, 255, 255, 255, 127},
		"a map of 2^63":         {0x1b, 255, 255, 255, 255, 255, 255, 255, 255, 127, 0x55, 0},
		"a map of nothing":      {0x1b, 255, 255, 255, 255, 255, 255, 255, 255, 127, 0x00, 0},
		"a schema of no fields": {0x29, 0x0c, 0},
	} {
		_, err := format.ParseFileMetaData(data)
		require.Error(t, err, name)
	}
}

func TestArrowSchema(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"embedded.parquet", "embedded_new.parquet"} {
		raw := embedded(t, name)
		fields := format.ParseArrowSchema(raw)
		require.GreaterOrEqual(t, len(fields), 6)
		assert.Equal(t, []format.ArrowField{
			{Name: "view"}, {Name: "large"}, {Name: "dictionary"}, {Name: "bytes_view"},
			{Name: "duration_s", IsDuration: true}, {Name: "duration_ns", IsDuration: true, Unit: 3},
		}, fields[:6])
		assert.NotPanics(t, func() {
			for size := range raw {
				format.ParseArrowSchema(raw[:size])
			}
		})
	}
	assert.Empty(t, format.ParseArrowSchema([]byte("not a schema")))
	const extension = "ARROW:extension:name"
	uuid := format.ParseArrowSchema(embedded(t, "types.parquet"), extension)[17]
	assert.Equal(t, format.ArrowField{Name: "uuid", Metadata: map[string]string{extension: "arrow.uuid"}}, uuid)
	assert.Equal(t, format.ArrowField{Name: "uuid"}, format.ParseArrowSchema(embedded(t, "types.parquet"), "other")[17])
}

func TestArrowSchemaOfNestedFields(t *testing.T) {
	t.Parallel()
	marked := func(name string, dt arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: dt, Metadata: arrow.NewMetadata([]string{"a", "b"}, []string{name, "left out"})}
	}
	schema := arrow.NewSchema([]arrow.Field{
		marked("list", arrow.ListOfField(marked("item", arrow.StructOf(marked("deep", arrow.BinaryTypes.String))))),
		{Name: "map", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int8)},
	}, nil)
	var message bytes.Buffer
	require.NoError(t, ipc.NewWriter(&message, ipc.WithSchema(schema)).Close())
	field := func(name string, children ...format.ArrowField) format.ArrowField {
		return format.ArrowField{Name: name, Metadata: map[string]string{"a": name}, Children: children}
	}
	assert.Equal(t, []format.ArrowField{
		field("list", field("item", field("deep"))),
		{Name: "map", Children: []format.ArrowField{{Name: "entries", Children: []format.ArrowField{{Name: "key"}, {Name: "value"}}}}},
	}, format.ParseArrowSchema(message.Bytes(), "a"))
}

func embedded(t testing.TB, name string) []byte {
	m, err := format.ParseFileMetaData(footer(t, name))
	require.NoError(t, err)
	raw, err := base64.StdEncoding.DecodeString(m.KeyValues["ARROW:schema"])
	require.NoError(t, err)
	return raw
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"types.parquet", "nested.parquet", "embedded_new.parquet"} {
		f.Add(footer(f, name))
		f.Add(embedded(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, size, err := format.ParsePageHeader(data)
		if err == nil {
			require.LessOrEqual(t, size, len(data))
		}
		m, err := format.ParseFileMetaData(data)
		require.Equal(t, err != nil, m == nil)
		format.ParseArrowSchema(data)
	})
}
