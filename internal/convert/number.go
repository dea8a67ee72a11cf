package convert

import (
	"math"
	"math/big"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

// integersTo converts booleans, integers and decimals to a number.
func integersTo(r request) (kernel, error) {
	return numbersTo(r.to.arrow, func(values arrow.Array, scale int) func(at int) (integer, bool) {
		get, from := integers(values)
		return func(at int) (integer, bool) { return get(at).shift(scale - from) }
	}), nil
}

// textsToNumbers converts text to an integer or a decimal.
func textsToNumbers(r request) (kernel, error) {
	return numbersTo(r.to.arrow, func(values arrow.Array, scale int) func(at int) (integer, bool) {
		get := texts(values)
		return func(at int) (integer, bool) {
			n, exponent, ok := parseNumber(get(at))
			if !ok {
				return integer{}, false
			}
			return n.shift(exponent + scale)
		}
	}), nil
}

// floatsToNumbers converts floats to an integer or a decimal.
func floatsToNumbers(r request) (kernel, error) {
	return numbersTo(r.to.arrow, func(values arrow.Array, scale int) func(at int) (integer, bool) {
		get, bits := floats(values)
		return func(at int) (integer, bool) { return floatUnits(get(at), bits, scale) }
	}), nil
}

// numbersTo is a kernel that makes integers or decimals of what bind reads in units of
// 10^-scale, if they fit.
func numbersTo(t arrow.DataType, bind func(values arrow.Array, scale int) func(at int) (integer, bool)) kernel {
	switch t := t.(type) {
	case *arrow.Int16Type:
		return toFixed(t, fitting[int16](bind))
	case *arrow.Int32Type:
		return toFixed(t, fitting[int32](bind))
	case *arrow.Decimal128Type:
		return toFixed(t, func(values arrow.Array) func(at int) (decimal128.Num, bool) {
			get := bind(values, int(t.Scale))
			return func(at int) (decimal128.Num, bool) {
				n, ok := get(at)
				if !ok {
					return decimal128.Num{}, false
				}
				return n.decimal(int(t.Precision))
			}
		})
	default:
		return toFixed(t, fitting[int64](bind))
	}
}

func fitting[T int16 | int32 | int64](
	bind func(values arrow.Array, scale int) func(at int) (integer, bool),
) func(arrow.Array) func(at int) (T, bool) {
	return func(values arrow.Array) func(at int) (T, bool) {
		get := bind(values, 0)
		return func(at int) (T, bool) {
			n, ok := get(at)
			return T(n.small), ok && n.large == nil && int64(T(n.small)) == n.small
		}
	}
}

// floatUnits is a float in units of 10^-scale: its exact value if that has no more digits
// after the point, else the shortest decimal that reads back as the float.
func floatUnits(f float64, bits, scale int) (integer, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return integer{}, false
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
		return integer{small: int64(f)}.shift(scale)
	}
	var room [maxDigits * 2]byte
	if exact := fractionBits(f); exact <= scale { // a binary digit makes one decimal digit
		if n, exponent, ok := parseNumber(string(strconv.AppendFloat(room[:0], f, 'f', exact, 64))); ok {
			return n.shift(exponent + scale)
		}
	}
	n, exponent, ok := parseNumber(string(strconv.AppendFloat(room[:0], f, 'e', -1, bits)))
	if !ok {
		return integer{}, false
	}
	return n.shift(exponent + scale)
}

// fractionBits counts the binary digits after the point of a finite float.
func fractionBits(f float64) int {
	fraction, exponent := math.Frexp(f)
	const mantissaBits = 53
	mantissa := big.NewInt(int64(math.Ldexp(fraction, mantissaBits)))
	return max(0, mantissaBits-exponent-int(mantissa.TrailingZeroBits()))
}

// decimalFloat is the nearest float of so many bits to n / 10^scale, if the number can be
// told from it again.
func decimalFloat(n integer, scale, bits int) (float64, bool) {
	var room [64]byte
	f, err := strconv.ParseFloat(string(n.appendDecimal(room[:0], scale)), bits)
	if err != nil {
		return 0, false
	}
	back, ok := floatUnits(f, bits, scale)
	return f, ok && back.equal(n)
}

// integersToFloats converts booleans, integers and decimals to a float.
func integersToFloats(r request) (kernel, error) {
	return floatsTo(r.to.arrow, func(values arrow.Array, bits int) func(at int) (float64, bool) {
		get, scale := integers(values)
		exact := int64(1) << 24 // up to which every whole number is a float
		if bits == 64 {
			exact = 1 << 53
		}
		return func(at int) (float64, bool) {
			n := get(at)
			if scale == 0 && n.large == nil && -exact <= n.small && n.small <= exact {
				return float64(n.small), true
			}
			return decimalFloat(n, scale, bits)
		}
	}), nil
}

// textsToFloats converts text to a float.
func textsToFloats(r request) (kernel, error) {
	return floatsTo(r.to.arrow, func(values arrow.Array, bits int) func(at int) (float64, bool) {
		get := texts(values)
		return func(at int) (float64, bool) { return parseFloat(get(at), bits) }
	}), nil
}

// floatsToFloats widens floats, or narrows those that stay the same.
func floatsToFloats(r request) (kernel, error) {
	return floatsTo(r.to.arrow, func(values arrow.Array, bits int) func(at int) (float64, bool) {
		get, _ := floats(values)
		return func(at int) (float64, bool) {
			f := get(at)
			return f, bits == 64 || math.IsNaN(f) || float64(float32(f)) == f
		}
	}), nil
}

func floatsTo(t arrow.DataType, bind func(values arrow.Array, bits int) func(at int) (float64, bool)) kernel {
	if t.ID() == arrow.FLOAT64 {
		return toFixed(t, func(values arrow.Array) func(at int) (float64, bool) { return bind(values, 64) })
	}
	return toFixed(t, func(values arrow.Array) func(at int) (float32, bool) {
		get := bind(values, 32)
		return func(at int) (float32, bool) {
			f, ok := get(at)
			return float32(f), ok
		}
	})
}

// floats reads the values of a floating-point array, and says of how many bits those are
// whose shortest decimal stands for them.
func floats(values arrow.Array) (get func(at int) float64, bits int) {
	switch v := values.(type) {
	case *array.Float16:
		return func(at int) float64 { return widenHalf(v.Value(at).Uint16()) }, 32
	case *array.Float32:
		return func(at int) float64 { return float64(v.Value(at)) }, 32
	default:
		f := arrow.GetValues[float64](values.Data(), 1)
		return func(at int) float64 { return f[at] }, 64
	}
}

// widenHalf is the value of a half-precision float. (float16.Num.Float32 is wrong for
// subnormal ones.)
func widenHalf(bits uint16) float64 {
	const bias, fractionDigits = 15, 10
	exponent, fraction := int(bits>>fractionDigits&0x1f), float64(bits&0x3ff)
	f := math.Ldexp(1<<fractionDigits+fraction, exponent-bias-fractionDigits)
	switch {
	case exponent == 0x1f && fraction != 0:
		return math.NaN()
	case exponent == 0x1f:
		f = math.Inf(1)
	case exponent == 0:
		f = math.Ldexp(fraction, 1-bias-fractionDigits)
	}
	if bits>>15 == 1 {
		return -f
	}
	return f
}

// integersToBooleans converts 0 and 1.
func integersToBooleans(request) (kernel, error) {
	return toBoolean(func(values arrow.Array) func(at int) (value, ok bool) {
		get, _ := integers(values)
		return func(at int) (value, ok bool) {
			n := get(at)
			return n.small == 1, n.large == nil && (n.small == 0 || n.small == 1)
		}
	}), nil
}

// textsToBooleans converts the words that parseBoolean knows.
func textsToBooleans(request) (kernel, error) {
	return toBoolean(func(values arrow.Array) func(at int) (value, ok bool) {
		get := texts(values)
		return func(at int) (value, ok bool) { return parseBoolean(get(at)) }
	}), nil
}
