package expr

import (
	"cmp"
	"math"
	"math/big"
	"strings"
)

// state says whether a value is there.
type state uint8

const (
	known state = iota
	null
	failed // its evaluation failed
)

// value is one value of a type that is known from elsewhere.
type value struct {
	state state
	i     int64    // integers (the bits of unsigned ones), booleans as 0 and 1, steps of a unit
	f     float64  // doubles
	s     string   // text and bytes
	d     *big.Int // decimals, without their scale
}

var (
	nullValue   = value{state: null}
	failedValue = value{state: failed}
)

func boolValue(b bool) value {
	if b {
		return value{i: 1}
	}
	return value{}
}

func (v value) isTrue() bool { return v.state == known && v.i == 1 }

// exact is the number that a value of type t stands for; dates and times in nanoseconds.
// It is false for NaN and infinities, which are no numbers.
func (v value) exact(t valueType) (*big.Rat, bool) {
	switch t.kind {
	case kindUint:
		return new(big.Rat).SetInt(new(big.Int).SetUint64(uint64(v.i))), true
	case kindDouble:
		r := new(big.Rat).SetFloat64(v.f)
		return r, r != nil
	case kindDecimal:
		return new(big.Rat).Mul(new(big.Rat).SetInt(v.d), tenTo(-t.scale)), true
	}
	r := new(big.Rat).SetInt64(v.i)
	if t.temporal() {
		r.Mul(r, new(big.Rat).SetInt64(t.unit))
	}
	return r, true
}

// tenTo is ten to the power of n.
func tenTo(n int32) *big.Rat {
	p := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n, -n))), nil)
	if n < 0 {
		return new(big.Rat).SetFrac(big.NewInt(1), p)
	}
	return new(big.Rat).SetInt(p)
}

// compare orders two values that are known, of comparable types. ordered is false if
// one is NaN.
func compare(a value, at valueType, b value, bt valueType) (order int, ordered bool) {
	switch {
	case at.kind == kindText || at.kind == kindBytes:
		return strings.Compare(a.s, b.s), true
	case at.kind == kindDouble && math.IsNaN(a.f), bt.kind == kindDouble && math.IsNaN(b.f):
		return 0, false
	case at.kind == kindDouble && bt.kind == kindDouble:
		return cmp.Compare(a.f, b.f), true
	case at.kind == kindDecimal && bt.kind == kindDecimal && at.scale == bt.scale:
		return a.d.Cmp(b.d), true
	case at == bt && at.kind != kindUint && at.kind != kindDecimal:
		return cmp.Compare(a.i, b.i), true
	}
	x, finite := a.exact(at)
	if !finite {
		return int(math.Copysign(1, a.f)), true
	}
	y, finite := b.exact(bt)
	if !finite {
		return -int(math.Copysign(1, b.f)), true
	}
	return x.Cmp(y), true
}

// holds tells whether a comparison operator is true of two values that are known.
func holds(operator op, a value, at valueType, b value, bt valueType) bool {
	order, ordered := compare(a, at, b, bt)
	if !ordered {
		return operator == opNotEqual
	}
	return inOrder(operator, order)
}
