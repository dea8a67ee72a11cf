package expr

import (
	"fmt"
	"strings"
	"time"

	"hyperlake/internal/hypersql"
)

// SQL is the condition in hyperd's SQL, and whether it has such a form: one that is true, false or NULL for every row for which
// the condition is, where no row makes it fail. What cannot be shown to agree has none.
func (p *Program) SQL() (string, bool) {
	w := sqlWriter{ok: true}
	text := w.condition(p.root)
	return text, w.ok
}

// sqlWriter writes a checked expression; ok turns false where there is no way to.
type sqlWriter struct{ ok bool }

// none gives up.
func (w *sqlWriter) none() string {
	w.ok = false
	return ""
}

// condition writes a node of type boolean.
func (w *sqlWriter) condition(n *node) string {
	switch n.op {
	case opConstant, opColumn:
		return w.operand(n)
	case opNot:
		return "(NOT " + w.condition(n.args[0]) + ")"
	case opAnd:
		return "(" + w.condition(n.args[0]) + " AND " + w.condition(n.args[1]) + ")"
	case opOr:
		return "(" + w.condition(n.args[0]) + " OR " + w.condition(n.args[1]) + ")"
	case opIsNull:
		return "(" + w.operand(n.args[0]) + " IS NULL)"
	case opEqual, opNotEqual, opLess, opLessEqual, opGreater, opGreaterEqual:
		return w.comparison(n)
	case opIn:
		return w.membership(n)
	case opCall:
		return w.match(n)
	}
	return w.none()
}

var sqlSymbols = map[op]string{
	opEqual: "=", opNotEqual: "<>", opLess: "<", opLessEqual: "<=", opGreater: ">", opGreaterEqual: ">=",
}

// comparison writes a comparison of two values of one type. In hyperd's order NaN equals
// itself and is above all other numbers; here it differs from everything.
func (w *sqlWriter) comparison(n *node) string {
	a, b := n.args[0], n.args[1]
	if a.typ.kind == kindBool && n.op != opEqual && n.op != opNotEqual || !sameForm(a.typ, b.typ) {
		return w.none()
	}
	left, right := w.operand(a), w.operand(b)
	plain := fmt.Sprintf("(%s %s %s)", left, sqlSymbols[n.op], right)
	if a.typ.kind != kindDouble {
		return plain
	}
	unordered := "FALSE"
	if n.op == opNotEqual {
		unordered = "TRUE"
	}
	return fmt.Sprintf("(CASE WHEN %s IS NULL OR %s IS NULL THEN NULL WHEN %s = %s OR %s = %s THEN %s ELSE %s END)",
		left, right, left, hypersql.NaN, right, hypersql.NaN, unordered, plain)
}

// sameForm says whether hyperd compares values of two types as they are.
func sameForm(a, b valueType) bool {
	if a.kind != b.kind || a.kind == kindNull || a.kind == kindUint || a.kind == kindDuration || a.kind == kindBytes || a.wide() || b.wide() {
		return false
	}
	return a.zoned == b.zoned && a.scale == b.scale
}

// maxItems is how long a list may be in SQL.
const maxItems = 1000

func (w *sqlWriter) membership(n *node) string {
	value := n.args[0]
	if len(n.items) == 0 || len(n.items) > maxItems || value.typ.kind == kindBool {
		return w.none()
	}
	items := make([]string, len(n.items))
	for i, item := range n.items {
		if item.value.state != known || !sameForm(value.typ, item.typ) {
			return w.none()
		}
		items[i] = w.operand(item)
	}
	return fmt.Sprintf("(%s IN (%s))", w.operand(value), strings.Join(items, ", "))
}

// match writes a call of matches with a constant pattern.
func (w *sqlWriter) match(n *node) string {
	if n.function.name != "matches" || len(n.args) != 2 || !n.args[1].isConstant() || n.args[1].value.state != known {
		return w.none()
	}
	pattern, ok := hypersql.Pattern(n.args[1].value.s)
	if !ok {
		return w.none()
	}
	return fmt.Sprintf("(%s ~ %s)", w.operand(n.args[0]), pattern)
}

// operand writes a column, a constant, or a value of either that was cast.
func (w *sqlWriter) operand(n *node) string {
	switch n.op {
	case opColumn:
		switch {
		case n.typ.kind == kindUint || n.typ.kind == kindDuration || n.typ.wide():
			return w.none()
		case n.typ.kind == kindDouble: // a column of single precision must not be compared in that
			return hypersql.AsDouble(hypersql.Name(n.column))
		}
		return hypersql.Name(n.column)
	case opConstant:
		return w.constant(n)
	case opCast:
		from := n.args[0]
		if from.op == opColumn && from.typ.kind == n.typ.kind && sameForm(from.typ, n.typ) && n.typ.kind != kindDecimal {
			return w.operand(from)
		}
	}
	return w.none()
}

// constant writes a constant with its type.
func (w *sqlWriter) constant(n *node) string {
	if n.value.state != known {
		return w.none()
	}
	v, text, ok := n.value, "", true
	switch n.typ.kind {
	case kindBool:
		text = map[bool]string{true: "TRUE", false: "FALSE"}[v.i != 0]
	case kindInt:
		text = hypersql.Integer(v.i)
	case kindDouble:
		text, ok = hypersql.Double(v.f)
	case kindDecimal:
		text, ok = hypersql.Numeric(v.d, max(n.typ.precision, n.typ.scale), n.typ.scale)
	case kindText:
		text, ok = hypersql.Text(v.s)
	case kindDate:
		text, ok = hypersql.Date(v.i)
		ok = ok && n.typ.unit == day
	case kindTimestamp:
		text, ok = hypersql.Timestamp(v.i, time.Duration(n.typ.unit), n.typ.zoned)
	default:
		ok = false
	}
	if !ok {
		return w.none()
	}
	return text
}
