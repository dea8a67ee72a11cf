package expr_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/expr"
	"hyperlake/internal/failure"
)

// TestErrorsAreForPeople: every error says where and what, and its hint what to write.
func TestErrorsAreForPeople(t *testing.T) {
	t.Parallel()
	schema := schemaOf(t,
		"amount", &arrow.Decimal128Type{Precision: 10, Scale: 2}, "n", arrow.PrimitiveTypes.Int64, "name", arrow.BinaryTypes.String,
		"day", arrow.FixedWidthTypes.Date32, "local", &arrow.TimestampType{Unit: arrow.Microsecond}, "instant", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"},
		"tags", arrow.ListOf(arrow.BinaryTypes.String), "my column", arrow.PrimitiveTypes.Int64, "twice", arrow.PrimitiveTypes.Int64, "twice", arrow.PrimitiveTypes.Int64,
	)
	for _, c := range []struct{ text, message, hint string }{
		{"", "the expression is empty", "amount > 0"},
		{"\xff > 1", "not UTF-8", "UTF-8"},
		{"amont > 1", "character 1: there is no column amont", "did you mean amount?"},
		{"amount > 1 &&\n  namee == 'x'", "line 2, character 3: there is no column namee", "did you mean name?"},
		{"mycolumn > 1", "there is no column mycolumn", "did you mean `my column`?"},
		{"in > 1", "character 1", "`my column`"},
		{"while > 1", "character 1: while is a word of the language", "`while` or col(\"while\")"},
		{"amount >", "character 9: ", "CEL"},
		{"amount = 1", "character 8: ", "CEL"},
		{"`my column > 1", "unterminated quoted identifier", "backticks"},
		{"tags == 'x'", "column tags is of type list", "nested: json"},
		{"twice > 1", "there are 2 columns twice", "rename"},
		{"amount", "amount is of type decimal(10,2), not a condition", "amount != null"},
		{"null", "null is not a condition", "== null"},
		{"amount > 1 && n", "character 12: n is of type integer, not a condition", "n != null"},
		{"amount > 'x'", "> compares decimal(10,2) with text", "without quotation marks"},
		{"name == 5", "== compares text with integer", "quotation marks"},
		{"day > '2026-01-01'", "> compares date with text", "date(…)"},
		{"day > timestamp('2026-01-01T00:00:00')", "date with timestamp without time zone", "date('…')"},
		{"local > date('2026-01-01')", "timestamp without time zone with date", "timestamp('…'), or compare the date: date(local)"},
		{"local > instant", "without time zone with timestamp with time zone", "{type: timestamptz}"},
		{"local > timestamp('2026-01-01T00:00:00Z')", "compares", "leave it out of the constant too"},
		{"instant > timestamp('2026-01-01T00:00:00')", "compares", "write one in the constant too"},
		{"day == date('2026-02-30')", "character 12: date(\"2026-02-30\") has no value", "date('2026-01-31')"},
		{"n == 1 / 0", "(1 / 0) has no value", "correct"},
		{"n < null", "nothing is less or greater than null", "== null"},
		{"n in []", "the list is empty", "list the values"},
		{"n in amount", "in wants a list", "in [1, 2, 3]"},
		{"n in [1, amount]", "the values of a list are constants", "n == amount"},
		{"n in [1, 'x']", "the list holds a value of type text", "without quotation marks"},
		{"[1] == [1]", "a list can only stand after in", "column in"},
		{"{1: 2}[1] == 2", "maps and messages are not part", "condition"},
		{"n + name == 1", "there is no integer + text", "convert"},
		{"amount % 2 == 0", "there is no decimal(10,2) % integer", "convert"},
		{"-name == 'x'", "there is no negative of name", "subtract"},
		{"name.startWith('x')", "there is no function startWith", "did you mean startsWith?"},
		{"name.startsWith(1)", "startsWith does not take text, integer", "text.startsWith(text)"},
		{"size() == 1", "size does not take nothing", "size(text)"},
		{"name.matches('(')", "missing closing )", "correct"},
		{"name.matches(name)", "the pattern is not a constant", "correct"},
		{"n == 9223372036854775808", "invalid int literal", "CEL"},
		{"(n > 1 ? 1 : 'x') == 1", "the two sides of : are of type integer and text", "convert"},
		{"name.tag.size() > 1", "there is no column name.tag", "did you mean name?"},
		{"col(n) == 1", "col wants the name of one column", "col(\"my column\")"},
		{strings.Repeat("(", 1000) + "n", "too big", "split"},
	} {
		_, err := expr.Compile(c.text, schema, time.Time{})
		require.Error(t, err, c.text)
		require.ErrorContains(t, err, c.message, c.text)
		problem := failure.Of(err, "")
		assert.Equal(t, failure.Config, problem.Kind, c.text)
		assert.True(t, problem.Early, c.text)
		assert.Contains(t, problem.Hint, c.hint, c.text)
	}
}

func TestLongLists(t *testing.T) {
	t.Parallel()
	schema := schemaOf(t, "n", arrow.PrimitiveTypes.Int64, "s", arrow.BinaryTypes.String)
	var numbers, texts []string
	for i := range 100_000 {
		numbers, texts = append(numbers, fmt.Sprint(2*i)), append(texts, fmt.Sprintf("'k%d'", 2*i))
	}
	p := compile(t, fmt.Sprintf("n in [%s] && s in [%s]", strings.Join(numbers, ","), strings.Join(texts, ",")), schema)
	assert.Equal(t, "TFF", eval(t, p, record(t, schema, `[199998, 199997, 2]`, `["k4", "k4", "k5"]`)))
	for range 100 { // row groups
		require.False(t, p.MayBeTrue(func(string) expr.Range { return expr.Range{Bounds: fromJSON(t, arrow.PrimitiveTypes.Int64, `[3, 3]`)} }))
	}
	assert.Equal(t, "TFN", eval(t, compile(t, "n in ["+strings.Join(numbers, ",")+"]", schema), record(t, schema, `[0, 199999, null]`, `["", "", ""]`)))
}

// FuzzCompile: no text makes Compile, Eval or MayBeTrue panic, and what compiles means
// the same in both ways.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		"i64 > 1 && text == 'a' || !(dec < 0.05)", "`my column` in [1, null]", "text.matches('a+') ? flag : dec4 * dec >= 1e3", "r'\\' != \"\"\"x\"\"\"",
		"timestamp('2026-01-31T00:00:00Z') < tsn - duration('1h')", "text.replace('', 'x').size() > 3 // `", "-9223372036854775808 % i64 == -1", "b'\\xff' != bin",
		"date(text) < day", "huge * huge * huge > 1.5e20", "string(ts).substring(i8) == dict",
	} {
		f.Add(seed)
	}
	schema := hostileSchema(f)
	r := hostileRecord(f, rand.New(rand.NewPCG(5, 6)), schema, 5)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := expr.Compile(text, schema, time.Time{})
		if err != nil {
			require.NotEmpty(t, failure.Of(err, "").Hint, "%q: %v", text, err)
			return
		}
		require.NoError(t, expr.Check(text, time.Time{}), text)
		require.NotContains(t, eval(t, p, r), "?")
		p.MayBeTrue(func(string) expr.Range { return expr.Range{} })
	})
}
