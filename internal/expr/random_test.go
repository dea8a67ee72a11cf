package expr_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator writes random conditions over the columns of hostileSchema.
type generator struct {
	*rand.Rand
}

func (g generator) oneOf(list ...string) string { return list[g.IntN(len(list))] }

func (g generator) condition(depth int) string {
	if depth <= 0 {
		return g.comparison(0)
	}
	switch g.IntN(9) {
	case 0:
		return fmt.Sprintf("(%s && %s)", g.condition(depth-1), g.condition(depth-1))
	case 1:
		return fmt.Sprintf("(%s || %s)", g.condition(depth-1), g.condition(depth-1))
	case 2:
		return fmt.Sprintf("!(%s)", g.condition(depth-1))
	case 3:
		return fmt.Sprintf("(%s ? %s : %s)", g.condition(depth-1), g.condition(depth-1), g.condition(depth-1))
	case 4:
		return fmt.Sprintf("(%s %s null)", g.any(depth-1), g.oneOf("==", "!="))
	case 5:
		return fmt.Sprintf("(%s %s %s)", g.condition(depth-1), g.operator(), g.condition(depth-1))
	default:
		return g.comparison(depth - 1)
	}
}

func (g generator) operator() string { return g.oneOf("==", "!=", "<", "<=", ">", ">=") }

func (g generator) comparison(depth int) string {
	compare := func(value func(int) string, constants []string) string {
		if len(constants) == 0 {
			return fmt.Sprintf("(%s %s %s)", value(depth), g.operator(), value(depth))
		}
		switch g.IntN(4) {
		case 0:
			return fmt.Sprintf("(%s in [%s])", value(depth), strings.Join(g.some(constants), ", "))
		case 1:
			return fmt.Sprintf("(%s %s %s)", value(depth), g.operator(), value(depth))
		}
		return fmt.Sprintf("(%s %s %s)", value(depth), g.operator(), g.oneOf(constants...))
	}
	switch g.IntN(11) {
	case 0, 1, 2, 3:
		return compare(g.number, append([]string{"double('NaN')", "double('Inf')", "1e30"}, numbers...))
	case 4, 5:
		return compare(g.text, []string{"''", "'a'", "'abc'", "'äb'", "'日'", "'B'"})
	case 6:
		return fmt.Sprintf("%s.%s(%s)", g.text(depth), g.oneOf("startsWith", "endsWith", "contains"), g.oneOf("''", "'a'", "'b'", "'日'", "'abc'", "text"))
	case 7:
		return fmt.Sprintf("%s.matches(%s)", g.text(depth), g.oneOf("'a.c'", "'^$'", "r'\\d'", "'(?i)b'"))
	case 8:
		return compare(g.date, []string{"date('1970-01-01')", "date('2026-01-31')", "date('9999-12-31')"})
	case 9:
		return compare(g.zoned, []string{"timestamp('2026-01-31T00:00:00Z')", "timestamp('2026-01-31T00:00:00.0005Z')", "timestamp('1969-12-31T23:59:59.999999999Z')"})
	default:
		return compare(g.moment(depth), nil)
	}
}

// moment compares what has no constants of its own worth a case.
func (g generator) moment(int) func(int) string {
	switch g.IntN(4) {
	case 0:
		return func(int) string {
			return g.oneOf("ts", "tss", "timestamp(day)", "(ts + duration('90m'))", "timestamp('2026-01-31T12:00:00')")
		}
	case 1:
		return func(int) string { return g.oneOf("time", "time64") }
	case 2:
		return func(int) string {
			return g.oneOf("dur", "(ts - tss)", "(day - day64)", "(dur + dur)", "-dur", "duration('1h')", "duration('500us')")
		}
	default:
		return func(int) string { return g.oneOf("bin", "fixed", "b'ab'", "b''", "(bin + fixed)") }
	}
}

// some takes constants, and now and then a NULL, for a list.
func (g generator) some(constants []string) []string {
	list := []string{g.oneOf(append([]string{"null"}, constants...)...)}
	for range g.IntN(12) {
		list = append(list, g.oneOf(constants...))
	}
	return list
}

var numbers = []string{"0", "1", "-1", "7", "-7", "0.5", "-0.5", "0.05", "2.25", "3.0", "127", "-128", "18446744073709551615u", "9223372036854775807", "-9223372036854775808", "9999999999999.99", "3u"}

func (g generator) number(depth int) string {
	if depth <= 0 || g.IntN(3) == 0 {
		return g.oneOf(append([]string{"i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "f32", "f64", "dec", "dec4", "big", "huge"}, numbers[:4]...)...)
	}
	switch g.IntN(8) {
	case 0, 1, 2:
		return fmt.Sprintf("(%s %s %s)", g.number(depth-1), g.oneOf("+", "-", "*", "/", "%"), g.oneOf(g.number(depth-1), g.oneOf(numbers...)))
	case 3:
		return fmt.Sprintf("-%s", g.oneOf("i8", "i64", "f64", "dec", "big", "huge"))
	case 4:
		return fmt.Sprintf("(%s ? %s : %s)", g.condition(depth-1), g.number(depth-1), g.oneOf(g.number(depth-1), "null"))
	case 5:
		return fmt.Sprintf("%s(%s)", g.oneOf("int", "double"), g.oneOf(g.number(depth-1), g.text(depth-1)))
	case 6:
		return fmt.Sprintf("%s.%s()", g.oneOf("ts", "tsz", "tsn"), g.oneOf("getFullYear", "getMonth", "getDate", "getDayOfWeek", "getHours", "getMilliseconds"))
	default:
		return g.oneOf(fmt.Sprintf("size(%s)", g.text(depth-1)), fmt.Sprintf("%s.indexOf(%s)", g.text(depth-1), g.text(depth-1)))
	}
}

func (g generator) text(depth int) string {
	if depth <= 0 || g.IntN(3) == 0 {
		return g.oneOf("text", "large", "view", "dict", "'abc'")
	}
	switch g.IntN(6) {
	case 0:
		return fmt.Sprintf("(%s + %s)", g.text(depth-1), g.text(depth-1))
	case 1:
		return fmt.Sprintf("%s.%s()", g.text(depth-1), g.oneOf("trim", "lowerAscii", "upperAscii"))
	case 2:
		return fmt.Sprintf("%s.substring(%d)", g.text(depth-1), g.IntN(3))
	case 3:
		return fmt.Sprintf("string(%s)", g.any(depth-1))
	case 4:
		return fmt.Sprintf("(%s ? %s : %s)", g.condition(depth-1), g.text(depth-1), g.oneOf(g.text(depth-1), "null"))
	default:
		return fmt.Sprintf("%s.replace(%s, %s)", g.text(depth-1), g.oneOf("'a'", "''", "dict"), g.text(depth-1))
	}
}

func (g generator) date(int) string {
	return g.oneOf("day", "day64", "dictday", "date(ts)", "date(tss)", "date(tsz)", "date(tsn)", "date(text)", "date(day + duration('36h'))", "(flag ? day : day64)")
}

func (g generator) zoned(int) string {
	return g.oneOf("tsz", "tsn", "(tsz + duration('1ns'))", "(tsn - duration('24h'))", "(flag2 ? tsz : tsn)")
}

func (g generator) any(depth int) string {
	switch g.IntN(5) {
	case 0:
		return g.text(depth)
	case 1:
		return g.date(depth)
	case 2:
		return g.zoned(depth)
	case 3:
		return g.oneOf("flag", "flag2", "time", "dur", "bin", "huge", "dict")
	default:
		return g.number(depth)
	}
}
