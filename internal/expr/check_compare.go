package expr

import (
	"fmt"

	"cel.dev/cel-go/common/ast"
)

// comparison checks a == b, a < b and the like.
func (c checker) comparison(e ast.Expr, operator op, a, b *node) (*node, error) {
	if a.isNullLiteral() || b.isNullLiteral() {
		return c.nullTest(e, operator, a, b)
	}
	if a.typ.kind == kindNull || b.typ.kind == kindNull { // a column that is NULL in every row
		return constant(boolType, nullValue), nil
	}
	a, b = adapt(a, b.typ), adapt(b, a.typ)
	if !a.typ.comparable(b.typ) {
		return nil, c.at(e, "%s compares %s with %s", symbols[operator], a.typ, b.typ).WithHint("%s", mismatchHint(a, b))
	}
	return &node{op: operator, typ: boolType, args: []*node{a, b}}, nil
}

// nullTest checks x == null and x != null.
func (c checker) nullTest(e ast.Expr, operator op, a, b *node) (*node, error) {
	if operator != opEqual && operator != opNotEqual {
		return nil, c.at(e, "nothing is less or greater than null").WithHint("test for NULL with == null or != null")
	}
	if a.isNullLiteral() {
		a = b
	}
	test := &node{op: opIsNull, typ: boolType, args: []*node{a}}
	if operator == opEqual {
		return test, nil
	}
	return &node{op: opNot, typ: boolType, args: []*node{test}}, nil
}

// mismatchHint says how to write a comparison of two types that do not compare.
func mismatchHint(a, b *node) string {
	if a.isConstant() {
		a, b = b, a
	}
	kinds := [2]kind{a.typ.kind, b.typ.kind}
	switch {
	case kinds == [2]kind{kindTimestamp, kindTimestamp} && b.isConstant() && a.typ.zoned:
		return "the column has a time zone: write one in the constant too, as in timestamp('2026-01-31T00:00:00Z')"
	case kinds == [2]kind{kindTimestamp, kindTimestamp} && b.isConstant():
		return "the column has no time zone: leave it out of the constant too, as in timestamp('2026-01-31T00:00:00')"
	case kinds == [2]kind{kindTimestamp, kindTimestamp}:
		return "give both columns the same type under columns, for example {type: timestamptz}"
	case kinds == [2]kind{kindTimestamp, kindDate} && b.isConstant():
		return fmt.Sprintf("write the constant as timestamp('…'), or compare the date: date(%s)", a)
	case kinds == [2]kind{kindTimestamp, kindDate}:
		return fmt.Sprintf("compare the dates: date(%s)", a)
	case kinds == [2]kind{kindDate, kindTimestamp} && b.isConstant():
		return "write the constant as date('…')"
	case kinds == [2]kind{kindDate, kindTimestamp}:
		return fmt.Sprintf("compare the dates: date(%s)", b)
	case kinds == [2]kind{kindDate, kindText}, kinds == [2]kind{kindTimestamp, kindText}, kinds == [2]kind{kindDuration, kindText}:
		return fmt.Sprintf("write %s(…) around the text", kindNames[a.typ.kind])
	case a.typ.numeric() && b.isConstant() && b.typ.kind == kindText:
		return "write the number without quotation marks"
	case a.typ.kind == kindText && b.isConstant() && b.typ.numeric():
		return fmt.Sprintf("write the constant in quotation marks, or convert the text: double(%s)", a)
	}
	return "convert one side, for example with int(…), double(…), string(…) or date(…)"
}

// membership checks x in [a, b, …]. Like every comparison it takes numbers of any kind.
func (c checker) membership(call ast.CallExpr) (*node, error) {
	exprs := call.Args()
	x, err := c.check(exprs[0])
	if err != nil {
		return nil, err
	}
	if exprs[1].Kind() != ast.ListKind {
		return nil, c.at(exprs[1], "in wants a list").WithHint("write the values in brackets: %s in [1, 2, 3]", x)
	}
	if x.typ.kind == kindNull {
		return constant(boolType, nullValue), nil
	}
	if exprs[1].AsList().Size() == 0 {
		return nil, c.at(exprs[1], "the list is empty, so that no row is in it").WithHint("list the values that are, or leave the condition out")
	}
	n := &node{op: opIn, typ: boolType, args: []*node{x}}
	for _, item := range exprs[1].AsList().Elements() {
		found, err := c.item(item, x)
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, found)
	}
	return n, nil
}

func (c checker) item(e ast.Expr, x *node) (*node, error) {
	if e.Kind() == ast.LiteralKind { // a list may be long
		return c.comparableItem(e, c.literal(e), x)
	}
	n, err := c.check(e)
	if err != nil {
		return nil, err
	}
	if !n.isConstant() {
		return nil, c.at(e, "the values of a list are constants, %s is not", n).WithHint("write %s == %s || …", x, n)
	}
	return c.comparableItem(e, n, x)
}

func (c checker) comparableItem(e ast.Expr, n, x *node) (*node, error) {
	n = adapt(n, x.typ)
	if n.value.state == null {
		return constant(x.typ, nullValue), nil
	}
	if !n.typ.comparable(x.typ) {
		return nil, c.at(e, "the list holds a value of type %s, but %s is of type %s", n.typ, x, x.typ).WithHint("%s", mismatchHint(x, n))
	}
	return inType(n, x.typ), nil
}

// inType gives a constant another type, in which it compares faster, if it has the very
// same value there.
func inType(n *node, t valueType) *node {
	lo, hi := bound(n.value, n.typ, t, false), bound(n.value, n.typ, t, true)
	if lo == nil || hi == nil {
		return n
	}
	if order, ordered := compare(*lo, t, *hi, t); !ordered || order != 0 {
		return n
	}
	return constant(t, *lo)
}
