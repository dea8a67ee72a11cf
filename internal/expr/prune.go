package expr

import (
	"math"
	"math/big"

	"github.com/apache/arrow/go/v17/arrow"
)

// Nulls says how many values of a column are NULL.
type Nulls uint8

// How many values of a column are NULL.
const (
	NullsUnknown Nulls = iota
	NoNulls
	SomeNulls
	AllNulls
)

// Range is what is known about the values of a column in some rows. Its zero value is
// for columns of which nothing is known.
type Range struct {
	// Bounds holds two values, between which lie all that are neither NULL nor NaN; they
	// need not be values of the column. One that is NULL is no bound; nil is none at all.
	Bounds arrow.Array
	Nulls  Nulls
}

// MayBeTrue is false only if the condition is true for no row, and fails for none, of
// which ranges tell what is known about its columns.
func (p *Program) MayBeTrue(ranges func(column string) Range) bool {
	e := extents(ranges).of(p.root)
	return e.mayBe(true) || e.fail
}

// extent is what an expression can be in some rows.
type extent struct {
	typ        valueType
	lo, hi     *value // bounds of values other than NaN, or nil; booleans are 0 and 1
	none       bool   // no row has a value
	nan        bool   // a row may be NaN
	null, fail bool   // a row may be NULL, or failed
}

// MayBeNull is false only if the condition is NULL for no row.
func (p *Program) MayBeNull(ranges func(column string) Range) bool {
	return extents(ranges).of(p.root).null
}

// mayBe tells whether a boolean may have a value in some row.
func (e extent) mayBe(b bool) bool {
	if b {
		return !e.none && (e.hi == nil || e.hi.i == 1)
	}
	return !e.none && (e.lo == nil || e.lo.i == 0)
}

// truth is the extent of a boolean that may be true, false, NULL or failed.
func truth(yes, no, null, fail bool) extent {
	lo, hi := boolValue(!no), boolValue(yes)
	return extent{typ: boolType, lo: &lo, hi: &hi, none: !yes && !no, null: null, fail: fail}
}

// point is the one value that an expression has wherever it has any.
func (e extent) point() (value, bool) {
	if e.none || e.nan || e.lo == nil || e.hi == nil {
		return value{}, false
	}
	if order, ordered := compare(*e.lo, e.typ, *e.hi, e.typ); !ordered || order != 0 {
		return value{}, false
	}
	return *e.lo, e.typ.kind != kindDouble || e.lo.f != 0 // 0 and -0 are equal, but not the same
}

// extents are those of the columns.
type extents func(column string) Range

// of finds what a node can be. Every answer may be wider than the truth, never narrower.
func (x extents) of(n *node) extent {
	switch n.op {
	case opConstant:
		return constantExtent(n)
	case opColumn:
		return columnExtent(n.typ, x(n.column))
	}
	args := make([]extent, len(n.args))
	for i, arg := range n.args {
		args[i] = x.of(arg)
	}
	switch n.op {
	case opNot:
		a := args[0]
		return truth(a.mayBe(false), a.mayBe(true), a.null, a.fail)
	case opIsNull:
		return truth(args[0].null, !args[0].none, false, args[0].fail)
	case opAnd:
		return bothExtent(args[0], args[1])
	case opOr:
		return eitherExtent(args[0], args[1])
	case opIf:
		return branchExtent(args[0], args[1], args[2])
	}
	out := n.strictExtent(args)
	for _, arg := range args {
		out.null, out.fail, out.none = out.null || arg.null, out.fail || arg.fail, out.none || arg.none
	}
	return out
}

func constantExtent(n *node) extent {
	v := n.value
	if v.state != known {
		return extent{typ: n.typ, none: true, null: v.state == null, fail: v.state == failed}
	}
	if n.typ.kind == kindDouble && math.IsNaN(v.f) {
		return extent{typ: n.typ, nan: true}
	}
	return extent{typ: n.typ, lo: &v, hi: &v}
}

func columnExtent(t valueType, r Range) extent {
	e := extent{typ: t, null: r.Nulls != NoNulls, none: r.Nulls == AllNulls || t.kind == kindNull, nan: t.kind == kindDouble}
	if r.Bounds == nil || r.Bounds.Len() != 2 {
		return e
	}
	bounds, err := load(r.Bounds)
	if err != nil {
		return e
	}
	e.lo, e.hi = bound(bounds.at(0), bounds.typ, t, false), bound(bounds.at(1), bounds.typ, t, true)
	return e
}

// bound gives a bound the type of the column, rounded outwards, or nil.
func bound(v value, from, to valueType, upper bool) *value {
	if v.state != known || !from.comparable(to) || from.kind == kindDouble && math.IsNaN(v.f) {
		return nil
	}
	if from == to || from.kind == kindText || from.kind == kindBytes {
		return &v
	}
	exact, ok := v.exact(from)
	if !ok || to.kind == kindDouble || to.kind == kindUint {
		return nil
	}
	counts := exact.Quo(exact, step(to))
	count := new(big.Int).Div(counts.Num(), counts.Denom())
	if upper && !counts.IsInt() {
		count.Add(count, big.NewInt(1))
	}
	if to.kind == kindDecimal {
		return &value{d: count}
	}
	if v = inInt64(count); v.state == failed {
		return nil
	}
	return &v
}

func bothExtent(a, b extent) extent {
	yes := a.mayBe(true) && b.mayBe(true)
	no := a.mayBe(false) || b.mayBe(false)
	return truth(yes, no, undecided(a.null, b, true) || undecided(b.null, a, true), undecided(a.fail, b, true) || undecided(b.fail, a, true))
}

func eitherExtent(a, b extent) extent {
	yes := a.mayBe(true) || b.mayBe(true)
	no := a.mayBe(false) && b.mayBe(false)
	return truth(yes, no,
		undecided(a.null, b, false) || undecided(b.null, a, false),
		undecided(a.fail, b, false) || undecided(b.fail, a, false))
}

// undecided tells whether what one side may be can get past the other side.
func undecided(may bool, other extent, neutral bool) bool {
	return may && (other.mayBe(neutral) || other.null || other.fail)
}

func branchExtent(condition, a, b extent) extent {
	out := extent{typ: a.typ, null: condition.null, fail: condition.fail, none: true}
	for _, way := range []struct {
		taken bool
		extent
	}{{condition.mayBe(true), a}, {condition.mayBe(false), b}} {
		if way.taken {
			out = out.or(way.extent)
		}
	}
	return out
}

// or is what an expression can be that is one of two.
func (e extent) or(o extent) extent {
	out := extent{typ: e.typ, none: e.none && o.none, nan: e.nan || o.nan, null: e.null || o.null, fail: e.fail || o.fail}
	switch {
	case e.none:
		out.lo, out.hi = o.lo, o.hi
	case o.none:
		out.lo, out.hi = e.lo, e.hi
	default:
		out.lo, out.hi = outer(e.typ, e.lo, o.lo, -1), outer(e.typ, e.hi, o.hi, 1)
	}
	return out
}

// outer is the lesser (side -1) or the greater (side 1) of two bounds.
func outer(t valueType, a, b *value, side int) *value {
	if a == nil || b == nil {
		return nil
	}
	if order, _ := compare(*a, t, *b, t); order == side {
		return a
	}
	return b
}
