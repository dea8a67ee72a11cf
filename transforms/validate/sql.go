package validate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/hypersql"
)

// SQL is what Apply does to rows, as mapped columns in hyperd's SQL over those of the source, and
// conditions over the mapped ones. A table for which that cannot be shown to agree has no such
// form: reason says why, in words. Built-in rules are left out where hyperd refuses a
// file with a value that breaks one of them, that is, but for those on decimals: it reads the
// columns that are loaded, by their names, and is made to read the text of the others in every row
// that is kept.
func (v *Validator) SQL(loaded []string) (conditions batch.Conditions, reason string) {
	mapped, reason := v.mappedSQL()
	if reason != "" {
		return conditions, reason
	}
	selected, kept, sound := "TRUE", []string{}, []string{}
	if v.where != nil {
		text, ok := v.where.program.SQL()
		if !ok {
			return conditions, "where has no SQL form"
		}
		selected = "(" + text + " IS TRUE)"
	}
	for _, rule := range v.rules {
		if rule.Builtin && !rule.isOnDecimals(v.mapping.Schema()) {
			continue
		}
		text, ok := rule.sql(v.mapping.Schema())
		if !ok {
			return conditions, fmt.Sprintf("rule %q has no SQL form", rule.Name)
		}
		sound = append(sound, text)
		if rule.OnFail != Warn {
			kept = append(kept, text)
		}
	}
	for _, field := range v.mapping.Schema().Fields() {
		if isText(field.Type) && !slices.Contains(loaded, field.Name) {
			isRead := readSQL(hypersql.Name(field.Name))
			kept, sound = append(kept, isRead), append(sound, isRead)
		}
	}
	return batch.Conditions{Mapped: mapped, Selected: selected, Kept: allOf(selected, kept), Sound: allOf(selected, sound)}, ""
}

// mappedSQL is the mapped columns, as a query lists them; empty if all are those of the source. Where one of them cannot
// be shown to be the same in SQL, reason says which.
func (v *Validator) mappedSQL() (list, reason string) {
	var columns []string
	isSource := true
	for i, field := range v.mapping.Schema().Fields() {
		value, ok := v.mapping.SQL(i)
		if !ok {
			return "", fmt.Sprintf("column %s is converted, which has no SQL form", field.Name)
		}
		columns = append(columns, value+" AS "+hypersql.Name(field.Name))
		isSource = isSource && v.mapping.Shared(i)
	}
	if isSource {
		return "", ""
	}
	return strings.Join(columns, ", "), ""
}

// readSQL is true for every text, which hyperd has to read to see it: whether there is one at all
// it knows without.
func readSQL(name string) string { return fmt.Sprintf("(char_length(%s) >= 0) IS NOT FALSE", name) }

func allOf(first string, rest []string) string {
	return strings.Join(append([]string{first}, rest...), " AND ")
}

// isOnDecimals says whether a rule is about a column of decimals.
func (r compiledRule) isOnDecimals(schema *arrow.Schema) bool {
	found, ok := schema.FieldsByName(r.Column)
	return ok && arrow.IsDecimal(found[0].Type.ID())
}

// sql is true for the rows that do not break the rule, else false.
func (r compiledRule) sql(schema *arrow.Schema) (string, bool) {
	var parts []string
	for _, c := range r.conditions {
		switch c := c.(type) {
		case expression:
			text, ok := c.program.SQL()
			if !ok {
				return "", false
			}
			parts = append(parts, fmt.Sprintf("(%s IS NOT FALSE)", text))
		case onColumn:
			field := schema.Field(c.index)
			return r.columnSQL(hypersql.Name(field.Name), field.Type) // all checks of the column
		}
	}
	return strings.Join(parts, " AND "), len(parts) > 0
}

// columnSQL is the conditions of a rule on a column of type t, whose name is quoted.
func (r Rule) columnSQL(name string, t arrow.DataType) (string, bool) {
	if r.InFile != "" { // whose values the conditions have
		return "", false
	}
	var parts []string
	if r.NotNull {
		parts = append(parts, name+" IS NOT NULL")
	}
	add := func(text string, ok bool) bool {
		parts = append(parts, fmt.Sprintf("(%s) IS NOT FALSE", text))
		return ok
	}
	ok := true
	if r.Min != nil || r.Max != nil || r.Finite || r.set() != nil && !isText(t) {
		ok = add(r.valueSQL(name, t))
	}
	if isText(t) && (r.set() != nil || r.MinLength != nil || r.MaxLength != nil || r.Matches != "") {
		ok = add(r.textSQL(name)) && ok
	}
	return "(" + strings.Join(parts, " AND ") + ")", ok && len(parts) > 0
}

func isText(t arrow.DataType) bool {
	return t.ID() == arrow.STRING || t.ID() == arrow.LARGE_STRING
}

// maxSQLSet is how many values a set may have in SQL.
const maxSQLSet = 1000

func (r Rule) textSQL(name string) (string, bool) {
	var parts []string
	if set := r.set(); set != nil {
		values := make([]string, len(set))
		for i, l := range set {
			text, ok := hypersql.Text(l.Text)
			if !ok || len(set) > maxSQLSet {
				return "", false
			}
			values[i] = text
		}
		parts = append(parts, fmt.Sprintf("%s IN (%s)", name, strings.Join(values, ", ")))
	}
	if r.MinLength != nil {
		parts = append(parts, fmt.Sprintf("char_length(%s) >= %d", name, *r.MinLength))
	}
	if r.MaxLength != nil {
		parts = append(parts, fmt.Sprintf("char_length(%s) <= %d", name, *r.MaxLength))
	}
	if r.Matches != "" {
		pattern, ok := hypersql.Pattern(r.Matches)
		if !ok {
			return "", false
		}
		parts = append(parts, fmt.Sprintf("%s ~ %s", name, pattern))
	}
	return strings.Join(parts, " AND "), true
}

// valueSQL is the conditions on values that have an order.
func (r Rule) valueSQL(name string, t arrow.DataType) (string, bool) {
	a, ordered := axisOf(t)
	if !ordered || a.extent != 0 {
		return "", false
	}
	var parts []string
	if arrow.IsFloating(t.ID()) {
		name = hypersql.AsDouble(name)
		parts = append(parts, name+" <> "+hypersql.NaN)
		if r.Finite {
			parts = append(parts, name+" NOT IN (CAST('Infinity' AS DOUBLE PRECISION), CAST('-Infinity' AS DOUBLE PRECISION))")
		}
	}
	for _, bound := range []struct {
		literal *Literal
		symbol  string
		round   rounding
	}{{r.Min, ">=", up}, {r.Max, "<=", down}} {
		if bound.literal == nil {
			continue
		}
		text, ok := bound.literal.sql(t, a, bound.round)
		if !ok {
			return "", false
		}
		parts = append(parts, fmt.Sprintf("%s %s %s", name, bound.symbol, text))
	}
	if set := r.set(); set != nil {
		values := make([]string, len(set))
		for i, l := range set {
			text, ok := l.sql(t, a, exactly)
			if !ok || len(set) > maxSQLSet {
				return "", false
			}
			values[i] = text
		}
		parts = append(parts, fmt.Sprintf("%s IN (%s)", name, strings.Join(values, ", ")))
	}
	if len(parts) == 0 { // finite, of what always is
		parts = []string{"TRUE"}
	}
	return strings.Join(parts, " AND "), true
}

// rounding says what becomes of a literal between two values of a column.
type rounding int

const (
	exactly rounding = iota // there is no such value
	up
	down
)

// sql is a literal as a constant of the type of a column.
func (l Literal) sql(t arrow.DataType, a axis, round rounding) (string, bool) {
	place, ok := a.place(l)
	if !ok {
		return "", false
	}
	switch t.(type) {
	case *arrow.Float32Type:
		return hypersql.Double(float64(round32(place)))
	case *arrow.Float64Type:
		return hypersql.Double(round64(place))
	}
	n := floor(place)
	if round == up {
		n = ceil(place)
	}
	if round == exactly && !place.IsInt() {
		return "", false
	}
	if t, ok := t.(*arrow.Decimal128Type); ok {
		return hypersql.Numeric(n, t.Precision, t.Scale)
	}
	if !n.IsInt64() {
		return "", false
	}
	switch t := t.(type) {
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type, *arrow.Uint8Type, *arrow.Uint16Type, *arrow.Uint32Type:
		return hypersql.Integer(n.Int64()), true
	case *arrow.Date32Type:
		return hypersql.Date(n.Int64())
	case *arrow.TimestampType:
		return hypersql.Timestamp(n.Int64(), t.Unit.Multiplier(), t.TimeZone != "")
	}
	return "", false
}
