package validate_test

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/convert"
	"hyperlake/internal/failure"
	"hyperlake/transforms/validate"
)

func TestExpressions(t *testing.T) {
	t.Parallel()
	dates := arrow.FixedWidthTypes.Date32
	in := record("n d e s",
		column(t, arrow.PrimitiveTypes.Int64, `[1, 0, null, -9223372036854775808, 5]`),
		column(t, dates, `[10, 10, 10, null, 11]`),
		column(t, dates, `[10, 9, null, 10, 12]`),
		column(t, arrow.BinaryTypes.String, `["1", "x", null, "-2", ""]`))
	for rule, broken := range map[string][]int64{
		"d <= e":                        {1}, // NULL passes
		"d <= e && n > 0":               {1, 3},
		"n != null":                     {2},
		"n == null || d != null":        {3},
		"10 / n > 1":                    {1, 3}, // what cannot be evaluated is broken
		"-n < 0":                        {1, 3},
		"int(s) > 0":                    {1, 3, 4},
		"s == '' || int(s) > 0":         {1, 3},
		"s.size() < 2":                  {3},
		"d >= date('1970-01-12')":       {0, 1, 2},
		"n in [1, 5] && s != 'nothing'": {1, 3},
		"true":                          nil,
		"false":                         {0, 1, 2, 3, 4},
	} {
		v := compileFor(t, in, "- {expr: \""+rule+"\"}\n")
		assert.Equal(t, broken, brokenRows(t, v, in), rule)
		for _, offset := range []int{1, 64, 77} {
			sliced := record("n d e s", inside(t, in.Column(0), offset), inside(t, in.Column(1), offset), inside(t, in.Column(2), offset), inside(t, in.Column(3), offset))
			assert.Equal(t, broken, brokenRows(t, v, sliced), "%s from %d", rule, offset)
		}
	}
}

// Expressions see mapped columns. They do not take a value that did not convert for NULL.
func TestExpressionsOverConvertedColumns(t *testing.T) {
	t.Parallel()
	in := record("n s",
		column(t, arrow.BinaryTypes.String, `["1", "x", null, "70"]`),
		column(t, arrow.BinaryTypes.String, `["a", "b", "c", "b"]`))
	table := validate.Ruleset{
		Columns: []convert.Column{{Source: "n", Type: "bigint"}},
		Rules:   parseRules(t, "- {expr: n != null}\n- {expr: n < 50}\n- {expr: s != 'b'}\n"),
	}
	good, rejects, v := apply(t, table, in)
	assert.Equal(t, `[1]`, cells(good.Record.Column(0)))
	assert.Equal(t, map[string]int64{"n != null": 1, "n < 50": 1, "s != 'b'": 2, "n does not convert to BIGINT": 1}, failed(v, good.Tally))
	assert.Equal(t, [][]int{{2, 3}, {0}, {1, 2}}, rejects.Rules)
}

func TestExpressionsAreNotHeldAgainstFilteredRows(t *testing.T) {
	t.Parallel()
	in := record("n", column(t, arrow.PrimitiveTypes.Int64, `[0, 1, 9]`))
	good, rejects, v := apply(t, validate.Ruleset{Where: "n != 0", Rules: parseRules(t, "- {expr: 10 / n > 5}\n")}, in)
	assert.Equal(t, []int64{102}, rejects.Rows)
	assert.Equal(t, map[string]int64{"10 / n > 5": 1}, failed(v, good.Tally))
	assert.EqualValues(t, 1, good.Tally.Filtered)
}

func TestExpressionsThatFailTheRun(t *testing.T) {
	t.Parallel()
	in := record("n", column(t, arrow.PrimitiveTypes.Int64, `[1, 0]`))
	v := compileFor(t, in, "- {name: divides, expr: 10 / n > 5, on_fail: fail}\n")
	_, _, err := v.Apply(batch.Batch{Record: in, Origin: batch.Origin{File: "a.parquet"}})
	require.Error(t, err)
	assert.Equal(t, `rule "divides" is broken: file a.parquet, row group 0, row 1 (counted from 0 in the file)`, failure.Of(err, failure.Engine).Message)
}

// What cannot even be read is no reject but an error that says which rule met it.
func TestExpressionsOverDamagedColumns(t *testing.T) {
	t.Parallel()
	damaged := damagedDictionary(t)
	v := compileFor(t, record("s", damaged), "- {name: short, expr: s.size() < 3}\n")
	_, _, err := v.Apply(batch.Batch{Record: record("s", damaged), Origin: batch.Origin{File: "a.parquet"}})
	assert.ErrorContains(t, err, `file a.parquet, row group 0, row 0: rule "short": `)
}

func TestColumnsAndRowByRowCoverRules(t *testing.T) {
	t.Parallel()
	in := record("a b c d s",
		column(t, arrow.PrimitiveTypes.Int64, `[1]`), column(t, arrow.PrimitiveTypes.Int64, `[1]`), column(t, arrow.PrimitiveTypes.Int64, `[1]`),
		column(t, arrow.PrimitiveTypes.Int64, `[1]`), column(t, arrow.BinaryTypes.String, `["x"]`))
	v, err := validate.Compile(validate.Ruleset{
		Where: "a > 0 && s.trim() != ''",
		Rules: parseRules(t, "- {expr: c > b}\n- {column: a, not_null: true}\n- {expr: \"s.trim() != '' && s.replace('a', 'b') != 'c'\"}\n"),
	}, in.Schema())
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "s", "b", "c"}, v.Columns())
	assert.Equal(t, []string{`s.replace("a", "b")`, "s.trim()"}, v.RowByRow())

	v = compileFor(t, in, "- {expr: c > b}\n")
	assert.Empty(t, v.RowByRow())
	assert.Equal(t, []string{"b", "c"}, v.Columns())
}
