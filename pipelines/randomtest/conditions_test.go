package randomtest

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
)

// condition is a condition of a rule on a value that is not NULL, and what it means.
type condition struct {
	yaml   string
	words  string
	passes func(v any) bool
}

var isNotNull = condition{"not_null: true", "not null", func(any) bool { return true }}

// literal is a value as a rule has it.
type literal struct {
	text  string
	value any
}

func (l literal) yaml(r *dice) string {
	if _, err := strconv.ParseFloat(l.text, 64); err == nil && chance(r, 60) && !strings.HasPrefix(l.text, "+") {
		return l.text
	}
	return yaml(l.text)
}

// drawLiteral draws a value that a column of a kind can be compared with. It is often one of the
// column, and need not be one that it can hold.
func drawLiteral(r *dice, k *kind) literal {
	switch k.class {
	case integers, decimals:
		n := k.draw(r).(*big.Rat)
		if chance(r, 10) && !r.plain {
			n = new(big.Rat).Add(n, number(pick(r, "0.5", "0.001", "-1e-20", "1e30")))
		}
		return literal{strings.TrimSuffix(strings.TrimRight(n.FloatString(40), "0"), "."), n}
	case floats:
		return drawFloatLiteral(r, k)
	case texts:
		text := pick(r, "a", "b", "ab", "abc", "", "é", "it's", "1", "NULL", "a b, c", "😀", "${x}")
		return literal{text, text}
	case booleans:
		b := chance(r, 50)
		return literal{strconv.FormatBool(b), b}
	case days:
		if r.plain {
			d := day(20_000 + r.Int64N(8))
			return literal{dateText(d.time()), d}
		}
		for {
			if d := k.draw(r).(day); d >= firstDay && d <= lastDay {
				return literal{dateText(d.time()), d}
			}
		}
	case clocks:
		c := pick(r, clock(0), clock(43_200e9), clock(43_200e9+1e6))
		return literal{momentOf(int64(c), 1).time().Format("15:04:05.999999999"), c}
	}
	suffix := ""
	if k.class == instants {
		suffix = "Z"
	}
	if r.plain {
		m := drawNear(r, time.Millisecond).(moment)
		return literal{momentText(m, suffix), m}
	}
	for {
		if m := k.draw(r).(moment); m.seconds > int64(firstDay)*86_400 && m.seconds < int64(lastDay)*86_400 {
			return literal{momentText(m, suffix), m}
		}
	}
}

// drawFloatLiteral draws a number, which is rounded to the column's type unless that cannot hold it.
func drawFloatLiteral(r *dice, k *kind) literal {
	text := pick(r, "0", "0.1", "-0.1", "1", "-1.25", "2.5", "16777217", "1e22", "-0", "1e39", "1e400", ".inf", "-.inf")
	if r.plain {
		text = pick(r, "0", "0.1", "-0.1", "1", "-1.25", "2.5", "16777217", "1e22", "-0")
	}
	switch text {
	case ".inf":
		return literal{text, math.Inf(1)}
	case "-.inf":
		return literal{text, math.Inf(-1)}
	}
	bits := 64
	if k.arrow.ID() == arrow.FLOAT32 {
		bits = 32
	}
	f, err := strconv.ParseFloat(text, bits)
	if errors.Is(err, strconv.ErrRange) {
		return literal{text, number(text)}
	}
	return literal{text, f}
}

// drawConditions draws conditions on a column of a kind, in the order in which they are named.
func drawConditions(r *dice, k *kind) []condition {
	var drawn []condition
	if chance(r, 25) {
		drawn = append(drawn, isNotNull)
	}
	switch k.class {
	case clocks:
		if !r.plain {
			drawn = append(drawn, drawOrdered(r, k)...)
		}
	case booleans:
		if !r.plain {
			drawn = append(drawn, drawSet(r, k))
		}
	case integers, decimals, floats, days, locals, instants:
		drawn = append(drawn, drawOrdered(r, k)...)
	case texts:
		if chance(r, 30) {
			drawn = append(drawn, drawSet(r, k))
		}
		drawn = append(drawn, drawTextConditions(r)...)
	}
	if len(drawn) == 0 {
		drawn = append(drawn, isNotNull)
	}
	return drawn
}

// drawOrdered draws conditions on values that have an order. Between a least and a greatest value
// there has to be one.
func drawOrdered(r *dice, k *kind) []condition {
	var drawn []condition
	least, most := drawLiteral(r, k), drawLiteral(r, k)
	c, _ := compare(least.value, most.value)
	which := r.IntN(3)
	if which != 0 {
		drawn = append(drawn, condition{"min: " + least.yaml(r), ">= " + shown(least.text), func(v any) bool { c, ok := compare(v, least.value); return ok && c >= 0 }})
	}
	if which == 0 || which == 1 && c < 0 && !k.isExact() {
		drawn = append(drawn, condition{"max: " + most.yaml(r), "<= " + shown(most.text), func(v any) bool { c, ok := compare(v, most.value); return ok && c <= 0 }})
	}
	if chance(r, 20) {
		drawn = append(drawn, drawSet(r, k))
	}
	if k.class == floats && chance(r, 30) {
		drawn = append(drawn, condition{"finite: true", "finite", func(v any) bool { return infinity(v) == 0 }})
	}
	return drawn
}

// codes is a file of values, one a line.
const (
	codesFile = "codes.txt"
	codes     = "\ufeffa\r\nb\n\nabc\né\nit's\n1\n007\n"
)

// inCodes is the condition that text is in the file.
var inCodes = condition{"in_file: " + codesFile, "in file " + codesFile, func(v any) bool {
	return slices.Contains([]string{"a", "b", "abc", "é", "it's", "1", "007"}, v.(string))
}}

func drawSet(r *dice, k *kind) condition {
	if k.class == texts && chance(r, 25) && !r.plain {
		return inCodes
	}
	var set []literal
	var inYAML, inWords []string
	for range 1 + r.IntN(4) {
		l := drawLiteral(r, k)
		set = append(set, l)
		inYAML, inWords = append(inYAML, l.yaml(r)), append(inWords, shown(l.text))
	}
	return condition{fmt.Sprintf("in: [%s]", strings.Join(inYAML, ", ")), fmt.Sprintf("in [%s]", strings.Join(inWords, ", ")), func(v any) bool {
		for _, l := range set {
			if c, ok := compare(v, l.value); ok && c == 0 {
				return true
			}
		}
		return false
	}}
}

// pattern is a regular expression, and the same without it.
type pattern struct {
	text    string
	matches func(s string) bool
}

func drawPattern(r *dice) pattern {
	for {
		if p := pick(r, patterns...); !r.plain || !strings.HasPrefix(p.text, "(?i)") {
			return p
		}
	}
}

var patterns = []pattern{
	{"^[a-z]*$", func(s string) bool { return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == "" }},
	{"a", func(s string) bool { return strings.Contains(s, "a") }},
	{"é$", func(s string) bool { return strings.HasSuffix(s, "é") }},
	{"^.{1,3}$", func(s string) bool {
		n := utf8.RuneCountInString(s)
		return n >= 1 && n <= 3 && !strings.Contains(s, "\n")
	}},
	{"(?i)^NULL$", func(s string) bool { return strings.EqualFold(s, "null") }},
	{"^$", func(s string) bool { return s == "" }},
	{`\d`, func(s string) bool { return strings.ContainsAny(s, "0123456789") }},
	{"'", func(s string) bool { return strings.Contains(s, "'") }},
	{"^[^x]*$", func(s string) bool { return !strings.Contains(s, "x") }},
}

func drawTextConditions(r *dice) []condition {
	var drawn []condition
	if chance(r, 25) {
		n := r.IntN(3)
		drawn = append(drawn, condition{fmt.Sprintf("min_length: %d", n), "at least " + characters(n), func(v any) bool { return utf8.RuneCountInString(v.(string)) >= n }})
	}
	if chance(r, 30) {
		n := 2 + r.IntN(18)
		drawn = append(drawn, condition{fmt.Sprintf("max_length: %d", n), "at most " + characters(n), func(v any) bool { return utf8.RuneCountInString(v.(string)) <= n }})
	}
	if chance(r, 40) {
		p := drawPattern(r)
		drawn = append(drawn, condition{"matches: " + yaml(p.text), "matches " + p.text, func(v any) bool { return p.matches(v.(string)) }})
	}
	return drawn
}

func characters(n int) string {
	if n == 1 {
		return "1 character"
	}
	return fmt.Sprintf("%d characters", n)
}
