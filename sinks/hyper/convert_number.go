package hyper

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/float16"
)

func toDouble(values arrow.Array) (arrow.Array, error) {
	wide := make([]float64, values.Len())
	switch v := values.(type) {
	case *array.Float32:
		for i, x := range v.Float32Values() {
			wide[i] = float64(x)
		}
	case *array.Float16:
		for i, x := range v.Values() {
			wide[i] = float64(halfToFloat(x))
		}
	default:
		return nil, mismatch(arrow.PrimitiveTypes.Float64, values)
	}
	return fixedWidth(arrow.PrimitiveTypes.Float64, values, wide), nil
}

func toReal(values arrow.Array) (arrow.Array, error) {
	half, ok := values.(*array.Float16)
	if !ok {
		return nil, mismatch(arrow.PrimitiveTypes.Float32, values)
	}
	wide := make([]float32, half.Len())
	for i, x := range half.Values() {
		wide[i] = halfToFloat(x)
	}
	return fixedWidth(arrow.PrimitiveTypes.Float32, values, wide), nil
}

// halfToFloat widens exactly. The method of float16.Num is wrong for subnormal numbers.
func halfToFloat(half float16.Num) float32 {
	bits := half.Uint16()
	if exponent := bits >> 10 & 0x1f; exponent != 0 {
		return half.Float32()
	}
	const lowest = 1.0 / (1 << 24) // what the lowest bit of a subnormal number counts
	magnitude := float32(bits&0x3ff) * lowest
	if negative := bits>>15 == 1; negative {
		return -magnitude
	}
	return magnitude
}

// toNumeric converts to exactly the decimal that mapDecimal made of the type of values.
func toNumeric(to *arrow.Decimal128Type, values arrow.Array) (arrow.Array, error) {
	if v, ok := values.(*array.Uint64); ok && arrow.TypeEqual(to, targets[arrow.UINT64].wire) {
		return unsignedToNumeric(to, v), nil
	}
	from, ok := values.DataType().(arrow.DecimalType)
	if !ok {
		return nil, mismatch(to, values)
	}
	if planned, ok := mapDecimal(from); !ok || !arrow.TypeEqual(planned.wire, to) {
		return nil, mismatch(to, values)
	}
	if v, ok := values.(*array.Decimal256); ok {
		narrow, err := narrowDecimals(v)
		if err != nil {
			return nil, err
		}
		return rescale(to, from, v, narrow)
	}
	if from.GetScale() >= 0 {
		return relabel(to, values), nil
	}
	return rescale(to, from, values, values.(*array.Decimal128).Values())
}

func unsignedToNumeric(to *arrow.Decimal128Type, values *array.Uint64) arrow.Array {
	wide := make([]decimal128.Num, values.Len())
	for i, x := range values.Uint64Values() {
		wide[i] = decimal128.FromU64(x)
	}
	return fixedWidth(to, values, wide)
}

// narrowDecimals drops the upper half of 256-bit decimals, which holds nothing but the
// sign when they have at most 38 digits.
func narrowDecimals(values *array.Decimal256) ([]decimal128.Num, error) {
	narrow := make([]decimal128.Num, values.Len())
	for i, x := range values.Values() {
		words := x.Array()
		sign := uint64(int64(words[1]) >> 63)
		if (words[2] != sign || words[3] != sign) && values.IsValid(i) {
			return nil, fmt.Errorf("row %d has more digits than its type %s", i, values.DataType())
		}
		narrow[i] = decimal128.New(int64(words[1]), words[0])
	}
	return narrow, nil
}

// rescale writes decimals of a negative scale out: of scale -2, 7 means 700. Others stay.
func rescale(to *arrow.Decimal128Type, from arrow.DecimalType, source arrow.Array, values []decimal128.Num) (arrow.Array, error) {
	if from.GetScale() >= 0 {
		return fixedWidth(to, source, values), nil
	}
	factor := decimal128.GetScaleMultiplier(int(-from.GetScale()))
	limit := decimal128.GetScaleMultiplier(int(from.GetPrecision()))
	scaled := make([]decimal128.Num, len(values))
	for i, x := range values {
		if (!x.Less(limit) || !x.Greater(limit.Negate())) && source.IsValid(i) {
			return nil, fmt.Errorf("row %d has more digits than its type %s", i, from)
		}
		scaled[i] = x.Mul(factor)
	}
	return fixedWidth(to, source, scaled), nil
}
