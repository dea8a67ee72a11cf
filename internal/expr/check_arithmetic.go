package expr

import (
	"math/big"
	"strings"

	"cel.dev/cel-go/common/ast"
)

// adapt reads a number as a decimal if it stands beside one, exactly as it is written.
func adapt(n *node, beside valueType) *node {
	if beside.kind != kindDecimal || n.literal == "" || n.typ.kind == kindDecimal {
		return n
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(n.literal), "e")
	if len(n.literal)-len(mantissa) > 4 { // an exponent of three digits or more
		return n
	}
	exact, ok := new(big.Rat).SetString(n.literal)
	if !ok {
		return n
	}
	var scale int32
	for ; scale <= maxDigits && !exact.IsInt(); scale++ {
		exact.Mul(exact, big.NewRat(10, 1))
	}
	digits := int32(len(new(big.Int).Abs(exact.Num()).String()))
	if !exact.IsInt() || digits > maxDigits {
		return n
	}
	t := valueType{kind: kindDecimal, precision: max(digits, scale), scale: scale}
	return constant(t, value{d: exact.Num()})
}

// constantType is the type of a constant that was evaluated: decimals get the
// precision that they need, not the one that their type could need.
func constantType(t valueType, v value) valueType {
	if t.kind == kindDecimal && v.state == known {
		t.precision = max(int32(len(new(big.Int).Abs(v.d).String())), t.scale, 1)
	}
	return t
}

// cast converts to a type that holds every value of the node's type.
func cast(n *node, t valueType) *node {
	if n.typ == t {
		return n
	}
	converted := &node{op: opCast, typ: t, args: []*node{n}}
	if !n.isConstant() {
		return converted
	}
	v := converted.evalRow(nil)
	if v.state == failed {
		return converted
	}
	return constant(t, v)
}

// unify is the type to which the operands of an operator, or the branches of a
// condition, are converted.
func unify(a, b valueType) (valueType, bool) {
	switch {
	case a == b:
		return a, true
	case a.numeric() && b.numeric() && (a.kind == kindDouble || b.kind == kindDouble):
		return doubleType, true
	case a.numeric() && b.numeric():
		return commonDecimal(a.asDecimal(), b.asDecimal()), true
	case a.temporal() && a.kind == b.kind && a.zoned == b.zoned:
		a.unit = min(a.unit, b.unit)
		return a, true
	}
	return valueType{}, false
}

// commonDecimal has the digits of both before and after the point.
func commonDecimal(a, b valueType) valueType {
	scale := max(a.scale, b.scale)
	whole := max(a.precision-a.scale, b.precision-b.scale)
	return valueType{kind: kindDecimal, precision: min(whole+scale, maxDigits), scale: scale}
}

// arithmetic checks a + b and the like.
func (c checker) arithmetic(e ast.Expr, operator op, a, b *node) (*node, error) {
	a, b = adapt(a, b.typ), adapt(b, a.typ)
	n := &node{op: operator}
	switch {
	case a.typ.numeric() && b.typ.numeric():
		n.typ, a, b = numericOperands(operator, a, b)
	case operator == opAdd && a.typ == b.typ && (a.typ.kind == kindText || a.typ.kind == kindBytes):
		n.typ = a.typ
	case operator == opAdd || operator == opSubtract:
		n.typ, a, b = temporalOperands(operator, a, b)
	}
	if n.typ.kind == kindNull {
		return nil, c.at(e, "there is no %s %s %s", a.typ, symbols[operator], b.typ).
			WithHint("convert one side, for example with int(…), double(…), string(…) or duration('24h')")
	}
	if n.typ.kind == kindDecimal && n.typ.scale > maxDigits {
		return nil, c.at(e, "%s has %d digits after the point, more than %d", n, n.typ.scale, maxDigits).
			WithHint("convert one side to double(…)")
	}
	n.args = []*node{a, b}
	return n, nil
}

// numericOperands gives an operator on numbers its type, or nullType, and its operands theirs.
func numericOperands(operator op, a, b *node) (valueType, *node, *node) {
	common, _ := unify(a.typ, b.typ)
	switch {
	case common.kind == kindDecimal && operator == opModulo, common.kind == kindDouble && operator == opModulo:
		return nullType, a, b
	case common.kind != kindDecimal:
		return common, cast(a, common), cast(b, common)
	}
	switch operator {
	case opMultiply:
		x, y := a.typ.asDecimal(), b.typ.asDecimal()
		product := valueType{kind: kindDecimal, precision: min(x.precision+y.precision, maxDigits), scale: x.scale + y.scale}
		return product, cast(a, x), cast(b, y)
	case opDivide:
		return doubleType, cast(a, common), cast(b, common)
	default:
		sum := common
		sum.precision = min(sum.precision+1, maxDigits)
		return sum, cast(a, common), cast(b, common)
	}
}

// temporalOperands does so for dates, timestamps and durations.
func temporalOperands(operator op, a, b *node) (valueType, *node, *node) {
	if operator == opAdd && a.typ.kind == kindDuration && b.typ.kind != kindDuration {
		a, b = b, a
	}
	unit := min(a.typ.unit, b.typ.unit)
	duration := valueType{kind: kindDuration, unit: unit}
	x, y := a.typ, b.typ
	x.unit, y.unit = unit, unit
	result := nullType
	switch {
	case a.typ.kind == kindDuration && b.typ.kind == kindDuration:
		result = duration
	case a.typ.kind == kindTimestamp && b.typ.kind == kindDuration:
		result = x
	case a.typ.kind == kindDate && b.typ.kind == kindDuration:
		result = valueType{kind: kindTimestamp, unit: unit}
		x = result
	case operator == opSubtract && (a.typ.kind == kindTimestamp || a.typ.kind == kindDate) && a.typ.comparable(b.typ):
		result = duration
	}
	if result.kind == kindNull {
		return nullType, a, b
	}
	return result, cast(a, x), cast(b, y)
}

func (c checker) negation(e ast.Expr, a *node) (*node, error) {
	switch a.typ.kind {
	case kindInt, kindDouble, kindDecimal, kindDuration:
		n := &node{op: opNegate, typ: a.typ, args: []*node{a}}
		return n, nil
	default:
		return nil, c.at(e, "there is no negative of %s, which is of type %s", a, a.typ).
			WithHint("subtract it from a number, or convert it with int(…)")
	}
}
