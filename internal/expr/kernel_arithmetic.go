package expr

import (
	"math/big"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

func arithmeticKernel(n *node) *kernel {
	switch n.args[0].typ.kind {
	case kindText, kindBytes:
		return nil
	case kindDouble:
		return eachPair(n, func(v *vector) []float64 { return v.doubles }, func(a, b float64) (float64, bool) {
			return onDoubles(n.op, a, b), true
		})
	case kindUint:
		return eachPair(n, func(v *vector) []uint64 { return v.uints }, onUints[n.op])
	case kindDecimal:
		return decimalKernel(n)
	}
	return eachPair(n, (*vector).wide, onInts[n.op])
}

// eachPair computes with the values of every row; rows for which there is no result fail.
func eachPair[T any](n *node, of func(*vector) []T, compute func(a, b T) (T, bool)) *kernel {
	return &kernel{operands: n.args, run: func(v []*vector, out *vector) bitset {
		a, b, results := of(v[0]), of(v[1]), of(out)
		var fails bitset
		for i := range results {
			result, ok := compute(a[i], b[i])
			if !ok {
				if fails == nil {
					fails = newBitset(out.rows)
				}
				fails.set(i)
			}
			results[i] = result
		}
		return fails
	}}
}

// onInts are the operators on 64-bit integers, false where the result is out of range.
var onInts = map[op]func(a, b int64) (int64, bool){
	opAdd: func(a, b int64) (int64, bool) {
		sum := a + b
		return sum, (a^sum)&(b^sum) >= 0
	},
	opSubtract: func(a, b int64) (int64, bool) {
		difference := a - b
		return difference, (a^b)&(a^difference) >= 0
	},
	opMultiply: func(a, b int64) (int64, bool) {
		high, low := bits.Mul64(uint64(a), uint64(b))
		high -= uint64(a>>63)&uint64(b) + uint64(b>>63)&uint64(a)
		return int64(low), int64(high) == int64(low)>>63
	},
	opDivide: func(a, b int64) (int64, bool) {
		if b == 0 || b == -1 && a == -a && a != 0 { // the least integer has no negative
			return 0, false
		}
		return a / b, true
	},
	opModulo: func(a, b int64) (int64, bool) {
		if b == 0 {
			return 0, false
		}
		return a % b, true
	},
}

// onUints are the operators on unsigned integers.
var onUints = map[op]func(a, b uint64) (uint64, bool){
	opAdd: func(a, b uint64) (uint64, bool) {
		sum, carry := bits.Add64(a, b, 0)
		return sum, carry == 0
	},
	opSubtract: func(a, b uint64) (uint64, bool) {
		difference, borrow := bits.Sub64(a, b, 0)
		return difference, borrow == 0
	},
	opMultiply: func(a, b uint64) (uint64, bool) {
		high, low := bits.Mul64(a, b)
		return low, high == 0
	},
	opDivide: func(a, b uint64) (uint64, bool) {
		if b == 0 {
			return 0, false
		}
		return a / b, true
	},
	opModulo: func(a, b uint64) (uint64, bool) {
		if b == 0 {
			return 0, false
		}
		return a % b, true
	},
}

// decimalKernel is nil where a result may need more than 128 bits.
func decimalKernel(n *node) *kernel {
	if n.typ.wide() || n.args[0].typ.wide() || n.args[1].typ.wide() {
		return nil
	}
	if n.op == opDivide {
		return divideDecimals(n)
	}
	compute := map[op]func(a, b decimal128.Num) decimal128.Num{
		opAdd: decimal128.Num.Add, opSubtract: decimal128.Num.Sub, opMultiply: decimal128.Num.Mul,
	}[n.op]
	return &kernel{operands: n.args, run: func(v []*vector, out *vector) bitset {
		a, b := v[0].decimals, v[1].decimals
		for i := range out.decimals {
			out.decimals[i] = compute(a[i], b[i])
		}
		return nil
	}}
}

// exactDouble is the greatest integer up to which every integer is a double.
const exactDouble = 1 << 53

// small is a decimal without its scale, if that is a double.
func small(d decimal128.Num) (float64, bool) {
	low := int64(d.LowBits())
	return float64(low), d.HighBits() == low>>63 && low <= exactDouble && low >= -exactDouble
}

// divideDecimals gives the nearest double: of two doubles, which the decimals mostly
// are, the quotient is that already.
func divideDecimals(n *node) *kernel {
	return &kernel{operands: n.args, run: func(v []*vector, out *vector) bitset {
		fails := newBitset(out.rows)
		for i := range out.doubles {
			a, b := v[0].decimals[i], v[1].decimals[i]
			x, xSmall := small(a)
			y, ySmall := small(b)
			switch {
			case b == decimal128.Num{}:
				fails.set(i)
			case xSmall && ySmall:
				out.doubles[i] = x / y
			default:
				out.doubles[i] = ratio(a.BigInt(), b.BigInt()).f
			}
		}
		return fails
	}}
}

// negationKernel is -x.
func negationKernel(n *node) *kernel {
	switch {
	case n.typ.wide():
		return nil
	case n.typ.kind == kindDouble:
		return &kernel{operands: n.args, run: func(v []*vector, out *vector) bitset {
			for i, x := range v[0].doubles {
				out.doubles[i] = -x
			}
			return nil
		}}
	case n.typ.kind == kindDecimal:
		return &kernel{operands: n.args, run: func(v []*vector, out *vector) bitset {
			for i, x := range v[0].decimals {
				out.decimals[i] = x.Negate()
			}
			return nil
		}}
	}
	return eachInt(n, func(x int64) (int64, bool) { return -x, x != -x || x == 0 })
}

// eachInt computes with the one operand of a node.
func eachInt(n *node, compute func(int64) (int64, bool)) *kernel {
	pair := func(x, _ int64) (int64, bool) { return compute(x) }
	ints := eachPair(n, (*vector).wide, pair)
	return &kernel{operands: n.args, run: func(v []*vector, out *vector) bitset {
		return ints.run([]*vector{v[0], v[0]}, out)
	}}
}

// castKernel converts to a type that holds more.
func castKernel(n *node) *kernel {
	from := n.args[0].typ
	switch {
	case from.wide() || n.typ.wide():
		return nil
	case n.typ.kind == kindDecimal:
		factor := decimal128.FromBigInt(new(big.Int).Set(tenTo(n.typ.scale - from.scale).Num()))
		return &kernel{operands: n.args, run: func(v []*vector, out *vector) bitset {
			for i, count := range v[0].counts() {
				out.decimals[i] = count.Mul(factor)
			}
			return nil
		}}
	case n.typ.kind == kindDouble:
		return castDouble(n, from)
	}
	ratio := from.unit / n.typ.unit
	return eachInt(n, func(x int64) (int64, bool) { return onInts[opMultiply](x, ratio) })
}

func castDouble(n *node, from valueType) *kernel {
	return &kernel{operands: n.args, run: func(v []*vector, out *vector) bitset {
		switch from.kind {
		case kindInt:
			for i, x := range v[0].wide() {
				out.doubles[i] = float64(x)
			}
		case kindUint:
			for i, x := range v[0].uints {
				out.doubles[i] = float64(x)
			}
		default:
			for i, x := range v[0].decimals {
				out.doubles[i] = decimalDouble(x, from)
			}
		}
		return nil
	}}
}

// decimalDouble is the double nearest to a decimal. Powers of ten up to 22 are doubles,
// so that one division rounds once.
func decimalDouble(d decimal128.Num, t valueType) float64 {
	if x, ok := small(d); ok && t.scale >= 0 && t.scale <= 22 {
		return x / powersOfTen[t.scale]
	}
	return toDouble(t, value{d: d.BigInt()}).f
}

var powersOfTen = [...]float64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// dateKernel is date(timestamp).
func dateKernel(n *node) *kernel {
	perDay := day / n.args[0].typ.unit
	return eachInt(n, func(i int64) (int64, bool) { return floorDivide(i, perDay), true })
}
