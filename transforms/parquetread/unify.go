package parquetread

import (
	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
)

// Unify returns the field, under the name of a, that holds the values of both a and b
// without loss; false where that takes more than a widening of integers, floats or
// decimals. A column that holds nulls only can become any other. The result is nullable
// if a or b is.
func Unify(a, b arrow.Field) (arrow.Field, bool) {
	unified := a
	unified.Nullable = a.Nullable || b.Nullable
	switch {
	case arrow.TypeEqual(a.Type, b.Type, arrow.CheckMetadata()):
		if batch.LogicalType(a) == batch.LogicalType(b) {
			return unified, true
		}
		unified.Metadata = arrow.Metadata{}
		return unified, isRefinement(a) && isRefinement(b)
	case a.Type.ID() == arrow.NULL:
		unified.Type, unified.Metadata = b.Type, b.Metadata
		return unified, true
	case b.Type.ID() == arrow.NULL:
		return unified, true
	}
	var ok bool
	unified.Type, ok = widest(a.Type, b.Type)
	return unified, ok
}

// isRefinement says whether a column is stored in the extract as one of its Arrow type
// without a logical type would be.
func isRefinement(field arrow.Field) bool {
	switch batch.LogicalType(field) {
	case "", batch.LogicalEnum, batch.LogicalJSON, batch.LogicalBSON, batch.LogicalInt96:
		return true
	}
	return false
}

// widest returns the narrowest type of numbers that holds all values of a and of b.
func widest(a, b arrow.DataType) (arrow.DataType, bool) {
	x, y := numberOf(a), numberOf(b)
	switch {
	case x == nil || y == nil:
		return nil, false
	case x.isFloat && y.isFloat:
		return floatOf(max(x.bits, y.bits)), true
	case x.isFloat:
		return floatFor(x, y)
	case y.isFloat:
		return floatFor(y, x)
	case x.bits > 0 && y.bits > 0:
		if wide := integerFor(*x, *y); wide != nil {
			return wide, true
		}
	}
	return decimalFor(*x, *y)
}

// numberType is what a type of numbers can hold: integers of some bits, floats of some bits,
// or decimals (bits is 0).
type numberType struct {
	isFloat, isSigned bool
	bits              int
	whole, scale      int32 // digits before and after the decimal point; of floats unused
}

var numbers = map[arrow.Type]numberType{
	arrow.INT8:    {bits: 8, isSigned: true, whole: 3},
	arrow.INT16:   {bits: 16, isSigned: true, whole: 5},
	arrow.INT32:   {bits: 32, isSigned: true, whole: 10},
	arrow.INT64:   {bits: 64, isSigned: true, whole: 19},
	arrow.UINT8:   {bits: 8, whole: 3},
	arrow.UINT16:  {bits: 16, whole: 5},
	arrow.UINT32:  {bits: 32, whole: 10},
	arrow.UINT64:  {bits: 64, whole: 20},
	arrow.FLOAT32: {bits: 32, isFloat: true},
	arrow.FLOAT64: {bits: 64, isFloat: true},
}

func numberOf(t arrow.DataType) *numberType {
	if decimal, ok := t.(arrow.DecimalType); ok {
		if decimal.GetScale() < 0 || decimal.GetPrecision() > maxDigits {
			return nil
		}
		return &numberType{whole: decimal.GetPrecision() - decimal.GetScale(), scale: decimal.GetScale()}
	}
	if n, ok := numbers[t.ID()]; ok {
		return &n
	}
	return nil
}

func floatOf(bits int) arrow.DataType {
	if bits == 32 {
		return arrow.PrimitiveTypes.Float32
	}
	return arrow.PrimitiveTypes.Float64
}

// floatFor returns the float that holds all integers of a type, too: those of 16 bits fit
// into the 24 of a float32, those of 32 into the 53 of a float64.
func floatFor(float, integer *numberType) (arrow.DataType, bool) {
	switch {
	case integer.bits == 0 || integer.bits > 32:
		return nil, false
	case integer.bits > 16:
		return arrow.PrimitiveTypes.Float64, true
	}
	return floatOf(float.bits), true
}

// integerFor returns the integer type for both, nil where there is none.
func integerFor(a, b numberType) arrow.DataType {
	bits, isSigned := max(a.bits, b.bits), a.isSigned || b.isSigned
	if a.isSigned != b.isSigned {
		unsigned := a
		if a.isSigned {
			unsigned = b
		}
		bits = max(bits, 2*unsigned.bits)
	}
	for id, n := range numbers {
		if n.bits == bits && n.isSigned == isSigned && !n.isFloat {
			return integers[id]
		}
	}
	return nil
}

var integers = map[arrow.Type]arrow.DataType{
	arrow.INT8: arrow.PrimitiveTypes.Int8, arrow.INT16: arrow.PrimitiveTypes.Int16,
	arrow.INT32: arrow.PrimitiveTypes.Int32, arrow.INT64: arrow.PrimitiveTypes.Int64,
	arrow.UINT8: arrow.PrimitiveTypes.Uint8, arrow.UINT16: arrow.PrimitiveTypes.Uint16,
	arrow.UINT32: arrow.PrimitiveTypes.Uint32, arrow.UINT64: arrow.PrimitiveTypes.Uint64,
}

const maxDigits = 38 // of a decimal of 128 bits

func decimalFor(a, b numberType) (arrow.DataType, bool) {
	scale := max(a.scale, b.scale)
	precision := max(a.whole, b.whole) + scale
	return &arrow.Decimal128Type{Precision: precision, Scale: scale}, precision <= maxDigits
}
