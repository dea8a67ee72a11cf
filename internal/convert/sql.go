package convert

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/hypersql"
)

// SQL is a mapped column in hyperd's SQL, over the columns of the source, which hyperd reads from Parquet in its own
// types for them. There is such a form where every value converts, so that no row is rejected because of it, and where
// hyperd is shown to make the same value: for columns that stay as they are, whole numbers and booleans that become
// types that hold all of them, and defaults of these, of text, double precision, dates and timestamps.
func (c *Converter) SQL(column int) (string, bool) {
	m := c.columns[column]
	if len(m.path) > 1 {
		return "", false
	}
	source := c.source.Field(m.path[0])
	value := hypersql.Name(source.Name)
	if m.isShared() {
		return value, true
	}
	if logicalType(source) != "" || kindOf(source) == decimal { // decimals of a file can have more digits than it says
		return "", false
	}
	if m.kernel != nil {
		var ok bool
		if value, ok = convertedSQL(value, source.Type, m.field.Type); !ok {
			return "", false
		}
	}
	if m.fill == nil {
		return value, true
	}
	filler, ok := constantSQL(m.fill)
	return "COALESCE(" + value + ", " + filler + ")", ok
}

// integerDigits are the digits that whole numbers of a type can have, for the types that hyperd reads as they are.
var integerDigits = map[arrow.Type]int32{
	arrow.INT8: 3, arrow.UINT8: 3, arrow.INT16: 5, arrow.UINT16: 5, arrow.INT32: 10, arrow.INT64: 19,
}

// integerBytes are the bytes of the signed whole numbers that hyperd has for those of a type.
var integerBytes = map[arrow.Type]int{
	arrow.INT8: 2, arrow.UINT8: 2, arrow.INT16: 2, arrow.UINT16: 4, arrow.INT32: 4, arrow.INT64: 8,
}

// convertedSQL is a value in a type that holds all that its own can be.
func convertedSQL(value string, from, to arrow.DataType) (string, bool) {
	name, ok := hypersql.Type(to)
	if !ok {
		return "", false
	}
	if from.ID() == arrow.BOOL {
		return booleanSQL(value, to)
	}
	digits, isInteger := integerDigits[from.ID()]
	switch t := to.(type) {
	case *arrow.Decimal128Type:
		ok = t.Precision-t.Scale >= digits
	case *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type:
		ok = integerBytes[to.ID()] >= integerBytes[from.ID()]
	case *arrow.Float64Type:
		ok = integerBytes[from.ID()] < integerBytes[arrow.INT64] // whose values are more than 53 bits
	case *arrow.StringType:
		ok = true
	default:
		ok = false
	}
	return hypersql.Cast(value, name), isInteger && ok
}

// booleanSQL is 1 and 0, or the text of a boolean.
func booleanSQL(value string, to arrow.DataType) (string, bool) {
	name, _ := hypersql.Type(to)
	yes, no := "1", "0"
	switch to.(type) {
	case *arrow.StringType:
		yes, no = "'true'", "'false'"
	case *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type:
	default:
		return "", false
	}
	return hypersql.Cast("CASE WHEN "+value+" THEN "+yes+" WHEN NOT "+value+" THEN "+no+" END", name), true
}

// constantSQL is the one value of an array, in the type that hyperd has for it.
func constantSQL(one arrow.Array) (string, bool) {
	var text string
	switch v := one.(type) {
	case *array.Boolean:
		return hypersql.Boolean(v.Value(0)), true
	case *array.Int16:
		text = hypersql.Integer(int64(v.Value(0)))
	case *array.Int32:
		text = hypersql.Integer(int64(v.Value(0)))
	case *array.Int64:
		text = hypersql.Integer(v.Value(0))
	case *array.Decimal128:
		t := v.DataType().(*arrow.Decimal128Type)
		return hypersql.Numeric(v.Value(0).BigInt(), t.Precision, t.Scale)
	case *array.Float64:
		text, ok := hypersql.Double(v.Value(0))
		return text, ok && (v.Value(0) != 0 || !math.Signbit(v.Value(0))) // -0 equals 0, and is another value
	case *array.String:
		return hypersql.Text(v.Value(0))
	case *array.Date32:
		return hypersql.Date(int64(v.Value(0)))
	case *array.Timestamp:
		t := v.DataType().(*arrow.TimestampType)
		return hypersql.Timestamp(int64(v.Value(0)), t.Unit.Multiplier(), t.TimeZone != "")
	default:
		return "", false
	}
	name, _ := hypersql.Type(one.DataType())
	return hypersql.Cast(text, name), true
}
