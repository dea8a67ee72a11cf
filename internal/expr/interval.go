package expr

import (
	"math"
	"math/big"

	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

// interval is the set of counts that a comparison with a constant is true for: the
// counts lo … hi, with no bound where there is nil, or, negated, all others.
type interval struct {
	lo, hi  *big.Int
	empty   bool
	negated bool
}

// step is the number that one count of a type stands for; times in nanoseconds.
func step(t valueType) *big.Rat {
	switch {
	case t.kind == kindDecimal:
		return tenTo(-t.scale)
	case t.temporal():
		return new(big.Rat).SetInt64(t.unit)
	}
	return new(big.Rat).SetInt64(1)
}

// intervalOf says which counts of type t compare with a constant. A constant that lies
// between two counts is none of them, so that no value is ever rounded.
func intervalOf(operator op, t valueType, c value, ct valueType) interval {
	exact, finite := c.exact(ct)
	if !finite {
		return intervalBeyond(operator, c.f)
	}
	counts := exact.Quo(exact, step(t))
	floor := new(big.Int).Div(counts.Num(), counts.Denom()) // Euclidean, the denominator is positive
	ceiling := new(big.Int).Set(floor)
	if !counts.IsInt() {
		ceiling.Add(ceiling, big.NewInt(1))
	}
	switch operator {
	case opEqual, opNotEqual:
		return interval{lo: floor, hi: floor, empty: !counts.IsInt(), negated: operator == opNotEqual}
	case opLess:
		return interval{hi: ceiling.Sub(ceiling, big.NewInt(1))}
	case opLessEqual:
		return interval{hi: floor}
	case opGreater:
		return interval{lo: floor.Add(floor, big.NewInt(1))}
	default:
		return interval{lo: ceiling}
	}
}

// intervalBeyond is that of NaN and the infinities.
func intervalBeyond(operator op, f float64) interval {
	below := operator == opLess || operator == opLessEqual
	above := operator == opGreater || operator == opGreaterEqual
	all := operator == opNotEqual || math.IsInf(f, 1) && below || math.IsInf(f, -1) && above
	return interval{empty: true, negated: all}
}

// within cuts an interval down to the counts that a type can have.
func (v interval) within(least, greatest *big.Int) interval {
	if v.empty {
		return v
	}
	if v.lo == nil || v.lo.Cmp(least) < 0 {
		v.lo = least
	}
	if v.hi == nil || v.hi.Cmp(greatest) > 0 {
		v.hi = greatest
	}
	v.empty = v.lo.Cmp(v.hi) > 0
	return v
}

var (
	leastInt, greatestInt         = big.NewInt(math.MinInt64), big.NewInt(math.MaxInt64)
	leastUint, greatestUint       = new(big.Int), new(big.Int).SetUint64(math.MaxUint64)
	leastDecimal, greatestDecimal = decimal128.New(math.MinInt64, 0).BigInt(), decimal128.New(math.MaxInt64, math.MaxUint64).BigInt()
)

// doubles is an interval of doubles.
type doubles struct {
	lo, hi  float64
	empty   bool
	negated bool
}

// doublesOf says which doubles compare with a constant.
func doublesOf(operator op, c value, ct valueType) doubles {
	nearest := toDouble(ct, c).f
	if math.IsNaN(nearest) {
		return doubles{empty: true, negated: operator == opNotEqual}
	}
	side := 0 // of the constant, seen from the nearest double
	if ct.kind != kindDouble {
		side, _ = compare(c, ct, value{f: nearest}, doubleType)
	}
	all := doubles{lo: math.Inf(-1), hi: math.Inf(1)}
	switch operator {
	case opEqual, opNotEqual:
		return doubles{lo: nearest, hi: nearest, empty: side != 0, negated: operator == opNotEqual}
	case opLess, opLessEqual:
		all.hi = nearest
		if side < 0 || side == 0 && operator == opLess {
			all.hi = math.Nextafter(nearest, math.Inf(-1))
			all.empty = math.IsInf(nearest, -1)
		}
	default:
		all.lo = nearest
		if side > 0 || side == 0 && operator == opGreater {
			all.lo = math.Nextafter(nearest, math.Inf(1))
			all.empty = math.IsInf(nearest, 1)
		}
	}
	return all
}

// narrow is a number that lies between leastDecimal and greatestDecimal in 128 bits.
func narrow(d *big.Int) decimal128.Num {
	if d.Cmp(leastDecimal) == 0 { // decimal128 does not take it
		return decimal128.New(math.MinInt64, 0)
	}
	return decimal128.FromBigInt(d)
}
