package randomtest

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// truth is what comes of an expression.
type truth int

const (
	isFalse truth = iota
	isTrue
	isNull
	isFailed // it cannot be evaluated
)

func truthOf(b bool) truth { return truth(unit(b)) }

// expression is a condition in CEL, and what it means.
type expression struct {
	text string
	uses []string // columns, sorted
	eval func(r row) truth
}

// drawExpression draws a condition over columns.
func drawExpression(r *dice, columns []typed) *expression {
	e := drawCondition(r, columns)
	slices.Sort(e.uses)
	return e
}

func drawCondition(r *dice, columns []typed) *expression {
	a := drawAtom(r, columns)
	switch r.IntN(5) {
	case 0:
		return &expression{"!(" + a.text + ")", a.uses, func(row row) truth { return not(a.eval(row)) }}
	case 1:
		b := drawAtom(r, columns)
		return &expression{a.text + " && " + b.text, both(a, b), func(row row) truth { return not(or(not(a.eval(row)), not(b.eval(row)))) }}
	case 2:
		b := drawAtom(r, columns)
		return &expression{a.text + "\n  || " + b.text, both(a, b), func(row row) truth { return or(a.eval(row), b.eval(row)) }}
	}
	return a
}

func not(t truth) truth {
	if t == isFalse || t == isTrue {
		return isTrue - t
	}
	return t
}

// or is true if one side is; else a failure passes through, and then NULL.
func or(a, b truth) truth {
	if a == isTrue || b == isTrue {
		return isTrue
	}
	return max(a, b)
}

func both(a, b *expression) []string {
	uses := slices.Clone(a.uses)
	for _, name := range b.uses {
		if !slices.Contains(uses, name) {
			uses = append(uses, name)
		}
	}
	return uses
}

var identifier = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// celName is a column in CEL.
func celName(r *dice, name string) string {
	switch {
	case identifier.MatchString(name) && !slices.Contains([]string{"in", "null", "true", "false", "size", "table", "col"}, name) && chance(r, 70):
		return name
	case !strings.ContainsAny(name, "`\\\n\r\t\x01\x7f") && strings.TrimSpace(name) == name && chance(r, 30):
		return "`" + name + "`"
	}
	return "col(" + cel(name) + ")"
}

// drawAtom draws a condition on a column, or on two.
func drawAtom(r *dice, columns []typed) *expression {
	c := pick(r, columns...)
	name := celName(r, c.name)
	one := func(text string, eval func(v any) truth) *expression {
		return &expression{text, []string{c.name}, func(row row) truth {
			if row[c.name] == nil {
				return isNull
			}
			return eval(row[c.name])
		}}
	}
	if chance(r, 10) {
		return onNull(c, name+" != null", func(v any) truth { return truthOf(v != nil) })
	}
	if chance(r, 10) {
		return onNull(c, name+" == null", func(v any) truth { return truthOf(v == nil) })
	}
	if d := pick(r, columns...); chance(r, 15) && d.name != c.name && haveOrder(c.kind, d.kind) && (!r.plain || c.kind == d.kind) {
		return compareColumns(r, c, d)
	}
	switch c.kind.class {
	case booleans:
		return one(name, func(v any) truth { return truthOf(v.(bool)) })
	case integers:
		if chance(r, 20) && c.kind != uint64Kind && !r.plain {
			return one(fmt.Sprintf("10 / %s >= 1", name), tenthAtLeastOne)
		}
		if chance(r, 20) && c.kind == int64Kind && !r.plain {
			return one(fmt.Sprintf("%s + 1 > 0", name), func(v any) truth {
				if v.(*big.Rat).Cmp(whole(math.MaxInt64)) == 0 {
					return isFailed
				}
				return truthOf(v.(*big.Rat).Sign() >= 0)
			})
		}
		if r.plain {
			return drawComparison(r, one, name, pick(r, "0", "1", "-3", "5", "127"))
		}
		return drawComparison(r, one, name, pick(r, "0", "1", "-3", "5", "2.5", "127", "9223372036854775807"))
	case decimals, floats:
		return drawComparison(r, one, name, pick(r, "0", "1", "-3", "0.05", "0.1", "2.5", "1.25", "1e22"))
	case texts:
		return drawTextAtom(r, one, name)
	case days:
		d := day(20_000 + r.Int64N(8))
		return drawOrder(r, one, name, fmt.Sprintf("date('%s')", dateText(d.time())), d)
	case locals, instants:
		suffix := ""
		if c.kind.class == instants {
			suffix = "Z"
		}
		m := drawNear(r, pick(r, time.Millisecond, time.Microsecond)).(moment)
		return drawOrder(r, one, name, fmt.Sprintf("timestamp('%s')", momentText(m, suffix)), m)
	}
	return onNull(c, name+" == null", func(v any) truth { return truthOf(v == nil) })
}

// onNull is a condition that sees NULL.
func onNull(c typed, text string, eval func(v any) truth) *expression {
	return &expression{text, []string{c.name}, func(row row) truth { return eval(row[c.name]) }}
}

// operators are comparisons of what has an order; what has none differs.
var operators = map[string]func(c int) bool{
	"==": func(c int) bool { return c == 0 }, "!=": func(c int) bool { return c != 0 },
	"<": func(c int) bool { return c < 0 }, "<=": func(c int) bool { return c <= 0 }, ">": func(c int) bool { return c > 0 }, ">=": func(c int) bool { return c >= 0 },
}

func compareBy(symbol string, a, b any) truth {
	c, ok := compare(a, b)
	if !ok {
		return truthOf(symbol == "!=")
	}
	return truthOf(operators[symbol](c))
}

type onValue = func(text string, eval func(v any) truth) *expression

func drawOrder(r *dice, one onValue, name, text string, value any) *expression {
	symbol := pick(r, "==", "!=", "<", "<=", ">", ">=")
	return one(fmt.Sprintf("%s %s %s", name, symbol, text), func(v any) truth { return compareBy(symbol, v, value) })
}

// drawComparison compares a column of numbers with a constant: one of floats with the nearest float.
func drawComparison(r *dice, one onValue, name, text string) *expression {
	symbol := pick(r, "==", "!=", "<", "<=", ">", ">=")
	f, _ := strconv.ParseFloat(text, 64)
	return one(fmt.Sprintf("%s %s %s", name, symbol, text), func(v any) truth {
		if _, isFloat := v.(float64); isFloat && strings.ContainsAny(text, ".e") {
			return compareBy(symbol, v, f)
		}
		return compareBy(symbol, v, number(text))
	})
}

// tenthAtLeastOne is 10 / v >= 1, in integers.
func tenthAtLeastOne(v any) truth {
	n := v.(*big.Rat)
	if n.Sign() == 0 {
		return isFailed
	}
	return truthOf(n.Sign() > 0 && n.Cmp(whole(10)) <= 0)
}

func drawTextAtom(r *dice, one onValue, name string) *expression {
	text := pick(r, "a", "b", "ab", "", "é", "it's", "1", "a\"b\\", "😀")
	onText := func(format string, test func(s string) bool) *expression {
		return one(fmt.Sprintf(format, name, cel(text)), func(v any) truth { return truthOf(test(v.(string))) })
	}
	which := r.IntN(7)
	if r.plain {
		which = pick(r, 2, 3, 5)
	}
	switch which {
	case 0:
		return onText("%s.contains(%s)", func(s string) bool { return strings.Contains(s, text) })
	case 1:
		return onText("%s.startsWith(%s)", func(s string) bool { return strings.HasPrefix(s, text) })
	case 2:
		return onText("%[1]s in [%[2]s, 'abc']", func(s string) bool { return s == text || s == "abc" })
	case 3:
		p := drawPattern(r)
		return one(fmt.Sprintf("%s.matches(%s)", name, cel(p.text)), func(v any) truth { return truthOf(p.matches(v.(string))) })
	case 4:
		return one(name+".size() <= 2", func(v any) truth { return truthOf(utf8.RuneCountInString(v.(string)) <= 2) })
	}
	return drawOrder(r, one, name, cel(text), text)
}

// haveOrder says whether the values of two kinds have an order among each other.
func haveOrder(a, b *kind) bool {
	isNumber := func(k *kind) bool { return k.isExact() || k.class == floats }
	return isNumber(a) && isNumber(b) || a.class == b.class && a.class != none
}

func compareColumns(r *dice, c, d typed) *expression {
	symbol := pick(r, "==", "!=", "<", "<=", ">", ">=")
	return &expression{fmt.Sprintf("%s %s %s", celName(r, c.name), symbol, celName(r, d.name)), []string{c.name, d.name}, func(row row) truth {
		if row[c.name] == nil || row[d.name] == nil {
			return isNull
		}
		return compareBy(symbol, row[c.name], row[d.name])
	}}
}
