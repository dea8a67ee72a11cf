package parquetread

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/internal/convert"
)

// Widen returns the values of a field in one that [Unify] made of it and others. The values
// are the same; an array that has the type already is returned as it is. A type that does not widen to the other,
// a value that has no text, and a decimal of more digits than its type has are errors.
func Widen(values arrow.Array, from, to arrow.Field) (arrow.Array, error) {
	return widener{}.widen(values, from, to)
}

// Widen is the function [Widen] for columns of the table. If the table says itself which types its columns have, these
// need not be such that [Unify] makes them, and [Projection.Check] says what does not fit.
func (t Projection) Widen(values arrow.Array, from, to arrow.Field) (arrow.Array, error) {
	return widener{t.Mapping != nil}.widen(values, from, to)
}

// widener gives values the types of the columns of a table.
type widener struct {
	declared bool // by the table itself: they are not those that its files come to
}

func (w widener) widen(values arrow.Array, from, to arrow.Field) (arrow.Array, error) {
	switch {
	case arrow.TypeEqual(values.DataType(), to.Type):
		return values, nil
	case values.DataType().ID() == arrow.NULL:
		return allNull(to.Type, values.Len()), nil
	case isNested(from.Type) && from.Type.ID() == to.Type.ID():
		return w.widenNested(values, from, to)
	case w.declared && isBytes(from.Type) && isBytes(to.Type):
		data := values.Data()
		return array.MakeFromData(array.NewData(to.Type, data.Len(), data.Buffers(), nil, values.NullN(), data.Offset())), nil
	case w.declared && from.Type.ID() == arrow.DATE32 && to.Type.ID() == arrow.TIMESTAMP:
		return toMidnights(values.(*array.Date32), to.Type)
	case to.Type.ID() == arrow.STRING && !isNested(from.Type) && !w.declared:
		return convert.Texts(from, values)
	case from.Type.ID() == to.Type.ID() || isTime(from.Type) && isTime(to.Type):
		if micros, ok := inMicros(from, to); ok && arrow.TypeEqual(micros, to.Type) {
			return toMicros(values, to.Type)
		}
	}
	if wide, ok := widest(from.Type, to.Type); !ok || !arrow.TypeEqual(wide, to.Type) {
		return nil, fmt.Errorf("%w: %s does not widen to %s", errColumns, from.Type, to.Type)
	}
	return widenNumbers(values, to.Type)
}

// widenNumbers converts numbers to a type that holds them all.
func widenNumbers(values arrow.Array, to arrow.DataType) (arrow.Array, error) {
	switch to := to.(type) {
	case *arrow.Decimal128Type:
		decimals, err := toDecimals(values, to.Scale)
		return rebuilt(to, values, decimals), err
	case *arrow.Float32Type:
		return rebuilt(to, values, toNumbers[float32](values)), nil
	case *arrow.Float64Type:
		return rebuilt(to, values, toNumbers[float64](values)), nil
	case *arrow.Int16Type:
		return rebuilt(to, values, toNumbers[int16](values)), nil
	case *arrow.Int32Type:
		return rebuilt(to, values, toNumbers[int32](values)), nil
	case *arrow.Int64Type:
		return rebuilt(to, values, toNumbers[int64](values)), nil
	case *arrow.Uint16Type:
		return rebuilt(to, values, toNumbers[uint16](values)), nil
	case *arrow.Uint32Type:
		return rebuilt(to, values, toNumbers[uint32](values)), nil
	default: // widest gives no other
		return rebuilt(to, values, toNumbers[uint64](values)), nil
	}
}

// numeric is the integers and floats that widen.
type numeric interface {
	arrow.IntType | arrow.UintType | float32 | float64
}

// toNumbers converts numbers to a type that holds them all.
func toNumbers[T numeric](values arrow.Array) []T {
	switch v := values.(type) {
	case *array.Int8:
		return converted[T](v.Int8Values())
	case *array.Int16:
		return converted[T](v.Int16Values())
	case *array.Int32:
		return converted[T](v.Int32Values())
	case *array.Int64:
		return converted[T](v.Int64Values())
	case *array.Uint8:
		return converted[T](v.Uint8Values())
	case *array.Uint16:
		return converted[T](v.Uint16Values())
	case *array.Uint32:
		return converted[T](v.Uint32Values())
	case *array.Float32:
		return converted[T](v.Float32Values())
	}
	return nil // widest gives no other
}

// toDecimals converts integers, and decimals of at most that scale. It fails for a decimal of
// more digits than its type has, if the wider type cannot hold it.
func toDecimals(values arrow.Array, scale int32) ([]decimal128.Num, error) {
	decimals := make([]decimal128.Num, values.Len())
	switch v := values.(type) {
	case *array.Decimal128:
		scale -= v.DataType().(*arrow.Decimal128Type).Scale
		copy(decimals, v.Values())
		most := decimal128.GetMaxValue(int32(maxDigits) - scale)
		for i, x := range decimals {
			if v.IsValid(i) && scale > 0 && (most.Less(x) || x.Less(most.Negate())) {
				return nil, fmt.Errorf("the file is damaged: the value %s does not fit %s", x.BigInt(), v.DataType())
			}
		}
	case *array.Uint64:
		for i, x := range v.Uint64Values() {
			decimals[i] = decimal128.FromU64(x)
		}
	default:
		for i, x := range toNumbers[int64](values) {
			decimals[i] = decimal128.FromI64(x)
		}
	}
	factor := decimal128.GetScaleMultiplier(int(scale))
	for i := range decimals {
		decimals[i] = decimals[i].Mul(factor)
	}
	return decimals, nil
}

func converted[T, F numeric](values []F) []T {
	wide := make([]T, len(values))
	for i, x := range values {
		wide[i] = T(x)
	}
	return wide
}

// rebuilt makes an array of new values that is NULL where source is.
func rebuilt[T arrow.FixedWidthType](to arrow.DataType, source arrow.Array, values []T) arrow.Array {
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.GetBytes(values))}
	if source.NullN() > 0 {
		bits := make([]byte, bitutil.BytesForBits(int64(source.Len())))
		bitutil.CopyBitmap(source.NullBitmapBytes(), source.Data().Offset(), source.Len(), bits, 0)
		buffers[0] = memory.NewBufferBytes(bits)
	}
	return array.MakeFromData(array.NewData(to, source.Len(), buffers, nil, source.NullN(), 0))
}

// allNull makes an array without values.
func allNull(t arrow.DataType, rows int) arrow.Array {
	return array.MakeArrayOfNull(memory.DefaultAllocator, t, rows)
}
