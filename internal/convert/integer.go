package convert

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/decimal256"
)

// integer is a whole number of any size. Nearly all fit into small, which is quick; one that
// does not is in large.
type integer struct {
	small int64
	large *big.Int // nil if the number is small
}

// integerOf is the cheapest form of a number that nobody else changes.
func integerOf(n *big.Int) integer {
	if n.IsInt64() {
		return integer{small: n.Int64()}
	}
	return integer{large: n}
}

func (n integer) big() *big.Int {
	if n.large != nil {
		return n.large
	}
	return big.NewInt(n.small)
}

func (n integer) isZero() bool { return n.large == nil && n.small == 0 }

func (n integer) equal(other integer) bool {
	if n.large == nil && other.large == nil {
		return n.small == other.small
	}
	return n.big().Cmp(other.big()) == 0
}

const (
	maxDigits   = 38 // that hyperd stores
	maxShift    = 76 // digits of the widest decimal there is
	smallDigits = 18 // that always fit into 64 bits
)

var smallPowers = func() (powers [smallDigits + 1]int64) {
	powers[0] = 1
	for i := range smallDigits {
		powers[i+1] = powers[i] * 10
	}
	return powers
}()

// shift multiplies by ten to the power of digits. It is false if a digit would be lost, or
// if the result is longer than any decimal.
func (n integer) shift(digits int) (integer, bool) {
	switch {
	case digits == 0 || n.isZero():
		return n, true
	case digits > maxShift || digits < -maxShift:
		return integer{}, false
	case n.large == nil && digits > 0 && digits <= smallDigits:
		high, low := bits.Mul64(magnitude(n.small), uint64(smallPowers[digits]))
		if high == 0 && low <= math.MaxInt64 {
			return integer{small: n.small * smallPowers[digits]}, true
		}
	case n.large == nil && digits < 0 && digits >= -smallDigits:
		power := smallPowers[-digits]
		return integer{small: n.small / power}, n.small%power == 0
	}
	return n.shiftLarge(digits)
}

func (n integer) shiftLarge(digits int) (integer, bool) {
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(digits, -digits))), nil)
	if digits > 0 {
		return integerOf(power.Mul(power, n.big())), true
	}
	quotient, rest := power.QuoRem(n.big(), power, new(big.Int))
	return integerOf(quotient), rest.Sign() == 0
}

// magnitude is the absolute value.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// decimal is the number as hyperd stores it, if it has no more digits.
func (n integer) decimal(digits int) (decimal128.Num, bool) {
	if n.large == nil {
		fits := digits > smallDigits || magnitude(n.small) < uint64(smallPowers[digits])
		return decimal128.FromI64(n.small), fits
	}
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	if n.large.CmpAbs(limit) >= 0 {
		return decimal128.Num{}, false
	}
	return decimal128.FromBigInt(n.large), true
}

// appendDecimal appends n / 10^scale with all digits of the scale; a negative one is
// written out.
func (n integer) appendDecimal(dst []byte, scale int) []byte {
	var room [48]byte
	digits := room[:0]
	if n.large == nil {
		digits = strconv.AppendInt(digits, n.small, 10)
	} else {
		digits = n.large.Append(digits, 10)
	}
	if digits[0] == '-' {
		dst, digits = append(dst, '-'), digits[1:]
	}
	if whole := len(digits) - scale; scale > 0 {
		if whole <= 0 {
			dst = append(dst, '0')
		} else {
			dst, digits = append(dst, digits[:whole]...), digits[whole:]
		}
		dst = append(dst, '.')
		for ; whole < 0; whole++ {
			dst = append(dst, '0')
		}
	}
	dst = append(dst, digits...)
	for ; scale < 0 && !n.isZero(); scale++ {
		dst = append(dst, '0')
	}
	return dst
}

// integers reads the values of an integer or decimal array, in units of 10^-scale.
func integers(values arrow.Array) (get func(at int) integer, scale int) {
	data := values.Data()
	switch t := values.DataType().(type) {
	case *arrow.Int8Type:
		return smallIntegers[int8](data), 0
	case *arrow.Int16Type:
		return smallIntegers[int16](data), 0
	case *arrow.Int32Type:
		return smallIntegers[int32](data), 0
	case *arrow.Uint8Type:
		return smallIntegers[uint8](data), 0
	case *arrow.Uint16Type:
		return smallIntegers[uint16](data), 0
	case *arrow.Uint32Type:
		return smallIntegers[uint32](data), 0
	case *arrow.Uint64Type:
		v := arrow.GetValues[uint64](data, 1)
		return func(at int) integer {
			if v[at] > math.MaxInt64 {
				return integer{large: new(big.Int).SetUint64(v[at])}
			}
			return integer{small: int64(v[at])}
		}, 0
	case *arrow.Decimal128Type:
		v := arrow.GetValues[decimal128.Num](data, 1)
		return func(at int) integer {
			if low := int64(v[at].LowBits()); v[at].HighBits() == low>>63 {
				return integer{small: low}
			}
			return integer{large: v[at].BigInt()}
		}, int(t.Scale)
	case *arrow.Decimal256Type:
		v := arrow.GetValues[decimal256.Num](data, 1)
		return func(at int) integer { return integerOf(v[at].BigInt()) }, int(t.Scale)
	case *arrow.BooleanType:
		v := values.(*array.Boolean)
		return func(at int) integer {
			if v.Value(at) {
				return integer{small: 1}
			}
			return integer{}
		}, 0
	default:
		return smallIntegers[int64](data), 0
	}
}

func smallIntegers[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32](data arrow.ArrayData) func(at int) integer {
	v := arrow.GetValues[T](data, 1)
	return func(at int) integer { return integer{small: int64(v[at])} }
}
