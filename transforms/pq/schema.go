package parquetread

import (
	"encoding/base64"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/flight"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"hyperlake/internal/batch"
)

// LogicalType is what batch.LogicalTypeKey says of a field, or "".
func LogicalType(field arrow.Field) string {
	value, _ := field.Metadata.GetValue(batch.LogicalTypeKey)
	return value
}

// columnSchema is the schema of a file's top-level columns. It follows the Parquet types;
// of the embedded Arrow schema it takes only what they cannot express.
func columnSchema(manifest *pqarrow.SchemaManifest, parquetSchema *schema.Schema, embedded string) (*arrow.Schema, error) {
	durations := embeddedDurations(embedded)
	fields := make([]arrow.Field, len(manifest.Fields))
	for i := range manifest.Fields {
		from := &manifest.Fields[i]
		field := arrow.Field{Name: from.Field.Name, Type: from.Field.Type, Nullable: from.Field.Nullable}
		if from.IsLeaf() && len(from.Children) == 0 {
			describeLeaf(&field, parquetSchema.Column(from.ColIndex))
		}
		if unit, ok := durations[field.Name]; ok && field.Type.ID() == arrow.INT64 {
			field.Type = unit
		}
		fields[i] = field
	}
	return arrow.NewSchema(fields, nil), nil
}

// describeLeaf notes the logical types that the library's mapping to Arrow loses.
func describeLeaf(field *arrow.Field, column *schema.Column) {
	mark := func(logical string) {
		field.Metadata = arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{logical})
	}
	if column.PhysicalType() == parquet.Types.Int96 {
		field.Type = &arrow.TimestampType{Unit: arrow.Microsecond}
		mark(batch.LogicalInt96)
		return
	}
	switch column.LogicalType().(type) {
	case schema.UUIDLogicalType:
		mark(batch.LogicalUUID)
	case schema.EnumLogicalType:
		field.Type = arrow.BinaryTypes.String
		mark(batch.LogicalEnum)
	case schema.JSONLogicalType:
		field.Type = arrow.BinaryTypes.String
		mark(batch.LogicalJSON)
	case schema.BSONLogicalType:
		mark(batch.LogicalBSON)
	case schema.IntervalLogicalType:
		mark(batch.LogicalInterval)
	case schema.UnknownLogicalType:
		mark(batch.LogicalUnknown)
	}
}

// embeddedDurations finds the columns that an embedded Arrow schema calls durations:
// Parquet has no such type and stores them as plain integers. A schema that cannot be
// read tells nothing.
func embeddedDurations(embedded string) (durations map[string]*arrow.DurationType) {
	defer func() {
		if recover() != nil {
			durations = nil
		}
	}()
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(embedded, "="))
	if err != nil || len(raw) == 0 {
		return nil
	}
	stored, err := flight.DeserializeSchema(raw, memory.DefaultAllocator)
	if err != nil {
		return nil
	}
	durations = map[string]*arrow.DurationType{}
	for _, field := range stored.Fields() {
		if unit, ok := field.Type.(*arrow.DurationType); ok {
			durations[field.Name] = unit
		}
	}
	return durations
}
