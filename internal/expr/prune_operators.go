package expr

import (
	"math"
	"strings"
)

// strictExtent is what an operator makes of what its arguments can be. NULL and failure
// of the arguments are added by the caller.
func (n *node) strictExtent(args []extent) extent {
	for _, arg := range args {
		if arg.none {
			return extent{typ: n.typ, none: true}
		}
	}
	switch n.op {
	case opEqual, opNotEqual, opLess, opLessEqual, opGreater, opGreaterEqual:
		return comparisonExtent(n.op, args[0], args[1])
	case opIn:
		return n.membershipExtent(args[0])
	}
	if points, ok := allPoints(args); ok {
		return resultExtent(n.typ, n.apply(points))
	}
	switch n.op {
	case opCast:
		return n.monotone(args[0].lo, args[0].hi, args[0])
	case opNegate:
		return n.monotone(args[0].hi, args[0].lo, args[0])
	case opAdd, opSubtract, opMultiply:
		return n.corners(args[0], args[1])
	case opCall:
		return n.callExtent(args)
	}
	return n.anything()
}

// anything is an extent without bounds.
func (n *node) anything() extent {
	total := n.op == opCall && n.function.total
	return extent{typ: n.typ, nan: n.typ.kind == kindDouble, fail: !total}
}

func resultExtent(t valueType, v value) extent {
	return constantExtent(constant(t, v))
}

func allPoints(args []extent) ([]value, bool) {
	points := make([]value, len(args))
	for i, arg := range args {
		v, ok := arg.point()
		if !ok {
			return nil, false
		}
		points[i] = v
	}
	return points, true
}

func comparisonExtent(operator op, a, b extent) extent {
	possible := func(order int) bool {
		switch order {
		case -1:
			return before(a.lo, a.typ, b.hi, b.typ, false)
		case 1:
			return before(b.lo, b.typ, a.hi, a.typ, false)
		}
		return before(a.lo, a.typ, b.hi, b.typ, true) && before(b.lo, b.typ, a.hi, a.typ, true)
	}
	nan := a.nan || b.nan
	yes, no := nan && operator == opNotEqual, nan && operator != opNotEqual
	for order := -1; order <= 1; order++ {
		if possible(order) {
			yes, no = yes || inOrder(operator, order), no || !inOrder(operator, order)
		}
	}
	return truth(yes, no, false, false)
}

// before tells whether a value from a lower bound on can be less than one up to an
// upper bound, or equal to it.
func before(lo *value, lt valueType, hi *value, ht valueType, orEqual bool) bool {
	if lo == nil || hi == nil {
		return true
	}
	order, _ := compare(*lo, lt, *hi, ht)
	return order < 0 || order == 0 && orEqual
}

func (n *node) membershipExtent(x extent) extent {
	if v, ok := x.point(); ok {
		return resultExtent(boolType, n.contains(v))
	}
	yes, hasNull := false, false
	for _, item := range n.items {
		switch {
		case item.value.state == null:
			hasNull = true
		case !yes:
			yes = comparisonExtent(opEqual, x, constantExtent(item)).mayBe(true)
		}
	}
	return truth(yes, true, hasNull, false)
}

// monotone applies an operator that keeps (or, negating, turns) the order of values to
// the bounds of its argument.
func (n *node) monotone(lo, hi *value, arg extent) extent {
	out := extent{typ: n.typ, nan: n.typ.kind == kindDouble && arg.nan, fail: arg.nan && n.typ.kind != kindDouble}
	out.lo, out.fail = n.end(lo, out.fail)
	out.hi, out.fail = n.end(hi, out.fail)
	return out
}

// end is what becomes of one bound. Without one, the operator may fail.
func (n *node) end(bound *value, fail bool) (*value, bool) {
	if bound == nil {
		return nil, fail || n.op != opCall || !n.function.total
	}
	v := n.apply([]value{*bound})
	if v.state == failed {
		return nil, true
	}
	return &v, fail
}

// corners applies an operator that is monotone in each argument to all pairs of bounds.
func (n *node) corners(a, b extent) extent {
	if a.lo == nil || a.hi == nil || b.lo == nil || b.hi == nil || n.typ.kind == kindText || n.typ.kind == kindBytes {
		return n.anything()
	}
	var out extent
	for i, pair := range [][]value{{*a.lo, *b.lo}, {*a.lo, *b.hi}, {*a.hi, *b.lo}, {*a.hi, *b.hi}} {
		v := n.apply(pair)
		if v.state == failed || n.typ.kind == kindDouble && (math.IsNaN(v.f) || math.IsInf(v.f, 0)) {
			return n.anything()
		}
		corner := extent{typ: n.typ, lo: &v, hi: &v}
		if i > 0 {
			corner = out.or(corner)
		}
		out = corner
	}
	out.nan = a.nan || b.nan
	return out
}

func (n *node) callExtent(args []extent) extent {
	switch {
	case n.function.monotone:
		return n.monotone(args[0].lo, args[0].hi, args[0])
	case n.function.name == "startsWith":
		return prefixExtent(args[0], args[1])
	}
	return n.anything()
}

// prefixExtent tells whether a text between two bounds can begin with a prefix.
func prefixExtent(s, prefix extent) extent {
	p, ok := prefix.point()
	if !ok {
		return truth(true, true, false, false)
	}
	// All text with the prefix is no less than the prefix, and is greater than any text
	// that is less; what is greater than the prefix without having it is greater than all of it.
	below := s.hi != nil && s.hi.s < p.s
	above := s.lo != nil && s.lo.s > p.s && !strings.HasPrefix(s.lo.s, p.s)
	all := s.lo != nil && s.hi != nil && strings.HasPrefix(s.lo.s, p.s) && strings.HasPrefix(s.hi.s, p.s)
	return truth(!below && !above, !all, false, false)
}
