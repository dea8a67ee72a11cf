package iceberg

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
)

// logicalUUID is the word of internal/batch for UUIDs.
const logicalUUID = "uuid"

const uuidBytes = 16

// simpleTypes are those without parameters.
var simpleTypes = map[string]arrow.DataType{
	"boolean":        arrow.FixedWidthTypes.Boolean,
	"int":            arrow.PrimitiveTypes.Int32,
	"long":           arrow.PrimitiveTypes.Int64,
	"float":          arrow.PrimitiveTypes.Float32,
	"double":         arrow.PrimitiveTypes.Float64,
	"date":           arrow.FixedWidthTypes.Date32,
	"time":           arrow.FixedWidthTypes.Time64us,
	"timestamp":      &arrow.TimestampType{Unit: arrow.Microsecond},
	"timestamptz":    &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"},
	"timestamp_ns":   &arrow.TimestampType{Unit: arrow.Nanosecond},
	"timestamptz_ns": &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"},
	"string":         arrow.BinaryTypes.String,
	"uuid":           &arrow.FixedSizeBinaryType{ByteWidth: uuidBytes},
	"binary":         arrow.BinaryTypes.Binary,
	"unknown":        arrow.Null,
}

var (
	fixedPattern   = regexp.MustCompile(`^fixed\[\s*(\d{1,9})\s*\]$`)
	decimalPattern = regexp.MustCompile(`^decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)$`)
)

const maxPrecision = 38

// simpleType is the type of that name, and what Arrow does not say of it.
func simpleType(name, path string) (t arrow.DataType, logical string, err error) {
	if known, ok := simpleTypes[name]; ok {
		if name == logicalUUID {
			logical = logicalUUID
		}
		return known, logical, nil
	}
	if match := fixedPattern.FindStringSubmatch(name); match != nil {
		width, err := strconv.Atoi(match[1])
		if err == nil && width > 0 {
			return &arrow.FixedSizeBinaryType{ByteWidth: width}, "", nil
		}
	}
	if match := decimalPattern.FindStringSubmatch(name); match != nil {
		precision, failed := strconv.Atoi(match[1])
		scale, err := strconv.Atoi(match[2])
		if failed == nil && err == nil && precision >= 1 && precision <= maxPrecision && scale <= precision {
			return &arrow.Decimal128Type{Precision: int32(precision), Scale: int32(scale)}, "", nil
		}
	}
	if strings.HasPrefix(name, "fixed") || strings.HasPrefix(name, "decimal") {
		return nil, "", fmt.Errorf("column %q has the type %q, which cannot be", path, name)
	}
	return nil, "", notImplemented("column %q has the type %q", path, name)
}

// grows says whether files that have a column in a type may be read for one that has another one now: structures, lists
// and maps are compared by what is in them.
func grows(was, is arrow.DataType) bool {
	_, nested := is.(arrow.NestedType)
	switch wasID, isID := was.ID(), is.ID(); {
	case nested && wasID == isID, wasID == arrow.NULL:
		return true
	case wasID == arrow.INT32 && isID == arrow.INT64, wasID == arrow.FLOAT32 && isID == arrow.FLOAT64:
		return true
	case wasID == arrow.DECIMAL128 && isID == arrow.DECIMAL128:
		narrow, wide := was.(*arrow.Decimal128Type), is.(*arrow.Decimal128Type)
		return narrow.Precision <= wide.Precision && narrow.Scale == wide.Scale
	}
	return arrow.TypeEqual(was, is)
}
