package validate_test

import (
	"encoding/json"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/convert"
	"hyperlake/internal/expr"
	"hyperlake/transforms/validate"
)

func apply(t *testing.T, table validate.Ruleset, in arrow.Record) (batch.Batch, *batch.Rejects, *validate.Validator) {
	t.Helper()
	v, err := validate.Compile(table, in.Schema())
	require.NoError(t, err)
	good, rejects, err := v.Apply(batch.Batch{Record: in, Origin: batch.Origin{FirstRow: 100}, Tally: batch.Tally{Read: in.NumRows()}})
	require.NoError(t, err)
	assert.Equal(t, good.Record.NumRows(), good.Tally.Left(), "the tally tells of the rows that are left")
	return good, rejects, v
}

// failed counts broken rules by name.
func failed(v *validate.Validator, tally batch.Tally) map[string]int64 {
	counts := map[string]int64{}
	for i, rule := range v.Rules() {
		if tally.Failed[i] > 0 {
			counts[rule.Name] = tally.Failed[i]
		}
	}
	return counts
}

func cells(arr arrow.Array) string {
	text, _ := json.Marshal(arr)
	return string(text)
}

// A value that does not convert is a reject that holds the value of the source. Rules on
// the column do not take it for a NULL.
func TestValuesThatDoNotConvertAreRejects(t *testing.T) {
	t.Parallel()
	in := record("n s",
		column(t, arrow.BinaryTypes.String, `["1", "x", null, "70", "y"]`),
		column(t, arrow.BinaryTypes.String, `["a", "b", "c", "d", "bad"]`))
	table := validate.Ruleset{
		Columns: []convert.Column{{Source: "n", Type: "bigint"}},
		Rules:   parseRules(t, "- {column: n, not_null: true}\n- {column: n, max: 50}\n- {column: s, in: [a, b, c, d]}\n"),
	}
	good, rejects, v := apply(t, table, in)
	assert.Equal(t, `[1]`, cells(good.Record.Column(0)))
	assert.Equal(t, arrow.INT64, good.Record.Column(0).DataType().ID())
	require.NotNil(t, rejects)
	assert.Equal(t, `["x",null,"70","y"]`, cells(rejects.Record.Column(0)), "as in the source")
	assert.Equal(t, []int64{101, 102, 103, 104}, rejects.Rows)
	assert.Equal(t, map[string]int64{
		"n does not convert to BIGINT": 2, "n not null": 1, "n <= 50": 1, "s in [a, b, c, d]": 1,
	}, failed(v, good.Tally))
	assert.Equal(t, [][]int{{3}, {0}, {1}, {2, 3}}, rejects.Rules)
	assert.Equal(t, [][]string{
		{`found "x", which does not convert to BIGINT`},
		{"found NULL, expected not null"},
		{"found 70, expected <= 50"},
		{`found "bad", expected in [a, b, c, d]`, `found "y", which does not convert to BIGINT`},
	}, rejects.Reasons)
}

func TestWhereLeavesOutWhatIsNotTrue(t *testing.T) {
	t.Parallel()
	in := record("n s",
		column(t, arrow.PrimitiveTypes.Int64, `[1, 2, null, 4, 5]`),
		column(t, arrow.BinaryTypes.String, `["a", "bad", "bad", "bad", "a"]`))
	table := validate.Ruleset{Where: "n >= 2", Rules: parseRules(t, "- {column: s, in: [a]}\n- {column: n, not_null: true}\n")}
	good, rejects, v := apply(t, table, in)
	assert.Equal(t, `[5]`, cells(good.Record.Column(0)))
	assert.Equal(t, []int64{101, 103}, rejects.Rows)
	assert.Equal(t, map[string]int64{"s in [a]": 2}, failed(v, good.Tally), "what is left out breaks no rule")
	assert.EqualValues(t, 2, good.Tally.Filtered)
	assert.EqualValues(t, 2, good.Tally.Rejected)
}

// Whether where is true of a value that did not convert, nobody knows.
func TestWhereDoesNotHideWhatDoesNotConvert(t *testing.T) {
	t.Parallel()
	in := record("n s",
		column(t, arrow.BinaryTypes.String, `["1", "x", "y", null, "9"]`),
		column(t, arrow.BinaryTypes.String, `["a", "a", "b", "a", "a"]`))
	table := validate.Ruleset{Columns: []convert.Column{{Source: "n", Type: "bigint"}}, Where: `n > 5 && s == "a"`}
	good, rejects, v := apply(t, table, in)
	assert.Equal(t, `[9]`, cells(good.Record.Column(0)))
	assert.Equal(t, []int64{101}, rejects.Rows, "the third row is left out, whatever n is")
	assert.EqualValues(t, 3, good.Tally.Filtered)
	assert.Equal(t, map[string]int64{"n does not convert to BIGINT": 1}, failed(v, good.Tally))
}

func TestWhereThatCannotBeEvaluatedIsAReject(t *testing.T) {
	t.Parallel()
	in := record("n", column(t, arrow.PrimitiveTypes.Int64, `[0, 1, 9]`))
	good, rejects, v := apply(t, validate.Ruleset{Where: "10 / n > 5"}, in)
	assert.Equal(t, `[1]`, cells(good.Record.Column(0)))
	assert.Equal(t, []int64{100}, rejects.Rows)
	assert.Equal(t, map[string]int64{"where cannot be evaluated": 1}, failed(v, good.Tally))
}

func TestDefaultsFillBeforeRules(t *testing.T) {
	t.Parallel()
	in := record("n", column(t, arrow.PrimitiveTypes.Int64, `[null, 1]`))
	zero := "0"
	good, rejects, _ := apply(t, validate.Ruleset{Columns: []convert.Column{{Source: "n", Default: &zero}}, Rules: parseRules(t, "- {column: n, not_null: true}\n")}, in)
	assert.Nil(t, rejects)
	assert.Equal(t, `[0,1]`, cells(good.Record.Column(0)))
}

func TestMayKeepKnowsSourceColumnsOnly(t *testing.T) {
	t.Parallel()
	in := record("n t", column(t, arrow.PrimitiveTypes.Int64, `[1, 5]`), column(t, arrow.BinaryTypes.String, `["1", "5"]`))
	ranges := func(name string) expr.Range {
		return expr.Range{Bounds: map[string]arrow.Array{"n": in.Column(0), "t": in.Column(1)}[name], Nulls: expr.NoNulls}
	}
	for where, want := range map[string]bool{"": true, "n > 5": false, "n >= 5": true, `t > "5"`: false} {
		v, err := validate.Compile(validate.Ruleset{Where: where}, in.Schema())
		require.NoError(t, err)
		assert.Equal(t, want, v.MayKeep(ranges), where)
	}
	v, err := validate.Compile(validate.Ruleset{Where: "t > 5", Columns: []convert.Column{{Source: "t", Type: "bigint"}}}, in.Schema())
	require.NoError(t, err)
	assert.True(t, v.MayKeep(ranges), "what text becomes, the footer does not tell")
	assert.Equal(t, []string{"t"}, v.Columns())
}

// A row of which a value does not convert is a reject where that makes where NULL, whatever else makes it NULL.
func TestMayKeepWhatDoesNotConvert(t *testing.T) {
	t.Parallel()
	in := record("n t", column(t, arrow.PrimitiveTypes.Int64, `[null]`), column(t, arrow.BinaryTypes.String, `["x"]`))
	ranges := func(name string) expr.Range {
		return map[string]expr.Range{"n": {Nulls: expr.AllNulls}, "t": {Nulls: expr.NoNulls}}[name]
	}
	for where, want := range map[string]bool{"t > 5 && n > 0": true, "t > 5 || n > 0": true, "t > 5 && n != null": false, "n > 0": false} {
		rules := validate.Ruleset{Where: where, Columns: []convert.Column{{Source: "t", Type: "bigint"}}}
		v, err := validate.Compile(rules, in.Schema())
		require.NoError(t, err)
		assert.Equal(t, want, v.MayKeep(ranges), where)
		_, rejects, _ := apply(t, rules, in)
		assert.Equal(t, want, rejects != nil, where)
	}
}

func TestGoodRowsShareWhatNeedsNothing(t *testing.T) {
	t.Parallel()
	in := record("n", column(t, arrow.PrimitiveTypes.Int64, `[1]`))
	good, _, _ := apply(t, validate.Ruleset{Where: "n > 0"}, in)
	assert.Same(t, in, good.Record)
	assert.IsType(t, &array.Int64{}, good.Record.Column(0))
}
