package parquetread

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread/internal/format"
)

// leafType returns the Arrow type of a stored column, and the value of
// batch.LogicalTypeKey. A logical type that is not known, or does not suit the physical
// type, leaves the physical type.
func leafType(e format.SchemaElement) (arrow.DataType, string) {
	if e.Logical.ID == format.Null {
		return arrow.Null, ""
	}
	plain, logical := physicalType(e)
	if e.Logical.ID == format.NoLogical {
		return plain, logical
	}
	if dt, logical := logicalType(e); dt != nil {
		return dt, logical
	}
	return plain, batch.LogicalUnknown
}

// logicalMetadata returns the metadata of a field of a logical type under
// batch.LogicalTypeKey, which is empty where the Arrow type says everything.
func logicalMetadata(logical string, parameters format.LogicalType) arrow.Metadata {
	if logical == "" {
		return arrow.Metadata{}
	}
	pairs := []string{batch.LogicalTypeKey, logical}
	if parameters.CRS != "" && parameters.CRS != defaultCRS {
		pairs = append(pairs, batch.CRSKey, parameters.CRS)
	}
	if parameters.Edges != format.Spherical {
		pairs = append(pairs, batch.EdgesKey, parameters.Edges.String())
	}
	return metadata(pairs...)
}

// defaultCRS is what a geometry without a coordinate reference system has.
const defaultCRS = "OGC:CRS84"

// metadata makes metadata of keys, each with its value behind it.
func metadata(pairs ...string) arrow.Metadata {
	var keys, values []string
	for pair := range slices.Chunk(pairs, 2) {
		keys, values = append(keys, pair[0]), append(values, pair[1])
	}
	return arrow.NewMetadata(keys, values)
}

func physicalType(e format.SchemaElement) (arrow.DataType, string) {
	switch e.Physical {
	case format.Boolean:
		return arrow.FixedWidthTypes.Boolean, ""
	case format.Int32:
		return arrow.PrimitiveTypes.Int32, ""
	case format.Int64:
		return arrow.PrimitiveTypes.Int64, ""
	case format.Int96:
		return &arrow.TimestampType{Unit: arrow.Microsecond}, batch.LogicalInt96
	case format.Float:
		return arrow.PrimitiveTypes.Float32, ""
	case format.Double:
		return arrow.PrimitiveTypes.Float64, ""
	case format.FixedLenByteArray:
		return &arrow.FixedSizeBinaryType{ByteWidth: int(e.TypeLength)}, ""
	}
	return arrow.BinaryTypes.Binary, ""
}

// logicalType returns nil for a logical type that does not suit the physical one.
func logicalType(e format.SchemaElement) (arrow.DataType, string) {
	switch e.Physical {
	case format.Int32, format.Int64:
		return integerType(e), ""
	case format.ByteArray:
		return textType(e)
	case format.FixedLenByteArray:
		switch {
		case e.Logical.ID == format.Decimal:
			return decimalType(e.Logical), ""
		case e.Logical.ID == format.UUID && e.TypeLength == 16:
			return &arrow.FixedSizeBinaryType{ByteWidth: 16}, batch.LogicalUUID
		case e.Logical.ID == format.Interval && e.TypeLength == 12:
			return &arrow.FixedSizeBinaryType{ByteWidth: 12}, batch.LogicalInterval
		case e.Logical.ID == format.Float16 && e.TypeLength == 2:
			return arrow.FixedWidthTypes.Float16, ""
		}
	}
	return nil, ""
}

func textType(e format.SchemaElement) (arrow.DataType, string) {
	switch e.Logical.ID {
	case format.String:
		return arrow.BinaryTypes.String, ""
	case format.Enum:
		return arrow.BinaryTypes.String, batch.LogicalEnum
	case format.JSON:
		return arrow.BinaryTypes.String, batch.LogicalJSON
	case format.BSON:
		return arrow.BinaryTypes.Binary, batch.LogicalBSON
	case format.Geometry:
		return arrow.BinaryTypes.Binary, batch.LogicalGeometry
	case format.Geography:
		return arrow.BinaryTypes.Binary, batch.LogicalGeography
	case format.Decimal:
		return decimalType(e.Logical), ""
	}
	return nil, ""
}

// decimalType returns nil when the digits fit no Arrow type.
func decimalType(l format.LogicalType) arrow.DataType {
	switch {
	case l.Precision < 1 || l.Precision > 76 || l.Scale < 0 || l.Scale > l.Precision:
		return nil
	case l.Precision <= 38:
		return &arrow.Decimal128Type{Precision: l.Precision, Scale: l.Scale}
	}
	return &arrow.Decimal256Type{Precision: l.Precision, Scale: l.Scale}
}

// integerType returns the type of a column that is stored as integers.
func integerType(e format.SchemaElement) arrow.DataType {
	is32 := e.Physical == format.Int32
	switch l := e.Logical; {
	case l.ID == format.Decimal:
		return decimalType(l)
	case l.ID == format.Date && is32:
		return arrow.FixedWidthTypes.Date32
	case l.ID == format.Time && is32 && l.Unit == format.Milliseconds:
		return arrow.FixedWidthTypes.Time32ms
	case l.ID == format.Time && !is32 && l.Unit == format.Microseconds:
		return arrow.FixedWidthTypes.Time64us
	case l.ID == format.Time && !is32 && l.Unit == format.Nanoseconds:
		return arrow.FixedWidthTypes.Time64ns
	case l.ID == format.Timestamp && !is32:
		return timestampType(l)
	case l.ID == format.Integer && is32 == (l.Bits <= 32):
		return wholeType(l)
	}
	return nil
}

func timestampType(l format.LogicalType) arrow.DataType {
	units := map[format.TimeUnit]arrow.TimeUnit{
		format.Milliseconds: arrow.Millisecond,
		format.Microseconds: arrow.Microsecond,
		format.Nanoseconds:  arrow.Nanosecond,
	}
	unit, ok := units[l.Unit]
	if !ok {
		return nil
	}
	zone := ""
	if l.UTC {
		zone = "UTC"
	}
	return &arrow.TimestampType{Unit: unit, TimeZone: zone}
}

func wholeType(l format.LogicalType) arrow.DataType {
	type kind struct {
		bits   int8
		signed bool
	}
	types := map[kind]arrow.DataType{
		{8, true}: arrow.PrimitiveTypes.Int8, {8, false}: arrow.PrimitiveTypes.Uint8,
		{16, true}: arrow.PrimitiveTypes.Int16, {16, false}: arrow.PrimitiveTypes.Uint16,
		{32, true}: arrow.PrimitiveTypes.Int32, {32, false}: arrow.PrimitiveTypes.Uint32,
		{64, true}: arrow.PrimitiveTypes.Int64, {64, false}: arrow.PrimitiveTypes.Uint64,
	}
	return types[kind{l.Bits, l.Signed}] // nil for other numbers of bits
}
