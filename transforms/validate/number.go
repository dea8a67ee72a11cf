package validate

import (
	"math"
	"math/big"
	"regexp"
	"sort"
	"strings"
)

var (
	decimalPattern  = regexp.MustCompile(`^[+-]?(?:(?:0|[1-9][0-9_]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?$`)
	radixPattern    = regexp.MustCompile(`^[+-]?0(?:x[0-9a-fA-F_]+|o[0-7_]+|b[01_]+)$`)
	infinityPattern = regexp.MustCompile(`^([+-]?)\.(?:inf|Inf|INF)$`)
)

// parseNumber reads a decimal number, or an integer with the prefix 0x, 0o or 0b, exactly.
// Exponents have at most four digits, so that no literal takes all memory. Leading zeros
// are refused: 010 is ten to some readers of YAML and eight to others.
func parseNumber(text string) (*big.Rat, bool) {
	digits := strings.ReplaceAll(text, "_", "")
	if radixPattern.MatchString(text) {
		n, ok := new(big.Int).SetString(digits, 0)
		if !ok {
			return nil, false
		}
		return new(big.Rat).SetInt(n), true
	}
	if !decimalPattern.MatchString(text) {
		return nil, false
	}
	return new(big.Rat).SetString(digits)
}

// parseInfinity gives the sign of an infinity in YAML's spelling.
func parseInfinity(text string) (sign int, ok bool) {
	found := infinityPattern.FindStringSubmatch(text)
	if found == nil {
		return 0, false
	}
	if found[1] == "-" {
		return -1, true
	}
	return 1, true
}

// ceil is the least integer that is not below r, floor the greatest that is not above it.
func ceil(r *big.Rat) *big.Int {
	n := floor(r)
	if !r.IsInt() {
		n.Add(n, big.NewInt(1))
	}
	return n
}

func floor(r *big.Rat) *big.Int {
	return new(big.Int).Div(r.Num(), r.Denom()) // Euclidean; Denom is positive
}

// round64 and round32 are the nearest float to r, ties to even, or an infinity.
func round64(r *big.Rat) float64 {
	f, _ := r.Float64()
	return f
}

func round32(r *big.Rat) float32 {
	f, _ := r.Float32()
	return f
}

const (
	halfInfinity = 0x7c00 // the bits of +Inf in half precision; all lesser bits are finite
	halfMax      = 65504
)

// round16 is the nearest float16 to r, ties to even, or an infinity.
func round16(r *big.Rat) float32 {
	magnitude := new(big.Rat).Abs(r)
	value := func(bits int) *big.Rat {
		if bits == halfInfinity { // what the next half would be if there were one
			return big.NewRat(1<<16, 1)
		}
		return new(big.Rat).SetFloat64(float64(halfToFloat(uint16(bits))))
	}
	bits := sort.Search(halfInfinity, func(bits int) bool { return value(bits).Cmp(magnitude) >= 0 })
	if bits > 0 {
		middle := new(big.Rat).Add(value(bits-1), value(bits))
		side := magnitude.Cmp(middle.Quo(middle, big.NewRat(2, 1)))
		if side < 0 || side == 0 && bits%2 == 1 {
			bits--
		}
	}
	if r.Sign() < 0 {
		bits |= 1 << 15
	}
	return halfToFloat(uint16(bits))
}

// halfToFloat widens a float16, exactly. (float16.Num.Float32 is wrong for subnormals.)
func halfToFloat(bits uint16) float32 {
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	magnitude := math.Ldexp(1024+fraction, exponent-25)
	switch {
	case exponent == 0:
		magnitude = math.Ldexp(fraction, -24)
	case exponent == 0x1f && fraction == 0:
		magnitude = math.Inf(1)
	case exponent == 0x1f:
		magnitude = math.NaN()
	}
	if bits>>15 == 1 {
		magnitude = -magnitude
	}
	return float32(magnitude)
}
