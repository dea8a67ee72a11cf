package expr

import (
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

// mirrored are the comparison operators with their sides exchanged.
var mirrored = map[op]op{
	opEqual: opEqual, opNotEqual: opNotEqual, opLess: opGreater, opLessEqual: opGreaterEqual, opGreater: opLess, opGreaterEqual: opLessEqual,
}

func comparisonKernel(n *node) *kernel {
	operator, a, b := n.op, n.args[0], n.args[1]
	if a.typ.kind == kindBool {
		return compareBooleans(operator, n.args)
	}
	if a.isConstant() {
		operator, a, b = mirrored[operator], b, a
	}
	if b.isConstant() && b.value.state == known {
		return compareConstant(operator, a, b)
	}
	return compareVectors(operator, a, b)
}

// compareBooleans takes false as less than true.
func compareBooleans(operator op, operands []*node) *kernel {
	return &kernel{operands: operands, run: func(v []*vector, out *vector) bitset {
		for i := range out.trues {
			a, b := v[0].trues[i], v[1].trues[i]
			switch operator {
			case opEqual:
				out.trues[i] = ^(a ^ b)
			case opNotEqual:
				out.trues[i] = a ^ b
			case opLess:
				out.trues[i] = ^a & b
			case opLessEqual:
				out.trues[i] = ^a | b
			case opGreater:
				out.trues[i] = a &^ b
			default:
				out.trues[i] = a | ^b
			}
		}
		out.trues.cut(out.rows)
		return nil
	}}
}

// compareConstant looks for the values that lie in an interval.
func compareConstant(operator op, x, c *node) *kernel {
	switch {
	case x.typ.kind == kindText || x.typ.kind == kindBytes:
		return compareText(operator, x, c.value.s)
	case x.typ.wide():
		return nil
	case x.typ.kind == kindDouble:
		d := doublesOf(operator, c.value, c.typ)
		return inInterval(x, d.empty, d.negated, func(v *vector, out bitset) { betweenDoubles(v.doubles, d.lo, d.hi, out) })
	}
	counts := intervalOf(operator, x.typ, c.value, c.typ)
	switch x.typ.kind {
	case kindUint:
		counts = counts.within(leastUint, greatestUint)
		if counts.empty {
			break
		}
		lo, hi := counts.lo.Uint64(), counts.hi.Uint64()
		return inInterval(x, false, counts.negated, func(v *vector, out bitset) { betweenUints(v.uints, lo, hi, out) })
	case kindDecimal:
		counts = counts.within(leastDecimal, greatestDecimal)
		if counts.empty {
			break
		}
		lo, hi := narrow(counts.lo), narrow(counts.hi)
		return inInterval(x, false, counts.negated, func(v *vector, out bitset) { betweenDecimals(v.decimals, lo, hi, out) })
	default:
		counts = counts.within(leastInt, greatestInt)
		if counts.empty {
			break
		}
		lo, hi := counts.lo.Int64(), counts.hi.Int64()
		return inInterval(x, false, counts.negated, func(v *vector, out bitset) {
			if v.narrow != nil {
				betweenNarrow(v.narrow, lo, hi, out)
			} else {
				betweenInts(v.ints, lo, hi, out)
			}
		})
	}
	return inInterval(x, true, counts.negated, nil)
}

func inInterval(x *node, empty, negated bool, between func(v *vector, out bitset)) *kernel {
	return &kernel{operands: []*node{x}, run: func(v []*vector, out *vector) bitset {
		if !empty {
			between(v[0], out.trues)
		}
		if negated {
			out.trues = complement(out.trues, out.rows)
		}
		return nil
	}}
}

// bit is 1 for true, without a branch.
func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// block is the values of one word of bits.
func block[T any](values []T, word int) []T { return values[64*word : min(64*word+64, len(values))] }

// The kernels for constants subtract the lower bound, so that one unsigned comparison
// with the width finds what is on either side of the interval.

func betweenInts(values []int64, lo, hi int64, out bitset) {
	width := uint64(hi) - uint64(lo)
	for w := range out {
		var word uint64
		for i, x := range block(values, w) {
			word |= bit(uint64(x)-uint64(lo) <= width) << (i & 63)
		}
		out[w] = word
	}
}

func betweenNarrow(values []int32, lo, hi int64, out bitset) {
	width := uint64(hi) - uint64(lo)
	for w := range out {
		var word uint64
		for i, x := range block(values, w) {
			word |= bit(uint64(x)-uint64(lo) <= width) << (i & 63)
		}
		out[w] = word
	}
}

func betweenUints(values []uint64, lo, hi uint64, out bitset) {
	for w := range out {
		var word uint64
		for i, x := range block(values, w) {
			word |= bit(x-lo <= hi-lo) << (i & 63)
		}
		out[w] = word
	}
}

func betweenDoubles(values []float64, lo, hi float64, out bitset) {
	for w := range out {
		var word uint64
		for i, x := range block(values, w) {
			word |= (bit(x >= lo) & bit(x <= hi)) << (i & 63)
		}
		out[w] = word
	}
}

func betweenDecimals(values []decimal128.Num, lo, hi decimal128.Num, out bitset) {
	width := hi.Sub(lo)
	for w := range out {
		var word uint64
		for i, x := range block(values, w) {
			low, borrow := bits.Sub64(x.LowBits(), lo.LowBits(), 0)
			high, _ := bits.Sub64(uint64(x.HighBits()), uint64(lo.HighBits()), borrow)
			_, borrow = bits.Sub64(width.LowBits(), low, 0)
			_, borrow = bits.Sub64(uint64(width.HighBits()), high, borrow)
			word |= (1 - borrow) << (i & 63)
		}
		out[w] = word
	}
}
