package expr

import (
	"fmt"
	"strconv"
	"strings"
)

// op is what a node of a checked expression does.
type op uint8

const (
	opConstant op = iota
	opColumn
	opNot
	opAnd
	opOr
	opIf
	opIsNull
	opEqual
	opNotEqual
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opIn
	opAdd
	opSubtract
	opMultiply
	opDivide
	opModulo
	opNegate
	opCast // to the node's type, which holds every value of the argument's
	opCall
)

// node is a part of a checked expression: it has a type, and its arguments have exactly
// the types that its operator wants.
type node struct {
	op       op
	typ      valueType
	args     []*node
	column   string    // opColumn
	value    value     // opConstant
	literal  string    // opConstant: a number as it was written
	items    []*node   // opIn: the constants
	function *function // opCall
	prepared any       // opCall: what the function made of its constant arguments
	kernel   *kernel   // nil if the node is evaluated row by row
}

func constant(t valueType, v value) *node { return &node{op: opConstant, typ: t, value: v} }

func (n *node) isConstant() bool { return n.op == opConstant }

// isNullLiteral tells null itself from constants that are NULL but have a type.
func (n *node) isNullLiteral() bool { return n.isConstant() && n.typ.kind == kindNull }

// walk visits a node and everything below it.
func (n *node) walk(visit func(*node)) {
	visit(n)
	for _, arg := range n.args {
		arg.walk(visit)
	}
}

var symbols = map[op]string{
	opAnd: "&&", opOr: "||", opEqual: "==", opNotEqual: "!=", opLess: "<", opLessEqual: "<=", opGreater: ">", opGreaterEqual: ">=",
	opAdd: "+", opSubtract: "-", opMultiply: "*", opDivide: "/", opModulo: "%",
}

// String writes a node as users write expressions.
func (n *node) String() string {
	switch n.op {
	case opConstant:
		return n.constantString()
	case opColumn:
		if identifier.MatchString(n.column) {
			return n.column
		}
		return "`" + n.column + "`"
	case opNot:
		return "!" + n.args[0].String()
	case opNegate:
		return "-" + n.args[0].String()
	case opCast:
		return n.args[0].String()
	case opIf:
		return fmt.Sprintf("(%s ? %s : %s)", n.args[0], n.args[1], n.args[2])
	case opIsNull:
		return fmt.Sprintf("(%s == null)", n.args[0])
	case opIn:
		return fmt.Sprintf("(%s in a list of %d)", n.args[0], len(n.items))
	case opCall:
		return n.callString()
	default:
		return fmt.Sprintf("(%s %s %s)", n.args[0], symbols[n.op], n.args[1])
	}
}

func (n *node) callString() string {
	var args []string
	for _, arg := range n.args {
		args = append(args, arg.String())
	}
	if n.function.member {
		return fmt.Sprintf("%s.%s(%s)", args[0], n.function.name, strings.Join(args[1:], ", "))
	}
	return fmt.Sprintf("%s(%s)", n.function.name, strings.Join(args, ", "))
}

// shownText is how much of a constant is shown.
const shownText = 60

func (n *node) constantString() string {
	if n.value.state != known {
		return "null"
	}
	text, _ := toText(n.typ, n.value)
	if runes := []rune(text); len(runes) > shownText {
		text = string(runes[:shownText]) + "…"
	}
	switch n.typ.kind {
	case kindText:
		return strconv.Quote(text)
	case kindBytes:
		return "b" + strconv.Quote(text)
	case kindDate, kindTimestamp, kindDuration:
		return fmt.Sprintf("%s('%s')", kindNames[n.typ.kind], text)
	default:
		return text
	}
}
