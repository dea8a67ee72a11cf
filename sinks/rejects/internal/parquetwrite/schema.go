package parquetwrite

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"

	"hyperlake/internal/batch"
)

// noID is the identifier of a field that has none.
const noID = -1

// embedded returns the Arrow schema in the form in which Arrow's own writers keep it in a file.
func embedded(columns *arrow.Schema) (metadata.KeyValueMetadata, error) {
	var message bytes.Buffer
	if err := ipc.NewWriter(&message, ipc.WithSchema(columns)).Close(); err != nil {
		return nil, fmt.Errorf("encode the schema: %w", err)
	}
	pairs := metadata.NewKeyValueMetadata()
	err := pairs.Append("ARROW:schema", base64.StdEncoding.EncodeToString(message.Bytes()))
	return pairs, err
}

// rootOf returns the columns of a file in Parquet's own terms.
func rootOf(columns *arrow.Schema) (*schema.GroupNode, error) {
	nodes, err := nodesOf(columns.Fields())
	if err != nil {
		return nil, err
	}
	return schema.NewGroupNode("schema", parquet.Repetitions.Required, nodes, noID)
}

func nodesOf(fields []arrow.Field) (schema.FieldList, error) {
	var nodes schema.FieldList
	for _, field := range fields {
		node, err := nodeOf(field)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", field.Name, err)
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}

// nodeOf returns a field with all that is below it. Items of lists keep the name that their
// source gave them.
func nodeOf(field arrow.Field) (schema.Node, error) {
	repetition := parquet.Repetitions.Required
	if field.Nullable {
		repetition = parquet.Repetitions.Optional
	}
	switch dt := field.Type.(type) {
	case *arrow.StructType:
		children, err := nodesOf(dt.Fields())
		if err != nil {
			return nil, err
		}
		return schema.NewGroupNode(field.Name, repetition, children, noID)
	case *arrow.ListType:
		return repeatedNode(field.Name, repetition, "list", schema.NewListLogicalType(), dt.ElemField())
	case *arrow.MapType:
		return repeatedNode(field.Name, repetition, "key_value", schema.MapLogicalType{}, dt.KeyField(), dt.ItemField())
	}
	return leafNode(field, repetition)
}

// repeatedNode returns a list or a map: a group of a group that repeats.
func repeatedNode(
	name string, repetition parquet.Repetition, inner string, logical schema.LogicalType, fields ...arrow.Field,
) (schema.Node, error) {
	items, err := nodesOf(fields)
	if err != nil {
		return nil, err
	}
	repeated, err := schema.NewGroupNode(inner, parquet.Repetitions.Repeated, items, noID)
	if err != nil {
		return nil, err
	}
	return schema.NewGroupNodeLogical(name, repetition, schema.FieldList{repeated}, logical, noID)
}

func leafNode(field arrow.Field, repetition parquet.Repetition) (schema.Node, error) {
	s, err := storedAs(field)
	if err != nil {
		return nil, err
	}
	if s.converted != schema.ConvertedTypes.None {
		return schema.NewPrimitiveNodeConverted(field.Name, repetition, s.physical, s.converted, s.length, 0, 0, noID)
	}
	return schema.NewPrimitiveNodeLogical(field.Name, repetition, s.logical, s.physical, s.length, noID)
}

// stored is how a column without children is stored.
type stored struct {
	physical  parquet.Type
	logical   schema.LogicalType
	converted schema.ConvertedType // for what has no logical type
	length    int                  // bytes of a fixed-length value
}

func as(physical parquet.Type, logical schema.LogicalType) (stored, error) {
	return stored{physical: physical, logical: logical, converted: schema.ConvertedTypes.None}, nil
}

func asFixed(length int, logical schema.LogicalType) (stored, error) {
	return stored{parquet.Types.FixedLenByteArray, logical, schema.ConvertedTypes.None, length}, nil
}

// storedAs chooses the physical and the logical type from which a reader concludes the
// Arrow type and the logical type again. Durations, geometries, geographies, and types
// that are not known say in the embedded schema what they are.
func storedAs(field arrow.Field) (stored, error) {
	types, none := parquet.Types, schema.NoLogicalType{}
	switch dt := field.Type.(type) {
	case *arrow.NullType:
		return as(types.Int32, schema.NullLogicalType{})
	case *arrow.BooleanType:
		return as(types.Boolean, none)
	case *arrow.Int32Type:
		return as(types.Int32, none)
	case *arrow.Int64Type, *arrow.DurationType:
		return as(types.Int64, none)
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Uint8Type, *arrow.Uint16Type, *arrow.Uint32Type:
		return as(types.Int32, wholeNumber(dt))
	case *arrow.Uint64Type:
		return as(types.Int64, wholeNumber(dt))
	case *arrow.Float16Type:
		return asFixed(arrow.Float16SizeBytes, schema.Float16LogicalType{})
	case *arrow.Float32Type:
		return as(types.Float, none)
	case *arrow.Float64Type:
		return as(types.Double, none)
	case *arrow.Decimal128Type:
		return asFixed(arrow.Decimal128SizeBytes, schema.NewDecimalLogicalType(dt.Precision, dt.Scale))
	case *arrow.Decimal256Type:
		return asFixed(arrow.Decimal256SizeBytes, schema.NewDecimalLogicalType(dt.Precision, dt.Scale))
	case *arrow.StringType, *arrow.BinaryType, *arrow.FixedSizeBinaryType:
		return bytesAs(field)
	}
	return momentAs(field)
}

func wholeNumber(dt arrow.DataType) schema.LogicalType {
	bits := int8(dt.(arrow.FixedWidthDataType).BitWidth())
	return schema.NewIntLogicalType(bits, arrow.IsSignedInteger(dt.ID()))
}

func bytesAs(field arrow.Field) (stored, error) {
	logical := batch.LogicalType(field)
	if dt, ok := field.Type.(*arrow.FixedSizeBinaryType); ok {
		switch logical {
		case batch.LogicalUUID:
			return asFixed(dt.ByteWidth, schema.UUIDLogicalType{})
		case batch.LogicalInterval:
			return stored{
				physical: parquet.Types.FixedLenByteArray, converted: schema.ConvertedTypes.Interval, length: dt.ByteWidth,
			}, nil
		}
		return asFixed(dt.ByteWidth, schema.NoLogicalType{})
	}
	switch {
	case logical == batch.LogicalEnum:
		return as(parquet.Types.ByteArray, schema.EnumLogicalType{})
	case logical == batch.LogicalJSON:
		return as(parquet.Types.ByteArray, schema.JSONLogicalType{})
	case logical == batch.LogicalBSON:
		return as(parquet.Types.ByteArray, schema.BSONLogicalType{})
	case field.Type.ID() == arrow.STRING:
		return as(parquet.Types.ByteArray, schema.StringLogicalType{})
	}
	return as(parquet.Types.ByteArray, schema.NoLogicalType{})
}

func momentAs(field arrow.Field) (stored, error) {
	units := map[arrow.TimeUnit]schema.TimeUnitType{
		arrow.Millisecond: schema.TimeUnitMillis,
		arrow.Microsecond: schema.TimeUnitMicros,
		arrow.Nanosecond:  schema.TimeUnitNanos,
	}
	switch dt := field.Type.(type) {
	case *arrow.Date32Type:
		return as(parquet.Types.Int32, schema.DateLogicalType{})
	case *arrow.Time32Type:
		if dt.Unit == arrow.Millisecond {
			return as(parquet.Types.Int32, schema.NewTimeLogicalType(true, schema.TimeUnitMillis))
		}
	case *arrow.Time64Type:
		return as(parquet.Types.Int64, schema.NewTimeLogicalType(true, units[dt.Unit]))
	case *arrow.TimestampType:
		if batch.LogicalType(field) == batch.LogicalInt96 {
			return as(parquet.Types.Int96, schema.NoLogicalType{})
		}
		if unit, ok := units[dt.Unit]; ok {
			return as(parquet.Types.Int64, schema.NewTimestampLogicalTypeForce(dt.TimeZone != "", unit))
		}
	}
	return stored{}, fmt.Errorf("there is no exact form of %s in Parquet", field.Type)
}
