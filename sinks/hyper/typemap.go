package hyper

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
)

const (
	intervalWarning = "Tableau does not show columns of type INTERVAL"
	leaveOut        = "leave the column out with source.select"

	geographyWarning = "Hyper keeps 7 decimals of a coordinate and adds points along long edges"
)

// target is what an Arrow type becomes.
type target struct {
	sql        string
	wire       arrow.DataType
	conversion Conversion
	version    Version
	warning    string
}

// targets maps the types that have no parameters of relevance.
var targets = map[arrow.Type]target{
	arrow.NULL: {sql: "TEXT", wire: arrow.BinaryTypes.String, conversion: AllNull},
	arrow.BOOL: {sql: "BOOLEAN", wire: arrow.FixedWidthTypes.Boolean, conversion: Direct},

	arrow.INT8:   {sql: "SMALLINT", wire: arrow.PrimitiveTypes.Int8, conversion: Direct},
	arrow.INT16:  {sql: "SMALLINT", wire: arrow.PrimitiveTypes.Int16, conversion: Direct},
	arrow.INT32:  {sql: "INTEGER", wire: arrow.PrimitiveTypes.Int32, conversion: Direct},
	arrow.INT64:  {sql: "BIGINT", wire: arrow.PrimitiveTypes.Int64, conversion: Direct},
	arrow.UINT8:  {sql: "SMALLINT", wire: arrow.PrimitiveTypes.Uint8, conversion: Direct},
	arrow.UINT16: {sql: "INTEGER", wire: arrow.PrimitiveTypes.Uint16, conversion: Direct},
	arrow.UINT32: {sql: "BIGINT", wire: arrow.PrimitiveTypes.Uint32, conversion: Direct},
	arrow.UINT64: {sql: "NUMERIC(20,0)", wire: &arrow.Decimal128Type{Precision: 20}, conversion: Repack, version: wideNumericVersion},

	arrow.FLOAT64: {sql: "DOUBLE PRECISION", wire: arrow.PrimitiveTypes.Float64, conversion: Direct},

	arrow.STRING:       {sql: "TEXT", wire: arrow.BinaryTypes.String, conversion: Direct},
	arrow.LARGE_STRING: {sql: "TEXT", wire: arrow.BinaryTypes.String, conversion: Repack},
	arrow.STRING_VIEW:  {sql: "TEXT", wire: arrow.BinaryTypes.String, conversion: Repack},

	arrow.BINARY:            {sql: "BYTES", wire: arrow.BinaryTypes.Binary, conversion: Direct},
	arrow.LARGE_BINARY:      {sql: "BYTES", wire: arrow.BinaryTypes.Binary, conversion: Repack},
	arrow.BINARY_VIEW:       {sql: "BYTES", wire: arrow.BinaryTypes.Binary, conversion: Repack},
	arrow.FIXED_SIZE_BINARY: {sql: "BYTES", wire: arrow.BinaryTypes.Binary, conversion: Repack},

	arrow.DATE32: {sql: "DATE", wire: arrow.FixedWidthTypes.Date32, conversion: Direct},
	arrow.DATE64: {sql: "DATE", wire: arrow.FixedWidthTypes.Date64, conversion: Direct},

	arrow.INTERVAL_MONTHS: {
		sql: "INTERVAL", wire: arrow.FixedWidthTypes.MonthDayNanoInterval, conversion: Interval, warning: intervalWarning,
	},
	arrow.INTERVAL_DAY_TIME: {
		sql: "INTERVAL", wire: arrow.FixedWidthTypes.MonthDayNanoInterval, conversion: Interval, warning: intervalWarning,
	},
	arrow.INTERVAL_MONTH_DAY_NANO: {
		sql: "INTERVAL", wire: arrow.FixedWidthTypes.MonthDayNanoInterval, conversion: FloorNanos, warning: intervalWarning,
	},
}

// MapField maps a column of the lake, an Arrow field as a batch holds it with the
// metadata of internal/batch, to a column of the same name in the extract. A type that
// hyperd cannot store exactly is refused with a failure of kind Source; the caller adds
// file and table.
func MapField(field arrow.Field, format FormatChoice) (Column, error) {
	if err := checkName(field.Name); err != nil {
		return Column{}, err
	}
	plain := plainType(field.Type)
	to, ok := mapType(plain, logicalType(field), format)
	if !ok {
		return Column{}, refuse(field, plain)
	}
	if to.conversion == Direct && isEncoded(field.Type) {
		to.conversion = Decode
	}
	if to.warning == "" {
		to.warning = logicalWarning(field, to)
	}
	return Column{
		Source: field.Name, SourceType: field.Type.String(),
		Name: field.Name, SQLType: to.sql, Nullable: field.Nullable || plain.ID() == arrow.NULL,
		Wire: WireType{to.wire}, Version: to.version, Conversion: to.conversion, Warning: to.warning,
	}, nil
}

// mapType maps a type that is neither encoded nor an extension; false means that it is
// refused.
func mapType(plain arrow.DataType, logical string, format FormatChoice) (target, bool) {
	if to, ok := mapLogical(plain, logical); ok {
		return to, true
	}
	switch t := plain.(type) {
	case *arrow.Float16Type, *arrow.Float32Type:
		return mapFloat(plain, format), true
	case arrow.DecimalType:
		return mapDecimal(t)
	case *arrow.TimestampType:
		return mapTimestamp(t), true
	case *arrow.Time32Type:
		return target{sql: "TIME", wire: t, conversion: Direct}, true
	case *arrow.Time64Type:
		return target{sql: "TIME", wire: t, conversion: floorsNanos(t.Unit, Direct)}, true
	case *arrow.DurationType:
		return target{sql: "BIGINT", wire: arrow.PrimitiveTypes.Int64, conversion: floorsNanos(t.Unit, Micros)}, true
	}
	to, ok := targets[plain.ID()]
	return to, ok
}

// mapLogical maps what a logical type gives a meaning of its own: two fixed-size binaries
// of Parquet, and text that is WKT.
func mapLogical(plain arrow.DataType, logical string) (target, bool) {
	fixed, ok := plain.(*arrow.FixedSizeBinaryType)
	switch {
	case logical == batch.LogicalGeography && plain.ID() == arrow.STRING:
		return target{sql: geographyType, wire: arrow.BinaryTypes.String, conversion: Geography, warning: geographyWarning}, true
	case ok && logical == batch.LogicalUUID && fixed.ByteWidth == uuidBytes:
		return target{sql: "TEXT", wire: arrow.BinaryTypes.String, conversion: UUIDText}, true
	case ok && logical == batch.LogicalInterval && fixed.ByteWidth == parquetIntervalBytes:
		return target{sql: "INTERVAL", wire: arrow.FixedWidthTypes.MonthDayNanoInterval, conversion: Interval, warning: intervalWarning}, true
	}
	return target{}, false
}

// mapFloat maps the floating-point types below 64 bits. Tableau versions that read REAL
// are recent, so it is used only for users who asked for its format version.
func mapFloat(t arrow.DataType, format FormatChoice) target {
	if !format.Pinned || format.Version < realVersion {
		return target{sql: "DOUBLE PRECISION", wire: arrow.PrimitiveTypes.Float64, conversion: Widen}
	}
	to := target{sql: "REAL", wire: arrow.PrimitiveTypes.Float32, conversion: Direct, version: realVersion}
	if t.ID() == arrow.FLOAT16 {
		to.conversion = Widen
	}
	return to
}

// mapDecimal maps a decimal to the NUMERIC that holds all its values: hyperd's scale is
// between 0 and the precision.
func mapDecimal(t arrow.DecimalType) (target, bool) {
	digits, scale := int(t.GetPrecision()), int(t.GetScale())
	conversion := Direct
	if t.ID() == arrow.DECIMAL256 {
		conversion = Repack
	}
	if scale < 0 {
		digits, scale, conversion = digits-scale, 0, Rescale
	}
	digits = max(digits, scale, 1)
	if digits > maxDigits {
		return target{}, false
	}
	to := target{
		sql:        fmt.Sprintf("NUMERIC(%d,%d)", digits, scale),
		wire:       &arrow.Decimal128Type{Precision: int32(digits), Scale: int32(scale)},
		conversion: conversion,
	}
	if digits > maxNarrowDigits {
		to.version = wideNumericVersion
	}
	return to, true
}

const (
	maxDigits       = 38 // that hyperd stores
	maxNarrowDigits = 18 // that fit into 64 bits
)

// mapTimestamp maps timestamps; with a zone, whichever, they are instants, which Arrow
// and hyperd both keep in UTC.
func mapTimestamp(t *arrow.TimestampType) target {
	to := target{sql: "TIMESTAMP", conversion: floorsNanos(t.Unit, Direct)}
	wire := &arrow.TimestampType{Unit: t.Unit}
	if t.Unit == arrow.Nanosecond {
		wire.Unit = arrow.Microsecond
	}
	if t.TimeZone != "" {
		to.sql, wire.TimeZone = "TIMESTAMPTZ", "UTC"
	}
	to.wire = wire
	return to
}

func floorsNanos(unit arrow.TimeUnit, otherwise Conversion) Conversion {
	if unit == arrow.Nanosecond {
		return FloorNanos
	}
	return otherwise
}

// plainType is the type of a column's values without encodings and extensions.
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

func isEncoded(t arrow.DataType) bool {
	return t.ID() == arrow.DICTIONARY || t.ID() == arrow.RUN_END_ENCODED
}

// logicalType is what the reader found out about a column beyond its Arrow type; failing
// that, what a canonical Arrow extension says.
func logicalType(field arrow.Field) string {
	if logical, ok := field.Metadata.GetValue(batch.LogicalTypeKey); ok {
		return logical
	}
	switch extensionName(field) {
	case "arrow.uuid":
		return batch.LogicalUUID
	case "arrow.json":
		return batch.LogicalJSON
	}
	return ""
}

// extensionName is the name of the column's Arrow extension type, whether this program has
// it registered or sees it only in the metadata; empty if there is none.
func extensionName(field arrow.Field) string {
	switch t := field.Type.(type) {
	case arrow.ExtensionType:
		return t.ExtensionName()
	case *arrow.DictionaryType:
		return extensionName(arrow.Field{Type: t.ValueType, Metadata: field.Metadata})
	case *arrow.RunEndEncodedType:
		return extensionName(arrow.Field{Type: t.Encoded(), Metadata: field.Metadata})
	}
	name, _ := field.Metadata.GetValue(ipc.ExtensionTypeKeyName)
	return name
}

func logicalWarning(field arrow.Field, to target) string {
	logical := logicalType(field)
	if logical == batch.LogicalUnknown {
		return "its logical type is not known; it is stored as " + to.sql
	}
	if name := extensionName(field); name != "" && logical == "" {
		return fmt.Sprintf("the extension type %s is not known; it is stored as %s", name, to.sql)
	}
	return ""
}

// checkName refuses names that cannot be part of an SQL statement.
func checkName(name string) error {
	switch {
	case name == "":
		return failure.New(failure.Source, "a column has no name").
			WithHint("give every column a name in the lake").BeforeData()
	case !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		return failure.New(failure.Source, "column %q has a name that hyperd cannot store", name).
			WithHint("use names that are UTF-8 without the character U+0000").BeforeData()
	}
	return nil
}

// refuse says why a type cannot be stored.
func refuse(field arrow.Field, plain arrow.DataType) error {
	e := failure.New(failure.Source, "column %q has type %s, which hyperd does not store", field.Name, field.Type).WithHint(leaveOut)
	if _, isDecimal := plain.(arrow.DecimalType); isDecimal {
		e = failure.New(failure.Source, "column %q has type %s, but hyperd stores at most %d digits", field.Name, field.Type, maxDigits).
			WithHint("%s, or say in columns how many digits to store: {%s: {type: \"numeric(%d,%d)\"}}",
				leaveOut, field.Name, maxDigits, min(max(plain.(arrow.DecimalType).GetScale(), 0), maxDigits))
	}
	if _, isNested := plain.(arrow.NestedType); isNested {
		e = failure.New(failure.Source, "column %q has the nested type %s, and hyperd stores only flat columns", field.Name, field.Type).
			WithHint(leaveOut)
	}
	return e.BeforeData()
}
