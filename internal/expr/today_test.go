package expr_test

import (
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/expr"
	"hyperlake/internal/failure"
)

// today() is what date('…') is of that day: for rows, ranges, SQL and types.
func TestToday(t *testing.T) {
	t.Parallel()
	schema := schemaOf(t, "day", arrow.FixedWidthTypes.Date32, "local", &arrow.TimestampType{Unit: arrow.Microsecond}, "n", arrow.PrimitiveTypes.Int64, "today", arrow.PrimitiveTypes.Int64)
	for _, c := range []struct{ text, same string }{
		{"day >= today()", "day >= date('2026-03-01')"},
		{"day >= date(today() - duration('48h'))", "day >= date('2026-02-27')"},
		{"date(local) == today() || n > 3", "date(local) == date('2026-03-01') || n > 3"},
		{"n == today().getFullYear()", "n == 2026"},
		{"day in [today(), date('2026-01-01')]", "day in [date('2026-03-01'), date('2026-01-01')]"},
	} {
		for _, today := range []time.Time{
			time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC),
			time.Date(2026, 3, 2, 1, 0, 0, 0, time.FixedZone("", 2*60*60)),
		} {
			got, err := expr.Compile(c.text, schema, today)
			require.NoError(t, err, c.text)
			want, err := expr.Compile(c.same, schema, time.Time{})
			require.NoError(t, err, c.same)
			gotSQL, gotOK := got.SQL()
			wantSQL, wantOK := want.SQL()
			assert.Equal(t, wantSQL, gotSQL, c.text)
			assert.Equal(t, wantOK, gotOK, c.text)
			assert.True(t, got.UsesToday())
			assert.False(t, want.UsesToday())
		}
	}
	plain, err := expr.Compile("today > 1", schema, time.Now())
	require.NoError(t, err)
	assert.False(t, plain.UsesToday(), "a column is no function")

	for text, message := range map[string]string{
		"day >= today(1)": "character 13: today takes nothing", "n >= today()": ">= compares integer with date", "day >= todai()": "there is no function todai",
	} {
		_, err := expr.Compile(text, schema, time.Now())
		require.ErrorContains(t, err, message)
		assert.Equal(t, failure.Config, failure.Of(err, failure.Engine).Kind)
	}
	_, err = expr.Compile("day >= today()", schema, time.Time{})
	require.ErrorContains(t, err, "character 13: today() has no date here")
}
