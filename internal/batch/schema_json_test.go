package batch_test

import (
	"encoding/json"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
)

func TestSchemasTravelWhole(t *testing.T) {
	t.Parallel()
	uuid := arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{batch.LogicalUUID})
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: &arrow.FixedSizeBinaryType{ByteWidth: 16}, Metadata: uuid},
		{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "price", Type: &arrow.Decimal256Type{Precision: 40, Scale: 3}},
		{Name: "nothing", Type: arrow.Null, Nullable: true},
		{Name: "deep", Nullable: true, Type: arrow.ListOf(arrow.StructOf(
			arrow.Field{Name: "a", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int8), Nullable: true},
			arrow.Field{Name: "id", Type: &arrow.FixedSizeBinaryType{ByteWidth: 16}, Metadata: uuid},
		))},
	}, nil)
	encoded, err := json.Marshal(struct{ Schema batch.Schema }{batch.Schema{Schema: schema}})
	require.NoError(t, err)
	var decoded struct{ Schema batch.Schema }
	require.NoError(t, json.Unmarshal(encoded, &decoded))
	assert.True(t, schema.Equal(decoded.Schema.Schema), decoded.Schema.Schema)
	assert.Equal(t, batch.LogicalUUID, batch.LogicalType(decoded.Schema.Field(0)))
	inner := decoded.Schema.Field(4).Type.(*arrow.ListType).Elem().(*arrow.StructType)
	assert.Equal(t, batch.LogicalUUID, batch.LogicalType(inner.Field(1)))
}

func TestSchemasThatDoNotTravel(t *testing.T) {
	t.Parallel()
	_, err := json.Marshal(batch.Schema{})
	require.ErrorContains(t, err, "there is none")
	var schema batch.Schema
	require.Error(t, json.Unmarshal([]byte(`"bm90IGFycm93"`), &schema))
	require.Error(t, json.Unmarshal([]byte(`7`), &schema))
}
