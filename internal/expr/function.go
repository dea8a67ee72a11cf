package expr

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"

	"hyperlake/internal/words"
)

// function is one form of a function: a name with the kinds of its arguments.
type function struct {
	name   string
	member bool // written x.name(y), not name(x, y)
	params []kind
	typ    valueType

	total    bool // never fails on arguments that are known
	monotone bool // takes one argument and keeps the order of its values

	// resultType, if there is one, gives the type instead of typ.
	resultType func(args []*node) valueType
	// prepare, if there is one, makes something of constant arguments, once.
	prepare func(args []*node) (any, error)
	// apply is the function for one row, all of whose arguments are known.
	apply func(n *node, args []value) value
	// kernel, if there is one, is the function for a batch; it may return nil.
	kernel func(n *node) *kernel
}

// functionsByName has the forms of every function.
var functionsByName = indexFunctions(textFunctions, timeFunctions, conversions)

func indexFunctions(lists ...[]function) map[string][]*function {
	index := map[string][]*function{}
	for _, list := range lists {
		for i := range list {
			index[list[i].name] = append(index[list[i].name], &list[i])
		}
	}
	return index
}

// takes tells whether the arguments have the kinds that a form wants.
func (f *function) takes(args []*node) bool {
	return slices.EqualFunc(f.params, args, func(k kind, n *node) bool { return n.typ.kind == k })
}

// signature is how a form is written.
func (f *function) signature() string {
	var params []string
	for _, k := range f.params {
		params = append(params, kindNames[k])
	}
	if f.member {
		return fmt.Sprintf("%s.%s(%s)", params[0], f.name, strings.Join(params[1:], ", "))
	}
	return fmt.Sprintf("%s(%s)", f.name, strings.Join(params, ", "))
}

// invoke checks the call of a function.
func (c checker) invoke(e ast.Expr, call ast.CallExpr, args []*node) (*node, error) {
	forms := functionsByName[call.FunctionName()]
	if len(forms) == 0 {
		closest := words.Closest(call.FunctionName(), append(slices.Sorted(maps.Keys(functionsByName)), todayName))
		return nil, c.at(e, "there is no function %s", call.FunctionName()).WithHint("did you mean %s?", closest)
	}
	for _, f := range forms {
		if f.member == call.IsMemberFunction() && f.takes(args) {
			return c.bind(e, f, args)
		}
	}
	var have, want []string
	for _, arg := range args {
		have = append(have, arg.typ.String())
	}
	for _, f := range forms {
		want = append(want, f.signature())
	}
	return nil, c.at(e, "%s does not take %s", call.FunctionName(), orNothing(strings.Join(have, ", "))).
		WithHint("write %s", strings.Join(want, " or "))
}

func orNothing(list string) string {
	if list == "" {
		return "nothing"
	}
	return list
}

func (c checker) bind(e ast.Expr, f *function, args []*node) (*node, error) {
	n := &node{op: opCall, typ: f.typ, args: args, function: f}
	if f.resultType != nil {
		n.typ = f.resultType(args)
	}
	if f.prepare != nil {
		prepared, err := f.prepare(args)
		if err != nil {
			return nil, c.at(e, "%s: %w", f.name, err).WithHint("correct the constant")
		}
		n.prepared = prepared
	}
	return n, nil
}
