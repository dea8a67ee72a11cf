package expr

import (
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
)

// kind says how the values of a type are represented and which operators they have.
type kind uint8

const (
	kindNull kind = iota // every value is NULL
	kindBool
	kindInt
	kindUint
	kindDouble
	kindDecimal
	kindText
	kindBytes
	kindDate
	kindTime
	kindTimestamp
	kindDuration
)

var kindNames = [...]string{
	"null", "boolean", "integer", "unsigned integer", "double", "decimal",
	"text", "bytes", "date", "time", "timestamp", "duration",
}

const day = int64(24 * time.Hour)

// maxDigits is how many digits a decimal may have; up to narrowDigits fit into 128 bits.
const (
	maxDigits    = 76
	narrowDigits = 38
)

// valueType is the type of an expression.
type valueType struct {
	kind             kind
	unit             int64 // dates, times, timestamps, durations: the nanoseconds of one step
	zoned            bool  // timestamps: instants in UTC, not the time on some wall
	precision, scale int32 // decimals: digits in all, and after the point
}

var (
	nullType   = valueType{kind: kindNull}
	boolType   = valueType{kind: kindBool}
	intType    = valueType{kind: kindInt}
	uintType   = valueType{kind: kindUint}
	doubleType = valueType{kind: kindDouble}
	textType   = valueType{kind: kindText}
	bytesType  = valueType{kind: kindBytes}
	dateType   = valueType{kind: kindDate, unit: day}
)

// String is the type as users know it.
func (t valueType) String() string {
	switch {
	case t.kind == kindTimestamp && t.zoned:
		return "timestamp with time zone"
	case t.kind == kindTimestamp:
		return "timestamp without time zone"
	case t.kind == kindDecimal:
		return fmt.Sprintf("decimal(%d,%d)", t.precision, t.scale)
	}
	return kindNames[t.kind]
}

// numeric tells integers, decimals and doubles from everything else.
func (t valueType) numeric() bool {
	return t.kind == kindInt || t.kind == kindUint || t.kind == kindDouble || t.kind == kindDecimal
}

// temporal tells the types that count steps of a unit.
func (t valueType) temporal() bool { return t.kind >= kindDate }

// wide tells decimals that do not fit into 128 bits.
func (t valueType) wide() bool { return t.kind == kindDecimal && t.precision > narrowDigits }

// comparable tells whether values of two types have an order among each other.
func (t valueType) comparable(o valueType) bool {
	if t.numeric() && o.numeric() {
		return true
	}
	return t.kind == o.kind && t.zoned == o.zoned
}

// asDecimal is the decimal that holds every value of an integer or decimal type.
func (t valueType) asDecimal() valueType {
	switch t.kind {
	case kindInt:
		return valueType{kind: kindDecimal, precision: 19}
	case kindUint:
		return valueType{kind: kindDecimal, precision: 20}
	default:
		return t
	}
}

// typeOf is the type of a column's values, and false for nested and exotic types.
func typeOf(t arrow.DataType) (valueType, bool) {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return typeOf(t.ValueType)
	case *arrow.Decimal128Type:
		return valueType{kind: kindDecimal, precision: min(t.Precision, narrowDigits), scale: t.Scale}, true
	case *arrow.Decimal256Type:
		return valueType{kind: kindDecimal, precision: maxDigits, scale: t.Scale}, true
	case *arrow.Time32Type:
		return valueType{kind: kindTime, unit: int64(t.Unit.Multiplier())}, true
	case *arrow.Time64Type:
		return valueType{kind: kindTime, unit: int64(t.Unit.Multiplier())}, true
	case *arrow.TimestampType:
		return valueType{kind: kindTimestamp, unit: int64(t.Unit.Multiplier()), zoned: t.TimeZone != ""}, true
	case *arrow.DurationType:
		return valueType{kind: kindDuration, unit: int64(t.Unit.Multiplier())}, true
	}
	found, ok := simpleTypes[t.ID()]
	return found, ok
}

var simpleTypes = map[arrow.Type]valueType{
	arrow.NULL: nullType, arrow.BOOL: boolType,
	arrow.INT8: intType, arrow.INT16: intType, arrow.INT32: intType, arrow.INT64: intType,
	arrow.UINT8: intType, arrow.UINT16: intType, arrow.UINT32: intType, arrow.UINT64: uintType,
	arrow.FLOAT16: doubleType, arrow.FLOAT32: doubleType, arrow.FLOAT64: doubleType,
	arrow.STRING: textType, arrow.LARGE_STRING: textType, arrow.STRING_VIEW: textType,
	arrow.BINARY: bytesType, arrow.LARGE_BINARY: bytesType, arrow.BINARY_VIEW: bytesType, arrow.FIXED_SIZE_BINARY: bytesType,
	arrow.DATE32: dateType, arrow.DATE64: dateType,
}
