package validate_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
)

func orders(t testing.TB) batch.Batch {
	return batch.Batch{
		Table:  3,
		Origin: batch.Origin{File: "lake/a.parquet", RowGroup: 2, FirstRow: 1000},
		Tally:  batch.Tally{Read: 7, Filtered: 1, Rejected: 0, Failed: []int64{100}},
		Record: record("id price flag",
			column(t, arrow.PrimitiveTypes.Int64, `[1, 2, null, 4, 5, 6]`),
			column(t, &arrow.Decimal128Type{Precision: 15, Scale: 2}, `["100", "-1", "-2", "500000", null, "0"]`),
			column(t, arrow.BinaryTypes.String, `["A", "N", "x", "x", "secret", "R"]`)),
	}
}

const orderRules = `
- {column: id, not_null: true}
- {column: price, min: 0, max: 1000}
- {column: flag, in: [A, N, R], on_fail: warn}
`

func TestApplySplitsABatch(t *testing.T) {
	t.Parallel()
	in := orders(t)
	v := compileFor(t, in.Record, orderRules)
	good, rejects, err := v.Apply(in)
	require.NoError(t, err)

	assert.Equal(t, 3, good.Table)
	assert.Equal(t, in.Origin, good.Origin)
	assert.Equal(t, batch.Tally{Read: 7, Filtered: 1, Rejected: 3, Failed: []int64{101, 3, 3, 0}}, good.Tally)
	assert.EqualValues(t, good.Tally.Left(), good.Record.NumRows())
	assert.True(t, array.RecordEqual(good.Record, record("id price flag",
		column(t, arrow.PrimitiveTypes.Int64, `[1, 5, 6]`),
		column(t, &arrow.Decimal128Type{Precision: 15, Scale: 2}, `["100", null, "0"]`),
		column(t, arrow.BinaryTypes.String, `["A", "secret", "R"]`))), "%v", good.Record)

	assert.Equal(t, 3, rejects.Table)
	assert.Equal(t, in.Origin, rejects.Origin)
	assert.Equal(t, []int64{1001, 1002, 1003}, rejects.Rows)
	assert.Equal(t, [][]int{{1}, {0, 1, 2}, {1, 2}}, rejects.Rules, "also the rules that only warn")
	assert.True(t, array.RecordEqual(rejects.Record, record("id price flag",
		column(t, arrow.PrimitiveTypes.Int64, `[2, null, 4]`),
		column(t, &arrow.Decimal128Type{Precision: 15, Scale: 2}, `["-1", "-2", "500000"]`),
		column(t, arrow.BinaryTypes.String, `["N", "x", "x"]`))), "%v", rejects.Record)
}

func TestApplyLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	in, same := orders(t), orders(t)
	v := compileFor(t, in.Record, orderRules)
	for range 2 {
		_, _, err := v.Apply(in)
		require.NoError(t, err)
	}
	assert.Equal(t, same.Tally, in.Tally)
	assert.True(t, array.RecordEqual(same.Record, in.Record))
}

func TestApplyHandsOnCleanRecordsAsTheyAre(t *testing.T) {
	t.Parallel()
	in := orders(t)
	good, rejects, err := compileFor(t, in.Record, "- {column: flag, in: [A], on_fail: warn}\n").Apply(in)
	require.NoError(t, err)
	assert.Nil(t, rejects)
	assert.Same(t, in.Record, good.Record)
	assert.Equal(t, batch.Tally{Read: 7, Filtered: 1, Failed: []int64{105, 0}}, good.Tally)
}

func TestApplyWithoutRulesOrRows(t *testing.T) {
	t.Parallel()
	in := orders(t)
	good, rejects, err := compileFor(t, in.Record, "[]").Apply(in)
	require.NoError(t, err)
	assert.Nil(t, rejects)
	assert.Same(t, in.Record, good.Record)

	in.Record = in.Record.NewSlice(2, 2)
	good, rejects, err = compileFor(t, in.Record, orderRules).Apply(in)
	require.NoError(t, err)
	assert.Nil(t, rejects)
	assert.Zero(t, good.Record.NumRows())
	assert.Equal(t, []int64{100, 0, 0, 0}, good.Tally.Failed)
}

func TestApplyOfABatchWithoutAnyGoodRow(t *testing.T) {
	t.Parallel()
	in := orders(t)
	good, rejects, err := compileFor(t, in.Record, "- {column: flag, in: [Z]}\n").Apply(in)
	require.NoError(t, err)
	assert.Zero(t, good.Record.NumRows())
	assert.True(t, in.Record.Schema().Equal(good.Record.Schema()))
	assert.EqualValues(t, 6, good.Tally.Rejected)
	assert.True(t, array.RecordEqual(in.Record, rejects.Record))
}

func TestABrokenFailRuleIsAnErrorWithoutValues(t *testing.T) {
	t.Parallel()
	in := orders(t)
	_, _, err := compileFor(t, in.Record, `
- {column: id, not_null: true}
- {column: flag, in: [A, N, x], on_fail: fail}
`).Apply(in)
	require.Error(t, err)
	e := failure.Of(err, failure.Engine)
	assert.Equal(t, failure.Data, e.Kind)
	assert.Equal(t, `rule "flag in [A, N, x]" is broken: column flag, file lake/a.parquet, row group 2, row 1004 (counted from 0 in the file)`, e.Message)
	assert.Contains(t, e.Hint, "on_fail: reject")
	assert.NotContains(t, e.Message+e.Hint, "secret")
}

func TestApplyRefusesOtherColumns(t *testing.T) {
	t.Parallel()
	in := orders(t)
	v := compileFor(t, in.Record, orderRules)
	schema := in.Record.Schema()
	assert.True(t, v.Fits(schema))
	metadata := arrow.NewMetadata([]string{"writer"}, []string{"x"})
	notNull := append(append([]arrow.Field{}, schema.Fields()[:2]...), arrow.Field{Name: "flag", Type: arrow.BinaryTypes.String})
	assert.True(t, v.Fits(arrow.NewSchema(notNull, &metadata)), "nullability and metadata do not matter")

	for _, names := range []string{"id price other", "id flag price"} {
		other := record(names, in.Record.Columns()...)
		assert.False(t, v.Fits(other.Schema()), names)
		_, _, err := v.Apply(batch.Batch{Record: other})
		assert.ErrorContains(t, err, "not those that its rules were compiled for", names)
	}
	assert.False(t, v.Fits(record("id price", in.Record.Columns()[:2]...).Schema()))
	texts := column(t, arrow.BinaryTypes.LargeString, `["A", "N", "x", "x", "secret", "R"]`)
	assert.False(t, v.Fits(record("id price flag", in.Record.Column(0), in.Record.Column(1), texts).Schema()))
}

func TestValidatorsAreShared(t *testing.T) {
	t.Parallel()
	in := orders(t)
	v := compileFor(t, in.Record, orderRules)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				good, _, err := v.Apply(in)
				assert.NoError(t, err)
				assert.EqualValues(t, 3, good.Record.NumRows())
			}
		})
	}
	group.Wait()
}

func TestValidUTF8(t *testing.T) {
	t.Parallel()
	// é is c3 a9. In the first two rows together it is whole, in each alone it is not.
	values := []string{"caf\xc3", "\xa9", "ok", "žluť", "", "\xff", "\x00", "caf\xc3\xa9", strings.Repeat("a", 40) + "\xed\xa0\x80", "\U0001f600"}
	broken := []int64{0, 1, 5, 8}
	for _, dt := range []arrow.DataType{
		arrow.BinaryTypes.String, arrow.BinaryTypes.LargeString, arrow.BinaryTypes.StringView,
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String},
	} {
		arr := textColumn(t, dt, values, nil)
		v := compileFor(t, record("c", arr), "[]")
		assert.Equal(t, broken, brokenRows(t, v, record("c", arr)), dt)
		for _, offset := range []int{1, 64, 77} {
			assert.Equal(t, broken, brokenRows(t, v, record("c", inside(t, arr, offset))), "%s as a slice from %d", dt, offset)
		}
		for i := range values { // nothing outside a slice counts
			one := record("c", array.NewSlice(arr, int64(i), int64(i)+1))
			assert.Equal(t, strings.ToValidUTF8(values[i], "") != values[i], len(brokenRows(t, v, one)) == 1, "%s %q", dt, values[i])
		}
	}
}

// The quick look at a whole column must miss neither a single byte anywhere nor a character
// that two rows share, wherever the rows begin in memory.
func TestValidUTF8MissesNoByte(t *testing.T) {
	t.Parallel()
	good := textColumn(t, arrow.BinaryTypes.String, []string{"a"}, nil)
	v := compileFor(t, record("c", good), "[]")
	for at := range 100 {
		text := []byte(strings.Repeat("a", 100))
		text[at] = 0xff
		bad := textColumn(t, arrow.BinaryTypes.String, []string{string(text)}, nil)
		assert.Equal(t, []int64{0}, brokenRows(t, v, record("c", bad)), "byte %d", at)

		shared := textColumn(t, arrow.BinaryTypes.String, []string{strings.Repeat("a", at), "caf\xc3", "\xa9", "b"}, nil)
		assert.Equal(t, []int64{0, 1}, brokenRows(t, v, record("c", array.NewSlice(shared, 1, 4))), "behind %d bytes", at)
	}
}

func TestValidUTF8LooksAtAllTextColumnsAndNothingElse(t *testing.T) {
	t.Parallel()
	bad := []string{"\xff", "a", "\xfe"}
	in := record("a bin b",
		textColumn(t, arrow.BinaryTypes.String, []string{"\xff", "a", "a"}, nil),
		retyped(textColumn(t, arrow.BinaryTypes.String, []string{"\xff", "\xff", "\xff"}, nil), arrow.BinaryTypes.Binary),
		textColumn(t, arrow.BinaryTypes.String, bad, nil))
	good, rejects, err := compileFor(t, in, "- {column: a, in: [a], on_fail: warn}\n").Apply(batch.Batch{Record: in})
	require.NoError(t, err)
	assert.Equal(t, []int64{0, 2}, rejects.Rows)
	assert.Equal(t, [][]int{{0, 1}, {1}}, rejects.Rules)
	assert.Equal(t, []int64{1, 2}, good.Tally.Failed)
	assert.Equal(t, "\xfe", rejects.Record.Column(2).(*array.String).Value(1), "rejects are unchanged")
}

func TestBytesUnderNullsNeedNotBeUTF8(t *testing.T) {
	t.Parallel()
	null := []bool{true, false, true, false}
	for _, values := range [][]string{{"\xff", "a", "\xc3", "b"}, {"\xc3", "\xa9", "\xe2\x82", "\xac"}} {
		arr := textColumn(t, arrow.BinaryTypes.String, values, null)
		want := []int64(nil)
		if values[1] != "a" {
			want = []int64{1, 3}
		}
		v := compileFor(t, record("c", arr), "[]")
		assert.Equal(t, want, brokenRows(t, v, record("c", arr)), "%q", values)
	}
}

func TestRowsBetweenWhichOthersWereDeleted(t *testing.T) {
	t.Parallel()
	in := orders(t)
	in.Rows = []int64{1000, 1003, 1004, 2000, 2001, 5000}
	v := compileFor(t, in.Record, orderRules)
	good, rejects, err := v.Apply(in)
	require.NoError(t, err)
	assert.Equal(t, []int64{1003, 1004, 2000}, rejects.Rows)
	assert.Nil(t, good.Rows, "which would be those of other rows")
	assert.Len(t, in.Rows, 6)

	_, rejected, err := v.Find(in)
	require.NoError(t, err)
	assert.Equal(t, []int64{1003, 1004, 2000}, rejected)

	_, _, err = compileFor(t, in.Record, "- {column: flag, in: [A, N], on_fail: fail}\n").Apply(in)
	require.ErrorContains(t, err, "row 1004 (counted from 0 in the file)")
}

func TestApplyToABatchWhoseRowsAreAllDeleted(t *testing.T) {
	t.Parallel()
	in := orders(t)
	in.Record, in.Tally = in.Record.NewSlice(0, 0), batch.Tally{Deleted: 6}
	good, rejects, err := compileFor(t, in.Record, orderRules).Apply(in)
	require.NoError(t, err)
	assert.Nil(t, rejects)
	assert.Zero(t, good.Record.NumRows())
	assert.Equal(t, batch.Tally{Deleted: 6, Failed: []int64{0, 0, 0, 0}}, good.Tally)
}
