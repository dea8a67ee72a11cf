package hypersql

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
)

// types are hyperd's types for those of Arrow that have no parameters.
var types = map[arrow.Type]string{
	arrow.BOOL: "BOOLEAN",
	arrow.INT8: "SMALLINT", arrow.INT16: "SMALLINT", arrow.INT32: "INTEGER", arrow.INT64: "BIGINT",
	arrow.UINT8: "SMALLINT", arrow.UINT16: "INTEGER",
	arrow.FLOAT32: "REAL", arrow.FLOAT64: "DOUBLE PRECISION",
	arrow.STRING: "TEXT", arrow.BINARY: "BYTES", arrow.FIXED_SIZE_BINARY: "BYTES",
	arrow.DATE32: "DATE", arrow.TIME64: "TIME",
}

// Type is hyperd's type for the values that Arrow has in another one, and whether it reads such values from Parquet as
// they are.
func Type(of arrow.DataType) (string, bool) {
	switch of := of.(type) {
	case *arrow.Decimal128Type:
		return fmt.Sprintf("NUMERIC(%d,%d)", of.Precision, of.Scale), of.Scale >= 0 && of.Scale <= of.Precision
	case *arrow.TimestampType:
		isKnown := of.Unit == arrow.Millisecond || of.Unit == arrow.Microsecond
		if of.TimeZone != "" {
			return "TIMESTAMPTZ", isKnown
		}
		return "TIMESTAMP", isKnown
	case *arrow.Time64Type:
		return "TIME", of.Unit == arrow.Microsecond
	}
	name, ok := types[of.ID()]
	return name, ok
}

// Null is NULL of a type of hyperd's.
func Null(sqlType string) string { return Cast("NULL", sqlType) }

// Cast is a value in a type of hyperd's.
func Cast(value, sqlType string) string { return "CAST(" + value + " AS " + sqlType + ")" }
