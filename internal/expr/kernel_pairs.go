package expr

import (
	"cmp"
	"math"
	"math/big"

	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

// compareVectors compares the values of each row with each other.
func compareVectors(operator op, a, b *node) *kernel {
	operands := []*node{a, b}
	switch k := a.typ.kind; {
	case k == kindText || k == kindBytes:
		return comparePairs(operator, operands)
	case k == kindDouble && b.typ.kind == kindDouble:
		return sliced(operator, operands, func(v *vector) []float64 { return v.doubles })
	case k == kindDouble && b.typ.kind == kindInt:
		return compareMixed(mirrored[operator], []*node{b, a})
	case k == kindInt && b.typ.kind == kindDouble:
		return compareMixed(operator, operands)
	case k == kindDouble || b.typ.kind == kindDouble:
		return nil
	case k == kindUint && b.typ.kind == kindUint:
		return sliced(operator, operands, func(v *vector) []uint64 { return v.uints })
	case k != kindDecimal && a.typ == b.typ:
		return compareInts(operator, operands)
	}
	return compareScaled(operator, operands)
}

// sliced compares what Go can compare.
func sliced[T cmp.Ordered](operator op, operands []*node, of func(*vector) []T) *kernel {
	return &kernel{operands: operands, run: func(v []*vector, out *vector) bitset {
		orderEach(operator, of(v[0]), of(v[1]), out)
		return nil
	}}
}

// compareInts compares short integers without making them long, where both are short.
func compareInts(operator op, operands []*node) *kernel {
	return &kernel{operands: operands, run: func(v []*vector, out *vector) bitset {
		if v[0].narrow != nil && v[1].narrow != nil {
			orderEach(operator, v[0].narrow, v[1].narrow, out)
		} else {
			orderEach(operator, v[0].wide(), v[1].wide(), out)
		}
		return nil
	}}
}

func orderEach[T cmp.Ordered](operator op, a, b []T, out *vector) {
	switch operator {
	case opEqual, opNotEqual:
		equalEach(a, b, out.trues)
	case opLess:
		lessEach(a, b, out.trues)
	case opGreater:
		lessEach(b, a, out.trues)
	case opLessEqual:
		lessEqualEach(a, b, out.trues)
	default:
		lessEqualEach(b, a, out.trues)
	}
	if operator == opNotEqual {
		out.trues = complement(out.trues, out.rows)
	}
}

func equalEach[T cmp.Ordered](a, b []T, out bitset) {
	for w := range out {
		var word uint64
		others := block(b, w)
		for i, x := range block(a, w) {
			word |= bit(x == others[i]) << (i & 63)
		}
		out[w] = word
	}
}

func lessEach[T cmp.Ordered](a, b []T, out bitset) {
	for w := range out {
		var word uint64
		others := block(b, w)
		for i, x := range block(a, w) {
			word |= bit(x < others[i]) << (i & 63)
		}
		out[w] = word
	}
}

func lessEqualEach[T cmp.Ordered](a, b []T, out bitset) {
	for w := range out {
		var word uint64
		others := block(b, w)
		for i, x := range block(a, w) {
			word |= bit(x <= others[i]) << (i & 63)
		}
		out[w] = word
	}
}

// compareMixed compares integers with doubles, exactly.
func compareMixed(operator op, operands []*node) *kernel {
	return &kernel{operands: operands, run: func(v []*vector, out *vector) bitset {
		doubles := v[1].doubles
		for i, x := range v[0].wide() {
			if f := doubles[i]; f != f && operator == opNotEqual || f == f && inOrder(operator, compareMixedPair(x, f)) {
				out.trues.set(i)
			}
		}
		return nil
	}}
}

// compareMixedPair orders an integer and a double that is not NaN: by the whole part of
// the double, which is exact, and then by what is behind its point.
func compareMixedPair(i int64, f float64) int {
	switch whole := math.Trunc(f); {
	case whole >= 1<<63:
		return -1
	case whole < -1<<63:
		return 1
	case i != int64(whole):
		return cmp.Compare(i, int64(whole))
	default:
		return cmp.Compare(whole, f)
	}
}

// comparePairs compares the text of each row with another.
func comparePairs(operator op, operands []*node) *kernel {
	return &kernel{operands: operands, run: func(v []*vector, out *vector) bitset {
		a, b := v[0].text, v[1].text
		for i := range out.rows {
			if !out.null.get(i) && !out.failed.get(i) && inOrder(operator, cmp.Compare(a.row(i), b.row(i))) {
				out.trues.set(i)
			}
		}
		return nil
	}}
}

// compareScaled compares integers, decimals and times of different scales or units as
// counts of a step that both share.
func compareScaled(operator op, operands []*node) *kernel {
	var factors [2]decimal128.Num
	for i, t := range []valueType{operands[0].typ, operands[1].typ} {
		factor, ok := scaleFactor(t, step(operands[1-i].typ))
		if !ok {
			return nil
		}
		factors[i] = factor
	}
	return &kernel{operands: operands, run: func(v []*vector, out *vector) bitset {
		a, b := v[0].counts(), v[1].counts()
		for w := range out.trues {
			var word uint64
			others := block(b, w)
			for i, x := range block(a, w) {
				order := x.Mul(factors[0]).Cmp(others[i].Mul(factors[1]))
				word |= bit(inOrder(operator, order)) << (i & 63)
			}
			out.trues[w] = word
		}
		return nil
	}}
}

// scaleFactor turns counts of t into counts of a step that t shares with another; false
// if these could be too many digits.
func scaleFactor(t valueType, other *big.Rat) (decimal128.Num, bool) {
	factor := new(big.Rat).Quo(step(t), other)
	if !factor.IsInt() {
		factor.SetInt64(1) // t has the smaller step of the two
	}
	digits := int32(len(factor.Num().String())) + 19
	if t.kind == kindDecimal || t.kind == kindUint {
		digits += t.asDecimal().precision - 19
	}
	if digits > narrowDigits {
		return decimal128.Num{}, false
	}
	return decimal128.FromBigInt(factor.Num()), true
}

// counts are the values of integers, decimals and times without their scale or unit.
func (v *vector) counts() []decimal128.Num {
	switch v.typ.kind {
	case kindDecimal:
		return v.decimals
	case kindUint:
		return convertEach(v.uints, decimal128.FromU64)
	}
	return convertEach(v.wide(), decimal128.FromI64)
}

// inOrder tells whether a comparison is true of what compares as order says.
func inOrder(operator op, order int) bool {
	switch operator {
	case opEqual:
		return order == 0
	case opNotEqual:
		return order != 0
	case opLess:
		return order < 0
	case opLessEqual:
		return order <= 0
	case opGreater:
		return order > 0
	default:
		return order >= 0
	}
}
