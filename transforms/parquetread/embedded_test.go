package parquetread_test

import (
	"bytes"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
)

// marked is a field of which the embedded schema says that it has a logical type.
func marked(name string, dt arrow.DataType, logical string, more ...string) arrow.Field {
	keys, values := []string{batch.LogicalTypeKey}, []string{logical}
	for i := 0; i < len(more); i += 2 {
		keys, values = append(keys, more[i]), append(values, more[i+1])
	}
	return arrow.Field{Name: name, Type: dt, Nullable: true, Metadata: arrow.NewMetadata(keys, values)}
}

// TestEmbeddedLogicalTypes reads what another program made of a file: the logical types
// are in the embedded schema only.
func TestEmbeddedLogicalTypes(t *testing.T) {
	t.Parallel()
	uuid, text, binary := &arrow.FixedSizeBinaryType{ByteWidth: 16}, arrow.BinaryTypes.String, arrow.BinaryTypes.Binary
	inner := arrow.StructOf(
		marked("id", uuid, batch.LogicalUUID),
		arrow.Field{Name: "list", Type: arrow.ListOf(arrow.StructOf(marked("kind", text, batch.LogicalEnum))), Nullable: true},
		arrow.Field{Name: "map", Type: arrow.MapOfWithMetadata(
			text, arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{batch.LogicalJSON}),
			binary, arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{batch.LogicalBSON}),
		), Nullable: true},
	)
	restored := arrow.NewSchema([]arrow.Field{
		marked("uuid", uuid, batch.LogicalUUID),
		marked("enum", text, batch.LogicalEnum),
		marked("interval", &arrow.FixedSizeBinaryType{ByteWidth: 12}, batch.LogicalInterval),
		marked("geography", binary, batch.LogicalGeography, batch.CRSKey, "EPSG:4979", batch.EdgesKey, "thomas"),
		marked("unknown", arrow.PrimitiveTypes.Float64, batch.LogicalUnknown),
		marked("inner", inner, batch.LogicalUnknown),
	}, nil)
	footer := footerOf(t, writeWithSchema(t, restored))
	for i, field := range restored.Fields() {
		assert.True(t, field.Equal(footer.Schema.Field(i)), "%v", footer.Schema.Field(i))
	}
	got := footer.Schema.Field(5).Type.(*arrow.StructType)
	assert.Equal(t, batch.LogicalUUID, batch.LogicalType(got.Field(0)))
	kind := got.Field(1).Type.(*arrow.ListType).Elem().(*arrow.StructType).Field(0)
	assert.Equal(t, batch.LogicalEnum, batch.LogicalType(kind))
	pairs := got.Field(2).Type.(*arrow.MapType)
	assert.Equal(t, batch.LogicalJSON, batch.LogicalType(pairs.KeyField()))
	assert.Equal(t, batch.LogicalBSON, batch.LogicalType(pairs.ItemField()))
}

// TestEmbeddedLogicalTypesThatDoNotSuit reads marks that somebody put, or left, on columns
// of other types.
func TestEmbeddedLogicalTypesThatDoNotSuit(t *testing.T) {
	t.Parallel()
	odd := arrow.NewSchema([]arrow.Field{
		marked("uuid", &arrow.FixedSizeBinaryType{ByteWidth: 5}, batch.LogicalUUID),
		marked("interval", &arrow.FixedSizeBinaryType{ByteWidth: 16}, batch.LogicalInterval),
		marked("json", arrow.PrimitiveTypes.Float64, batch.LogicalJSON),
		marked("date", arrow.FixedWidthTypes.Date32, batch.LogicalUnknown),
		marked("int96", arrow.PrimitiveTypes.Float64, batch.LogicalInt96),
		marked("other", arrow.BinaryTypes.Binary, "something else"),
		marked("struct", arrow.StructOf(arrow.Field{Name: "a", Type: arrow.BinaryTypes.String, Nullable: true}), batch.LogicalUUID),
	}, nil)
	footer := footerOf(t, writeWithSchema(t, odd))
	for i, field := range footer.Schema.Fields() {
		assert.Zero(t, field.Metadata.Len(), field)
		assert.Equal(t, odd.Field(i).Type.String(), field.Type.String())
	}
}

// writeWithSchema writes a file without rows that has its Arrow schema embedded.
func writeWithSchema(t *testing.T, schema *arrow.Schema) string {
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &out, nil, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return store(t, out.Bytes())
}
