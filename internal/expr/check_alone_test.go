package expr_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/expr"
	"hyperlake/internal/failure"
)

// TestCheckNeedsNoColumns: what is wrong whichever columns there are is found without them, in the words of Compile.
func TestCheckNeedsNoColumns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, message, hint string }{
		{"", "the expression is empty", "amount > 0"},
		{"amount >", "character 9: ", "CEL"},
		{"a > 1 &&\n  while > 1", "line 2, character 3: while is a word of the language", "`while`"},
		{"null", "null is not a condition", "== null"},
		{"1 + 1", "2 is of type integer, not a condition", "2 != null"},
		{"a > 1 && 5", "5 is of type integer, not a condition", "5 != null"},
		{"!today()", "is of type date, not a condition", "!= null"},
		{"(5 ? a : b) > 1", "5 is of type integer, not a condition", "5 != null"},
		{"a > 1 || day == date('2026-02-30')", "character 21: date(\"2026-02-30\") has no value", "date('2026-01-31')"},
		{"a == 1 / 0", "(1 / 0) has no value", "correct"},
		{"a == 1 + 'x'", "there is no integer + text", "convert"},
		{"a in []", "the list is empty", "list the values"},
		{"a in b", "in wants a list", "column in [1, 2, 3]"},
		{"a in [1, b.c]", "the values of a list are constants", "column == …"},
		{"a in [date('x')]", "has no value", "date('2026-01-31')"},
		{"[a] == [1]", "a list can only stand after in", "column in"},
		{"{a: 2}[1] == 2", "maps and messages are not part", "condition"},
		{"a.b.startWith('x')", "there is no function startWith", "did you mean startsWith?"},
		{"a.startsWith(1)", "startsWith does not take a column, integer", "text.startsWith(text)"},
		{"a.size(b) > 1", "size does not take a column, a column", "size(text)"},
		{"startsWith(a, 'x')", "startsWith does not take a column, text", "text.startsWith(text)"},
		{"a.matches('(')", "missing closing )", "correct"},
		{"a.matches(b)", "the pattern is not a constant", "correct"},
		{"col(a) == 1", "col wants the name of one column", "col(\"my column\")"},
		{"f(a).b == 1", "only columns have names with dots", "parentheses"},
		{"today(a) == b", "today takes nothing", "today()"},
	} {
		err := expr.Check(c.text, time.Unix(1, 0))
		require.Error(t, err, c.text)
		require.ErrorContains(t, err, c.message, c.text)
		assert.Contains(t, failure.Of(err, "").Hint, c.hint, c.text)
	}
	for _, text := range []string{
		"a", "a.b.c", "a > b", "a + b", "`my column` in [1, null, date('2026-01-31')]", "col(\"in\").trim().size() + 1 > n", "x == null ? y : z.w",
		"a.substring(1, n) == string(b)", "-a < -1", "date(a) <= today()", "true", "!(a || b.contains('x'))", "null in [1]",
	} {
		assert.NoError(t, expr.Check(text, time.Unix(1, 0)), text)
	}
}

// TestCheckRefusesNothingThatCompiles holds Check against conditions that are drawn at random.
func TestCheckRefusesNothingThatCompiles(t *testing.T) {
	t.Parallel()
	randomPrograms(t, 11, hostileSchema(t), func(text string, _ *expr.Program) {
		require.NoError(t, expr.Check(text, time.Time{}), text)
	})
}
