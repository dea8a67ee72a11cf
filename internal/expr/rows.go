package expr

import "math/big"

// evalRow evaluates a node for one row. It defines what every operator means; kernels
// are quicker ways to the same results. get gives the columns of the row.
func (n *node) evalRow(get func(column string) value) value {
	switch n.op {
	case opConstant:
		return n.value
	case opColumn:
		return get(n.column)
	case opNot, opIsNull:
		return unary(n.op, n.args[0].evalRow(get))
	case opAnd:
		return both(n.args[0].evalRow(get), n.args[1].evalRow(get))
	case opOr:
		return unary(opNot, both(unary(opNot, n.args[0].evalRow(get)), unary(opNot, n.args[1].evalRow(get))))
	case opIf:
		condition := n.args[0].evalRow(get)
		if condition.state != known {
			return condition
		}
		if condition.isTrue() {
			return n.args[1].evalRow(get)
		}
		return n.args[2].evalRow(get)
	}
	args := make([]value, len(n.args))
	for i, arg := range n.args {
		args[i] = arg.evalRow(get)
	}
	return n.strict(args)
}

func unary(operator op, v value) value {
	if v.state == failed {
		return v
	}
	if operator == opIsNull {
		return boolValue(v.state == null)
	}
	if v.state == null {
		return v
	}
	return boolValue(!v.isTrue())
}

// both is a && b.
func both(a, b value) value {
	switch {
	case a.state == known && !a.isTrue(), b.state == known && !b.isTrue():
		return boolValue(false)
	case a.state == failed || b.state == failed:
		return failedValue
	case a.state == null || b.state == null:
		return nullValue
	}
	return boolValue(true)
}

// strict evaluates operators that have no value where an argument has none.
func (n *node) strict(args []value) value {
	result := value{}
	for _, arg := range args {
		result.state = max(result.state, arg.state)
	}
	if result.state != known {
		return result
	}
	return n.apply(args)
}

// apply evaluates an operator on arguments that are known.
func (n *node) apply(args []value) value {
	switch n.op {
	case opEqual, opNotEqual, opLess, opLessEqual, opGreater, opGreaterEqual:
		return boolValue(holds(n.op, args[0], n.args[0].typ, args[1], n.args[1].typ))
	case opIn:
		return n.contains(args[0])
	case opCast:
		return convert(args[0], n.args[0].typ, n.typ)
	case opCall:
		return n.function.apply(n, args)
	case opNegate:
		return negate(n.typ, args[0])
	}
	return arithmetic(n.op, n.args[0].typ, args[0], args[1])
}

func negate(t valueType, v value) value {
	switch t.kind {
	case kindDouble:
		return value{f: -v.f}
	case kindDecimal:
		return value{d: new(big.Int).Neg(v.d)}
	}
	return inInt64(new(big.Int).Neg(big.NewInt(v.i)))
}

// contains looks for a value among the items of a list.
func (n *node) contains(x value) value {
	result := boolValue(false)
	for _, item := range n.items {
		if item.value.state == null {
			result = nullValue
		} else if holds(opEqual, x, n.args[0].typ, item.value, item.typ) {
			return boolValue(true)
		}
	}
	return result
}

// convert is opCast for a value that is known.
func convert(v value, from, to valueType) value {
	switch to.kind {
	case kindDouble:
		return toDouble(from, v)
	case kindDecimal:
		exact, ok := v.exact(from)
		if !ok {
			return failedValue
		}
		return inDecimal(exact.Mul(exact, tenTo(to.scale)).Num())
	default:
		return rescale(v.i, from.unit, to.unit)
	}
}

// rescale counts in a shorter unit.
func rescale(i, from, to int64) value {
	return inInt64(new(big.Int).Mul(big.NewInt(i), big.NewInt(from/to)))
}

var decimalLimit = new(big.Int).Exp(big.NewInt(10), big.NewInt(maxDigits), nil)

func inDecimal(d *big.Int) value {
	if d.CmpAbs(decimalLimit) >= 0 {
		return failedValue
	}
	return value{d: d}
}

func inInt64(i *big.Int) value {
	if !i.IsInt64() {
		return failedValue
	}
	return value{i: i.Int64()}
}

// arithmetic computes with two values that are both of type t, but for products of
// decimals, whose scales may differ.
func arithmetic(operator op, t valueType, a, b value) value {
	switch t.kind {
	case kindText, kindBytes:
		if len(a.s)+len(b.s) > maxText {
			return failedValue
		}
		return value{s: a.s + b.s}
	case kindDouble:
		return value{f: onDoubles(operator, a.f, b.f)}
	case kindDecimal:
		if operator == opDivide {
			return ratio(a.d, b.d)
		}
		d, _ := onIntegers(operator, a.d, b.d)
		return inDecimal(d)
	case kindUint:
		d, ok := onIntegers(operator, new(big.Int).SetUint64(uint64(a.i)), new(big.Int).SetUint64(uint64(b.i)))
		if !ok || !d.IsUint64() {
			return failedValue
		}
		return value{i: int64(d.Uint64())}
	}
	d, ok := onIntegers(operator, big.NewInt(a.i), big.NewInt(b.i))
	if !ok {
		return failedValue
	}
	return inInt64(d)
}

func onDoubles(operator op, a, b float64) float64 {
	switch operator {
	case opAdd:
		return a + b
	case opSubtract:
		return a - b
	case opMultiply:
		return a * b
	default:
		return a / b
	}
}

// onIntegers is false for a division by zero. Quotients are cut, as in CEL.
func onIntegers(operator op, a, b *big.Int) (*big.Int, bool) {
	d := new(big.Int)
	switch operator {
	case opAdd:
		return d.Add(a, b), true
	case opSubtract:
		return d.Sub(a, b), true
	case opMultiply:
		return d.Mul(a, b), true
	}
	if b.Sign() == 0 {
		return nil, false
	}
	if operator == opDivide {
		return d.Quo(a, b), true
	}
	return d.Rem(a, b), true
}

// ratio is the double nearest to the quotient of two decimals of one scale.
func ratio(a, b *big.Int) value {
	if b.Sign() == 0 {
		return failedValue
	}
	f, _ := new(big.Rat).SetFrac(a, b).Float64()
	return value{f: f}
}

// failureHint says how to repair a constant that has no value.
func (n *node) failureHint() string {
	if n.op == opCall {
		switch n.function.name {
		case "date":
			return "write dates as date('2026-01-31')"
		case "timestamp":
			return "write timestamps as timestamp('2026-01-31T12:00:00Z'), or without the Z for columns without time zone"
		case "duration":
			return "write durations as duration('36h') or duration('1h30m')"
		}
	}
	return "correct the constants"
}
