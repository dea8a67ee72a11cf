package expr

import (
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"github.com/apache/arrow/go/v17/arrow"
)

// Check finds what is wrong with a condition whatever the columns of its table are: how it is written, functions that there are not, and
// constants that do not fit. today is as for [Compile], whose words the errors have; what Check lets pass, Compile may still refuse.
func Check(text string, today time.Time) error {
	p, err := parse(text)
	if err != nil {
		return err
	}
	usesToday := false
	alone := checkerAlone{
		checker: checker{parsed: p, schema: arrow.NewSchema(nil, nil), today: today, usesToday: &usesToday},
		varies:  map[int64]bool{},
	}
	alone.mark(p.root)
	root, err := alone.checkAlone(p.root)
	switch {
	case err != nil:
		return err
	case root == nil:
		return nil
	case root.typ.kind == kindNull:
		return alone.at(p.root, "null is not a condition").WithHint("test for NULL with == null or != null")
	case root.typ.kind != kindBool:
		return alone.notBoolean(p.root, root)
	}
	return nil
}

// checkerAlone is a checker that has no columns.
type checkerAlone struct {
	checker
	varies map[int64]bool // the parts that columns are part of
}

// mark notes which parts columns are part of.
func (c checkerAlone) mark(e ast.Expr) bool {
	varies := e.Kind() == ast.IdentKind || e.Kind() == ast.SelectKind || isNamedColumn(e)
	for _, part := range partsOf(e) {
		varies = c.mark(part) || varies
	}
	c.varies[e.ID()] = varies
	return varies
}

func isNamedColumn(e ast.Expr) bool {
	return e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "col" && !e.AsCall().IsMemberFunction()
}

// partsOf are what an operator or a function is applied to, or a list is made of.
func partsOf(e ast.Expr) []ast.Expr {
	switch {
	case e.Kind() == ast.ListKind:
		return e.AsList().Elements()
	case e.Kind() != ast.CallKind || isNamedColumn(e):
		return nil
	case e.AsCall().IsMemberFunction():
		return append([]ast.Expr{e.AsCall().Target()}, e.AsCall().Args()...)
	}
	return e.AsCall().Args()
}

// checkAlone checks what can be known of a part; it is nil where that depends on columns.
func (c checkerAlone) checkAlone(e ast.Expr) (*node, error) {
	if !c.varies[e.ID()] {
		return c.check(e)
	}
	switch e.Kind() {
	case ast.SelectKind:
		if root, _ := columnPath(e); root.Kind() != ast.IdentKind {
			_, err := c.selected(e)
			return nil, err
		}
		return nil, nil
	case ast.CallKind:
		return nil, c.callAlone(e, e.AsCall())
	case ast.IdentKind:
		return nil, nil
	}
	return c.check(e) // says that it has no place there
}

func (c checkerAlone) callAlone(e ast.Expr, call ast.CallExpr) error {
	if isNamedColumn(e) {
		if args := call.Args(); len(args) == 1 && args[0].Kind() == ast.LiteralKind {
			if _, ok := args[0].AsLiteral().(types.String); ok {
				return nil
			}
		}
		_, err := c.namedColumn(e, call)
		return err
	}
	if call.FunctionName() == todayName && !call.IsMemberFunction() {
		_, err := c.todayOf(e, call)
		return err
	}
	if call.FunctionName() == operators.In {
		return c.membershipAlone(call)
	}
	var args []*node
	for _, part := range partsOf(e) {
		n, err := c.checkAlone(part)
		if err != nil {
			return err
		}
		args = append(args, n)
	}
	switch name := call.FunctionName(); name {
	case operators.LogicalNot, operators.LogicalAnd, operators.LogicalOr, operators.Conditional:
		wanted := args
		if name == operators.Conditional {
			wanted = args[:1]
		}
		for _, arg := range wanted {
			if arg != nil && arg.typ.kind != kindBool {
				return c.notBoolean(e, arg)
			}
		}
		return nil
	case operators.Negate:
		return nil
	default:
		if _, ok := binaryOperators[name]; ok {
			return nil
		}
		return c.invokeAlone(e, call, args)
	}
}

// membershipAlone checks `x in [a, b]`.
func (c checkerAlone) membershipAlone(call ast.CallExpr) error {
	exprs := call.Args()
	x, err := c.checkAlone(exprs[0])
	if err != nil {
		return err
	}
	if x == nil {
		x = &node{op: opColumn, column: "column"}
	}
	if exprs[1].Kind() != ast.ListKind {
		return c.at(exprs[1], "in wants a list").WithHint("write the values in brackets: %s in [1, 2, 3]", x)
	}
	if exprs[1].AsList().Size() == 0 {
		return c.at(exprs[1], "the list is empty, so that no row is in it").WithHint("list the values that are, or leave the condition out")
	}
	for _, item := range exprs[1].AsList().Elements() {
		if item.Kind() == ast.LiteralKind { // a list may be long
			continue
		}
		n, err := c.checkAlone(item)
		if err != nil {
			return err
		}
		if n == nil {
			return c.at(item, "the values of a list are constants").WithHint("write %s == … || …", x)
		}
	}
	return nil
}

// invokeAlone checks the call of a function, of whose arguments those are nil that are not known.
func (c checkerAlone) invokeAlone(e ast.Expr, call ast.CallExpr, args []*node) error {
	forms := functionsByName[call.FunctionName()]
	if len(forms) == 0 {
		_, err := c.invoke(e, call, nil)
		return err
	}
	var want []string
	for _, f := range forms {
		want = append(want, f.signature())
		if f.member != call.IsMemberFunction() || len(f.params) != len(args) {
			continue
		}
		given := slices.Clone(args)
		for i, arg := range args {
			if arg == nil {
				given[i] = &node{op: opColumn, typ: valueType{kind: f.params[i], unit: int64(time.Microsecond)}}
			}
		}
		if f.takes(given) {
			_, err := c.bind(e, f, given)
			return err
		}
	}
	var have []string
	for _, arg := range args {
		if arg == nil {
			have = append(have, "a column")
		} else {
			have = append(have, arg.typ.String())
		}
	}
	return c.at(e, "%s does not take %s", call.FunctionName(), orNothing(strings.Join(have, ", "))).
		WithHint("write %s", strings.Join(want, " or "))
}
