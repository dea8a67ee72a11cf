package validate_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/transforms/validate"
)

// oracleRow is a row whose values are NULL where they are nil.
type oracleRow struct {
	s    *string
	f    *float64
	n, m *int64
	d, e *int32
}

// judgedRule is a rule and, written without this package's means, whether a row passes it.
type judgedRule struct {
	rule   string
	passes func(r oracleRow) bool
}

// onText is a judgement of text that lets NULL pass; onFloat of floats.
func onText(test func(s string) bool) func(oracleRow) bool {
	return func(r oracleRow) bool { return r.s == nil || test(*r.s) }
}

func onFloat(test func(f float64) bool) func(oracleRow) bool {
	return func(r oracleRow) bool { return r.f == nil || test(*r.f) }
}

func countCharacters(s string) int {
	n := 0
	for range s {
		n++
	}
	return n
}

func isWord(b byte) bool {
	return b == '_' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

func quotientAtLeastOne(r oracleRow) bool {
	switch {
	case r.n == nil || r.m == nil:
		return true
	case *r.m == 0 || *r.n == math.MinInt64 && *r.m == -1: // not possible
		return false
	default:
		return *r.n / *r.m >= 1
	}
}

var judgedRules = []judgedRule{
	{`{column: s, not_null: true}`, func(r oracleRow) bool { return r.s != nil }},
	{`{column: s, max_length: 3}`, onText(func(s string) bool { return countCharacters(s) <= 3 })},
	{`{column: s, min_length: 2}`, onText(func(s string) bool { return countCharacters(s) >= 2 })},
	{`{column: s, not_null: true, min_length: 1, max_length: 4}`, func(r oracleRow) bool {
		return r.s != nil && countCharacters(*r.s) >= 1 && countCharacters(*r.s) <= 4
	}},
	{`{column: s, matches: "^[a-z]*$"}`, onText(func(s string) bool { return strings.Trim(s, "abz") == "" })},
	{`{column: s, matches: "b"}`, onText(func(s string) bool { return strings.Contains(s, "b") })},
	{`{column: s, matches: "é$"}`, onText(func(s string) bool { return strings.HasSuffix(s, "é") })},
	{`{column: s, matches: "^.{2,3}$"}`, onText(func(s string) bool {
		return countCharacters(s) >= 2 && countCharacters(s) <= 3 && !strings.Contains(s, "\n")
	})},
	{`{column: s, matches: '\d', max_length: 5}`, onText(func(s string) bool { return strings.Contains(s, "1") && countCharacters(s) <= 5 })},
	{`{column: s, matches: 'a\b'}`, onText(func(s string) bool {
		for i := range len(s) {
			if s[i] == 'a' && (i+1 == len(s) || !isWord(s[i+1])) {
				return true
			}
		}
		return false
	})},
	{`{column: s, in: [a, b, "", é]}`, onText(func(s string) bool { return len(s) <= 1 && strings.Trim(s, "ab") == "" || s == "é" })},
	{`{column: f, finite: true}`, onFloat(func(f float64) bool { return f-f == 0 })},
	{`{column: f, not_null: true, finite: true, min: 0}`, func(r oracleRow) bool { return r.f != nil && *r.f-*r.f == 0 && *r.f >= 0 }},
	{`{column: n, finite: true}`, func(oracleRow) bool { return true }},
	{`{column: n, in: [0, 1, -9223372036854775808]}`, func(r oracleRow) bool {
		return r.n == nil || *r.n == 0 || *r.n == 1 || *r.n == math.MinInt64
	}},
	{`{expr: "!(f > 0.0)"}`, onFloat(func(f float64) bool { return math.IsNaN(f) || f <= 0 })},
	{`{expr: d <= e}`, func(r oracleRow) bool { return r.d == nil || r.e == nil || *r.d <= *r.e }},
	{`{expr: n / m >= 1}`, quotientAtLeastOne},
	{`{expr: n == null || m != null}`, func(r oracleRow) bool { return r.n == nil || r.m != nil }},
	{`{expr: s.contains('a') || n > 0}`, func(r oracleRow) bool {
		return r.s == nil || r.n == nil || strings.Contains(*r.s, "a") || *r.n > 0
	}},
}

func maybe[T any](r *rand.Rand, value T) *T {
	if r.IntN(6) == 0 {
		return nil
	}
	return &value
}

func randomRow(r *rand.Rand) oracleRow {
	pieces := []string{"a", "b", "z", "1", "é", "e\u0301", "\U0001f600", " ", "\n", "\xff", "\xc3"}
	var s strings.Builder
	for range r.IntN(5) {
		s.WriteString(pieces[r.IntN(len(pieces)-2*r.IntN(2))])
	}
	numbers := []int64{0, 1, -1, 2, math.MinInt64, math.MaxInt64}
	return oracleRow{
		s: maybe(r, s.String()), f: maybe(r, oracleFloat(r)),
		n: maybe(r, numbers[r.IntN(6)]), m: maybe(r, numbers[r.IntN(6)]), d: maybe(r, r.Int32N(3)), e: maybe(r, r.Int32N(3)),
	}
}

var oracleTexts = []arrow.DataType{
	arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView,
	&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.BinaryTypes.String},
}

// recordOf makes a record of rows, as the end of one that has some more before.
func recordOf(t testing.TB, text arrow.DataType, before, rows []oracleRow) arrow.Record {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "s", Type: text, Nullable: true}, {Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, {Name: "m", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "d", Type: arrow.FixedWidthTypes.Date32, Nullable: true}, {Name: "e", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
	}, nil))
	for _, row := range slices.Concat(before, rows) {
		appendText(t, builder.Field(0), row.s)
		appendValue(builder.Field(1), row.f, builder.Field(1).(*array.Float64Builder).Append)
		appendValue(builder.Field(2), row.n, builder.Field(2).(*array.Int64Builder).Append)
		appendValue(builder.Field(3), row.m, builder.Field(3).(*array.Int64Builder).Append)
		appendValue(builder.Field(4), row.d, func(day int32) { builder.Field(4).(*array.Date32Builder).Append(arrow.Date32(day)) })
		appendValue(builder.Field(5), row.e, func(day int32) { builder.Field(5).(*array.Date32Builder).Append(arrow.Date32(day)) })
	}
	whole := builder.NewRecord()
	return whole.NewSlice(int64(len(before)), whole.NumRows())
}

func appendValue[T any](builder array.Builder, value *T, add func(T)) {
	if value == nil {
		builder.AppendNull()
		return
	}
	add(*value)
}

func appendText(t testing.TB, builder array.Builder, value *string) {
	appendValue(builder, value, func(s string) {
		switch b := builder.(type) {
		case *array.BinaryDictionaryBuilder:
			require.NoError(t, b.AppendString(s))
		case array.StringLikeBuilder:
			b.Append(s)
		}
	})
}

// TestWholeRowsAgreeWithARowByRowEvaluation compares which rows are kept, why the others
// are not, and how many broke each rule, when rows break any number of rules.
func TestWholeRowsAgreeWithARowByRowEvaluation(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 12))
	many := 0 // rows that broke several rules
	for i := range 400 {
		rows := make([]oracleRow, 1+r.IntN(150))
		for j := range rows {
			rows[j] = randomRow(r)
		}
		var before []oracleRow
		for range r.IntN(70) {
			before = append(before, randomRow(r))
		}
		in := recordOf(t, oracleTexts[i%len(oracleTexts)], before, rows)
		var text strings.Builder
		var chosen []judgedRule
		var warns []bool
		for range 1 + r.IntN(4) {
			judged, warn := judgedRules[r.IntN(len(judgedRules))], r.IntN(4) == 0
			chosen, warns = append(chosen, judged), append(warns, warn)
			fmt.Fprintf(&text, "- {%s, on_fail: %s}\n", strings.Trim(judged.rule, "{}"), map[bool]string{true: "warn", false: "reject"}[warn])
		}
		chosen = append(chosen, judgedRule{"valid utf-8", onText(utf8.ValidString)})
		want := judgeRows(rows, chosen, append(warns, false))

		v, err := validate.Compile(validate.Ruleset{Rules: parseRules(t, text.String())}, in.Schema())
		require.NoError(t, err, text.String())
		good, rejects, err := v.Apply(batch.Batch{Record: in, Tally: batch.Tally{Read: in.NumRows()}})
		require.NoError(t, err, text.String())
		if rejects == nil {
			rejects = &batch.Rejects{}
		}
		require.Equal(t, want.failed, good.Tally.Failed, text.String())
		require.Equal(t, want.rejected, rejects.Rows, text.String())
		require.Equal(t, want.reasons, rejects.Rules, text.String())
		require.EqualValues(t, len(rows)-len(want.rejected), good.Record.NumRows())
		for _, rules := range want.reasons {
			if len(rules) > 1 {
				many++
			}
		}
	}
	assert.Greater(t, many, 1000, "the test is about rows that break several rules, too")
}

// verdict is what becomes of rows.
type verdict struct {
	failed   []int64 // by rule
	rejected []int64
	reasons  [][]int // of the rejected
}

func judgeRows(rows []oracleRow, rules []judgedRule, warns []bool) verdict {
	out := verdict{failed: make([]int64, len(rules))}
	for at, row := range rows {
		var broken []int
		gone := false
		for i, rule := range rules {
			if !rule.passes(row) {
				broken = append(broken, i)
				out.failed[i]++
				gone = gone || !warns[i]
			}
		}
		if gone {
			out.rejected = append(out.rejected, int64(at))
			out.reasons = append(out.reasons, broken)
		}
	}
	return out
}
