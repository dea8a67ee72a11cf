package expr

import (
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
)

// checker turns a syntax tree into a checked one.
type checker struct {
	parsed
	schema    *arrow.Schema
	today     time.Time
	usesToday *bool // set where it is
}

// check gives a part of the expression its type. What has constant arguments only is
// evaluated here.
func (c checker) check(e ast.Expr) (*node, error) {
	switch e.Kind() {
	case ast.LiteralKind:
		return c.literal(e), nil
	case ast.IdentKind:
		return c.column(e, c.identifier(e))
	case ast.SelectKind:
		return c.selected(e)
	case ast.CallKind:
		n, err := c.call(e, e.AsCall())
		if err != nil {
			return nil, err
		}
		return c.fold(e, n)
	case ast.ListKind:
		return nil, c.at(e, "a list can only stand after in").WithHint("write column in [1, 2, 3]")
	default:
		return nil, c.at(e, "maps and messages are not part of this language").
			WithHint("write a condition over the columns, for example amount > 0")
	}
}

func (c checker) literal(e ast.Expr) *node {
	switch v := e.AsLiteral().(type) {
	case types.Bool:
		return constant(boolType, boolValue(bool(v)))
	case types.Int:
		return constant(intType, value{i: int64(v)})
	case types.Uint:
		return constant(uintType, value{i: int64(v)})
	case types.Double:
		n := constant(doubleType, value{f: float64(v)})
		n.literal = c.number(e)
		return n
	case types.String:
		return constant(textType, value{s: string(v)})
	case types.Bytes:
		return constant(bytesType, value{s: string(v)})
	default:
		return constant(nullType, nullValue)
	}
}

// identifier is the name that stands at an identifier, with or without backticks.
func (c checker) identifier(e ast.Expr) string {
	if name, ok := c.source.quoted[c.start(e)]; ok {
		return name
	}
	return e.AsIdent()
}

// selected reads a.b as the column of that name.
func (c checker) selected(e ast.Expr) (*node, error) {
	root, path := columnPath(e)
	if root.Kind() != ast.IdentKind {
		return nil, c.at(e, "only columns have names with dots").WithHint("call functions with parentheses, as in name.size()")
	}
	return c.column(root, strings.Join(append([]string{c.identifier(root)}, path...), "."))
}

// columnPath takes a.b.c apart.
func columnPath(e ast.Expr) (root ast.Expr, path []string) {
	root = e
	for root.Kind() == ast.SelectKind && !root.AsSelect().IsTestOnly() {
		path = append([]string{root.AsSelect().FieldName()}, path...)
		root = root.AsSelect().Operand()
	}
	return root, path
}

func (c checker) column(e ast.Expr, name string) (*node, error) {
	found := c.schema.FieldIndices(name)
	if len(found) == 0 {
		return nil, c.noColumn(e, name)
	}
	if len(found) > 1 {
		return nil, c.at(e, "there are %d columns %s", len(found), name).WithHint("rename one of them under columns")
	}
	t, ok := typeOf(c.schema.Field(found[0]).Type)
	if !ok {
		return nil, c.at(e, "column %s is of type %s, which expressions cannot use", name, c.schema.Field(found[0]).Type).
			WithHint("use its fields (nested: flatten) or its JSON text (nested: json), or a column of a flat type")
	}
	return &node{op: opColumn, typ: t, column: name}, nil
}

func (c checker) noColumn(e ast.Expr, name string) error {
	var names []string
	for _, f := range c.schema.Fields() {
		names = append(names, f.Name)
	}
	nearest := words.Closest(name, names)
	err := c.at(e, "there is no column %s", name)
	if nearest == "" {
		return err.WithHint("the table has no columns")
	}
	n := &node{op: opColumn, column: nearest}
	return err.WithHint("did you mean %s? Names that are no identifiers stand in backticks, as `my column`, "+
		"or in col(\"my column\"); text stands in quotation marks", n)
}

func (c checker) call(e ast.Expr, call ast.CallExpr) (*node, error) {
	if call.FunctionName() == "col" && !call.IsMemberFunction() {
		return c.namedColumn(e, call)
	}
	if call.FunctionName() == todayName && !call.IsMemberFunction() {
		return c.todayOf(e, call)
	}
	if call.FunctionName() == operators.In {
		return c.membership(call)
	}
	exprs := call.Args()
	if call.IsMemberFunction() {
		exprs = append([]ast.Expr{call.Target()}, exprs...)
	}
	args := make([]*node, len(exprs))
	for i, arg := range exprs {
		n, err := c.check(arg)
		if err != nil {
			return nil, err
		}
		args[i] = n
	}
	if binary, ok := binaryOperators[call.FunctionName()]; ok {
		return c.operator(e, binary, args)
	}
	switch call.FunctionName() {
	case operators.LogicalNot:
		return c.logic(e, opNot, args)
	case operators.LogicalAnd:
		return c.logic(e, opAnd, args)
	case operators.LogicalOr:
		return c.logic(e, opOr, args)
	case operators.Conditional:
		return c.conditional(e, args)
	case operators.Negate:
		return c.negation(e, args[0])
	}
	return c.invoke(e, call, args)
}

var binaryOperators = map[string]op{
	operators.Equals: opEqual, operators.NotEquals: opNotEqual,
	operators.Less: opLess, operators.LessEquals: opLessEqual,
	operators.Greater: opGreater, operators.GreaterEquals: opGreaterEqual,
	operators.Add: opAdd, operators.Subtract: opSubtract, operators.Multiply: opMultiply,
	operators.Divide: opDivide, operators.Modulo: opModulo,
}

func (c checker) operator(e ast.Expr, operator op, args []*node) (*node, error) {
	if operator >= opEqual && operator <= opGreaterEqual {
		return c.comparison(e, operator, args[0], args[1])
	}
	return c.arithmetic(e, operator, args[0], args[1])
}

// namedColumn is col("name").
func (c checker) namedColumn(e ast.Expr, call ast.CallExpr) (*node, error) {
	if args := call.Args(); len(args) == 1 && args[0].Kind() == ast.LiteralKind {
		if name, ok := args[0].AsLiteral().(types.String); ok {
			return c.column(args[0], string(name))
		}
	}
	return nil, c.at(e, "col wants the name of one column").WithHint(`write col("my column")`)
}

func (c checker) logic(e ast.Expr, operator op, args []*node) (*node, error) {
	for _, arg := range args {
		if arg.typ.kind != kindBool {
			return nil, c.notBoolean(e, arg)
		}
	}
	return &node{op: operator, typ: boolType, args: args}, nil
}

func (c checker) notBoolean(e ast.Expr, n *node) *failure.Error {
	return c.at(e, "%s is of type %s, not a condition", n, n.typ).WithHint("compare it with something, for example %s != null", n)
}

func (c checker) conditional(e ast.Expr, args []*node) (*node, error) {
	if args[0].typ.kind != kindBool {
		return nil, c.notBoolean(e, args[0])
	}
	a, b := adapt(args[1], args[2].typ), adapt(args[2], args[1].typ)
	if a.isNullLiteral() {
		a = constant(b.typ, nullValue)
	}
	if b.isNullLiteral() {
		b = constant(a.typ, nullValue)
	}
	if a.typ == b.typ {
		return &node{op: opIf, typ: a.typ, args: []*node{args[0], a, b}}, nil
	}
	common, ok := unify(a.typ, b.typ)
	if !ok {
		return nil, c.at(e, "the two sides of : are of type %s and %s", a.typ, b.typ).
			WithHint("convert one of them, for example with double(…) or string(…)")
	}
	return &node{op: opIf, typ: common, args: []*node{args[0], cast(a, common), cast(b, common)}}, nil
}

// fold evaluates a node whose arguments are constants.
func (c checker) fold(e ast.Expr, n *node) (*node, error) {
	for _, arg := range n.args {
		if !arg.isConstant() {
			return n, nil
		}
	}
	if n.op == opConstant || n.op == opColumn {
		return n, nil
	}
	v := n.evalRow(nil)
	if v.state == failed {
		return nil, c.at(e, "%s has no value", n).WithHint("%s", n.failureHint())
	}
	return &node{op: opConstant, typ: constantType(n.typ, v), value: v}, nil
}
