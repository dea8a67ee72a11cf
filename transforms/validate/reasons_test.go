package validate_test

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/convert"
	"hyperlake/transforms/validate"
)

// Reasons tell what was found, whatever holds the value, and what was expected.
func TestReasons(t *testing.T) {
	t.Parallel()
	coded := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	extension := func(arr arrow.Array) arrow.Array {
		return array.NewExtensionArrayWithStorage(newCode(arr.DataType()), arr)
	}
	bad, texts := []string{"\xff", "ab"}, `["x", "ab"]`
	for _, test := range []struct {
		values  arrow.Array
		rule    string
		reasons []string
	}{
		{textColumn(t, arrow.BinaryTypes.String, bad, nil), "[]", []string{`found c = "\xff", expected text in UTF-8`}},
		{textColumn(t, coded, bad, nil), "[]", []string{`found c = "\xff", expected text in UTF-8`}},
		{extension(textColumn(t, arrow.BinaryTypes.String, bad, nil)), "[]", []string{`found c = "\xff", expected text in UTF-8`}},
		{column(t, coded, texts), "- {column: c, min_length: 2}\n", []string{`found "x", expected at least 2 characters`}},
		{extension(column(t, arrow.BinaryTypes.String, texts)), "- {column: c, matches: ab}\n", []string{`found "x", expected matches ab`}},
		{column(t, arrow.PrimitiveTypes.Float64, `["-Inf", 1]`), "- {column: c, finite: true}\n", []string{"found -Inf, expected finite"}},
		{column(t, arrow.PrimitiveTypes.Int32, `[0, 1]`), "- {name: x, expr: 10 / c > 1}\n", []string{"found c = 0, expected 10 / c > 1"}},
		{column(t, arrow.FixedWidthTypes.Date32, `[0, 20484]`), "- {column: c, min: 2026-01-31}\n", []string{"found 1970-01-01, expected >= 2026-01-31"}},
		{clocks(t, arrow.FixedWidthTypes.Time64us, `[86400000000, 0]`), "- {column: c, max: '23:00'}\n", []string{"found 24:00:00.000000, expected <= 23:00"}},
		{clocks(t, arrow.FixedWidthTypes.Time64ns, `[-1, 0]`), "- {column: c, min: '00:00'}\n", []string{"found -00:00:00.000000001, expected >= 00:00"}},
		{clocks(t, arrow.FixedWidthTypes.Time64ns, `[-9223372036854775808, 0]`), "- {column: c, min: '00:00'}\n", []string{"found -2562047:47:16.854775808, expected >= 00:00"}},
		{clocks(t, arrow.FixedWidthTypes.Time32ms, `[90000001, 0]`), "- {column: c, max: '23:00'}\n", []string{"found 25:00:00.001, expected <= 23:00"}},
		{clocks(t, arrow.FixedWidthTypes.Time32s, `[3723, 7200]`), "- {column: c, min: '02:00'}\n", []string{"found 01:02:03, expected >= 02:00"}},
	} {
		in := record("c", test.values)
		_, rejects, err := compileFor(t, in, test.rule).Apply(batch.Batch{Record: in})
		require.NoError(t, err)
		require.NotNil(t, rejects, test.rule)
		assert.Equal(t, [][]string{test.reasons}, rejects.Reasons, test.rule)
	}
}

// clocks are times of day by their units, which need not be within the day.
func clocks(t *testing.T, of arrow.DataType, units string) arrow.Array {
	t.Helper()
	integers := arrow.PrimitiveTypes.Int64
	if of.ID() == arrow.TIME32 {
		integers = arrow.PrimitiveTypes.Int32
	}
	data := column(t, integers, units).Data()
	return array.MakeFromData(array.NewData(of, data.Len(), data.Buffers(), nil, 0, 0))
}

// The reason of a value that does not convert is told whatever columns stand before it.
func TestReasonsOfConversions(t *testing.T) {
	t.Parallel()
	in := record("before n behind", column(t, arrow.BinaryTypes.String, `["a", "b"]`), column(t, arrow.BinaryTypes.String, `["x", "1"]`), column(t, arrow.BinaryTypes.String, `["a", "b"]`))
	v, err := validate.Compile(validate.Ruleset{Columns: []convert.Column{{Source: "n", Type: "bigint"}}}, in.Schema())
	require.NoError(t, err)
	_, rejects, err := v.Apply(batch.Batch{Record: in})
	require.NoError(t, err)
	require.NotNil(t, rejects)
	assert.Equal(t, [][]string{{`found "x", which does not convert to BIGINT`}}, rejects.Reasons)

	nested := arrow.StructOf(arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true}, arrow.Field{Name: "n", Type: arrow.BinaryTypes.String, Nullable: true})
	in = record("a", column(t, nested, `[{"id": 1, "n": "1"}, null, {"id": 2, "n": "x"}]`))
	v, err = validate.Compile(validate.Ruleset{Nested: convert.Flatten, Columns: []convert.Column{{Source: "a.n", Type: "bigint"}}}, in.Schema())
	require.NoError(t, err)
	_, rejects, err = v.Apply(batch.Batch{Record: in})
	require.NoError(t, err)
	require.NotNil(t, rejects)
	assert.Equal(t, [][]string{{`found "x", which does not convert to BIGINT`}}, rejects.Reasons, "of the field alone")
}

// A column's name may begin or end with blanks.
func TestNamesWithBlanksAtTheirEnds(t *testing.T) {
	t.Parallel()
	values := column(t, arrow.PrimitiveTypes.Int32, `[5]`)
	in := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: " lead", Type: values.DataType()}, {Name: "trail ", Type: values.DataType()}}, nil), []arrow.Array{values, values}, -1)
	v := compileFor(t, in, "- {column: ' lead', max: 1}\n- {column: 'trail ', max: 1}\n")
	assert.Equal(t, []string{" lead <= 1", "trail  <= 1"}, []string{v.Rules()[0].Name, v.Rules()[1].Name})
	_, rejects, err := v.Apply(batch.Batch{Record: in})
	require.NoError(t, err)
	require.NotNil(t, rejects)
	assert.Equal(t, [][]string{{"found 5, expected <= 1", "found 5, expected <= 1"}}, rejects.Reasons)
}
