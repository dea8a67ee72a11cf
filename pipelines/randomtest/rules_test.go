package randomtest

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// typed is a column as rules see it.
type typed struct {
	name string
	kind *kind
}

// row is a row as rules see it: values by column.
type row map[string]any

// rule is a rule, and what it means.
type rule struct {
	yaml     string // but for its name and on_fail
	given    string // name
	name     string // as reports have it
	onFail   string
	uses     []string // columns
	expected string   // of a row that breaks it
	broken   func(r row) bool
	isExpr   bool
}

func (r *rule) write() string {
	keys := []string{r.yaml}
	if r.given != "" {
		keys = append(keys, "name: "+yaml(r.given))
	}
	if r.onFail != "reject" {
		keys = append(keys, "on_fail: "+r.onFail)
	}
	return "{" + strings.Join(keys, ", ") + "}"
}

// drawRule draws a rule over the columns of a table.
func drawRule(r *dice, columns []typed) *rule {
	drawn := columnRule(r, pick(r, columns...))
	if chance(r, 30) {
		drawn = exprRule(drawExpression(r, columns))
	}
	drawn.onFail = pick(r, "reject", "reject", "reject", "warn", "warn")
	if chance(r, 3) {
		drawn.onFail = "fail"
	}
	if chance(r, 30) {
		drawn.given = pick(r, tableNames...)
		drawn.name = drawn.given
	}
	return drawn
}

func columnRule(r *dice, column typed) *rule {
	conditions := drawConditions(r, column.kind)
	keys, words := []string{"column: " + yaml(column.name)}, []string{}
	for _, c := range conditions {
		keys, words = append(keys, c.yaml), append(words, c.words)
	}
	expected := strings.Join(words, " and ")
	return &rule{
		yaml: strings.Join(keys, ", "), uses: []string{column.name}, expected: expected, name: column.name + " " + expected,
		broken: func(row row) bool {
			v := row[column.name]
			if v == nil {
				return conditions[0].words == isNotNull.words
			}
			return slices.ContainsFunc(conditions, func(c condition) bool { return !c.passes(v) })
		},
	}
}

// notNull is the rule that nullable: false makes.
func notNull(column string) *rule {
	return &rule{
		uses: []string{column}, name: column + " not null", expected: "not null", onFail: "reject",
		broken: func(row row) bool { return row[column] == nil },
	}
}

// canBeStored is the rule that keeps out what a column cannot store.
func canBeStored(column string, k *kind) *rule {
	return &rule{
		uses: []string{column}, name: column + " can be stored", expected: fmt.Sprintf(">= %s and <= %s", k.lowest, k.highest), onFail: "reject",
		broken: func(row row) bool {
			v := row[column]
			if v == nil {
				return false
			}
			low, _ := compare(v, k.low)
			high, _ := compare(v, k.high)
			return low < 0 || high > 0
		},
	}
}

func exprRule(e *expression) *rule {
	line := strings.Join(strings.Fields(e.text), " ")
	if utf8.RuneCountInString(line) > 200 {
		line = string([]rune(line)[:200]) + "…"
	}
	return &rule{
		yaml: "expr: " + yaml(e.text), uses: e.uses, name: line, expected: line, isExpr: true,
		broken: func(row row) bool { t := e.eval(row); return t == isFalse || t == isFailed },
	}
}

// reason is what is said of a row that breaks a rule.
func (r *rule) reason(row row, kinds map[string]*kind) string {
	if !r.isExpr {
		return fmt.Sprintf("found %s, expected %s", found(row[r.uses[0]], kinds[r.uses[0]]), r.expected)
	}
	return fmt.Sprintf("found %s, expected %s", foundAll(row, r.uses, kinds), r.expected)
}

func foundAll(row row, columns []string, kinds map[string]*kind) string {
	var parts []string
	for _, name := range columns {
		parts = append(parts, name+" = "+found(row[name], kinds[name]))
	}
	return strings.Join(parts, ", ")
}

// found is a value as reasons show it.
func found(v any, k *kind) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case bool:
		return strconv.FormatBool(v)
	case *big.Rat:
		return numberText(v, k)
	case float64:
		bits := 64
		if k.arrow == float32Kind.arrow {
			bits = 32
		}
		return strconv.FormatFloat(v, 'g', -1, bits)
	case string:
		if k.class == jsons {
			return anyValue
		}
		return shortened(strconv.Quote(v))
	case blob:
		return shortened("0x" + hex.EncodeToString([]byte(v)))
	case day:
		return dateText(v.time())
	case moment:
		suffix := ""
		if k.class == instants {
			suffix = "Z"
		}
		return momentText(v, suffix)
	case clock:
		return clockText(v, k)
	}
	return anyValue
}

// clockText is a time of day, or one up to a hundred hours, with all digits of its unit.
func clockText(v clock, k *kind) string {
	digits := len(strings.TrimPrefix(k.highest, "23:59:59"))
	return fmt.Sprintf("%02d", v/clock(time.Hour)) + time.Unix(0, int64(v)).UTC().Format(":04:05.000000000"[:len(":04:05")+digits])
}

// anyValue stands for a value that reasons show in a form of its own: nested ones.
const anyValue = "<any>"

func shortened(text string) string {
	if utf8.RuneCountInString(text) <= 200 {
		return text
	}
	return string([]rune(text)[:200]) + "…"
}
