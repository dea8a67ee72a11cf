package convert

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"hyperlake/internal/batch"
)

// kind is what values are, as far as conversions differ.
type kind int

const (
	unsupported kind = iota
	nested
	allNull
	boolean
	integral
	float
	decimal
	text
	blob
	uuid
	wkb // a shape in a blob
	geography
	date
	timeOfDay
	timestamp // without zone
	instant
	interval
	duration
)

var kindsByType = map[arrow.Type]kind{
	arrow.NULL: allNull, arrow.BOOL: boolean,
	arrow.INT8: integral, arrow.INT16: integral, arrow.INT32: integral, arrow.INT64: integral,
	arrow.UINT8: integral, arrow.UINT16: integral, arrow.UINT32: integral, arrow.UINT64: integral,
	arrow.FLOAT16: float, arrow.FLOAT32: float, arrow.FLOAT64: float,
	arrow.DECIMAL128: decimal, arrow.DECIMAL256: decimal,
	arrow.STRING: text, arrow.LARGE_STRING: text, arrow.STRING_VIEW: text,
	arrow.BINARY: blob, arrow.LARGE_BINARY: blob, arrow.BINARY_VIEW: blob, arrow.FIXED_SIZE_BINARY: blob,
	arrow.DATE32: date, arrow.DATE64: date, arrow.TIME32: timeOfDay, arrow.TIME64: timeOfDay, arrow.TIMESTAMP: timestamp,
	arrow.INTERVAL_MONTHS: interval, arrow.INTERVAL_DAY_TIME: interval, arrow.INTERVAL_MONTH_DAY_NANO: interval,
	arrow.DURATION: duration,
}

const (
	uuidBytes            = 16
	parquetIntervalBytes = 12
)

// kindOf is what the values of a column are.
func kindOf(field arrow.Field) kind {
	t := plainType(field.Type)
	if _, ok := t.(arrow.NestedType); ok {
		return nested
	}
	logical := logicalType(field)
	switch t := t.(type) {
	case *arrow.FixedSizeBinaryType:
		switch {
		case logical == batch.LogicalUUID && t.ByteWidth == uuidBytes:
			return uuid
		case logical == batch.LogicalInterval && t.ByteWidth == parquetIntervalBytes:
			return interval
		}
	case *arrow.TimestampType:
		if t.TimeZone != "" {
			return instant
		}
	}
	plain := kindsByType[t.ID()]
	if plain == blob && isShape(logical) {
		return wkb
	}
	return plain
}

func isShape(logical string) bool {
	return logical == batch.LogicalGeometry || logical == batch.LogicalGeography
}

// plainType is the type of values without encodings and extensions.
func plainType(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return plainType(t.ValueType)
	case *arrow.RunEndEncodedType:
		return plainType(t.Encoded())
	case arrow.ExtensionType:
		return plainType(t.StorageType())
	}
	return t
}

// logicalType is what the reader found out about a column, or what its Arrow extension says.
func logicalType(field arrow.Field) string {
	if logical := batch.LogicalType(field); logical != "" {
		return logical
	}
	name, _ := field.Metadata.GetValue(ipc.ExtensionTypeKeyName)
	if extension, ok := field.Type.(arrow.ExtensionType); ok {
		name = extension.ExtensionName()
	}
	switch name {
	case "arrow.uuid":
		return batch.LogicalUUID
	case "arrow.json":
		return batch.LogicalJSON
	}
	return ""
}
