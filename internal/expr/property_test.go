package expr_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/expr"
)

// conditions is how many random conditions a property is tried on.
const conditions = 3000

// randomPrograms compiles random conditions until it has tried a number of valid ones.
func randomPrograms(t *testing.T, seed uint64, schema *arrow.Schema, try func(text string, p *expr.Program)) {
	random := rand.New(rand.NewPCG(seed, seed))
	g := generator{random}
	valid := 0
	for tried := 0; valid < conditions; tried++ {
		require.Less(t, tried, 10*conditions, "most random conditions are invalid")
		text := g.condition(random.IntN(4))
		p, err := expr.Compile(text, schema, time.Time{})
		if err != nil {
			continue
		}
		valid++
		try(text, p)
	}
}

// TestKernelsAgreeWithRows evaluates random conditions on random rows of all types by
// kernels and by the definition of the operators.
func TestKernelsAgreeWithRows(t *testing.T) {
	t.Parallel()
	schema := hostileSchema(t)
	r := hostileRecord(t, rand.New(rand.NewPCG(1, 2)), schema, 150)
	randomPrograms(t, 11, schema, func(text string, p *expr.Program) {
		batch, err := p.Eval(r)
		require.NoError(t, err, text)
		rows, err := p.RowForRow().Eval(r)
		require.NoError(t, err, text)
		require.Equal(t, letters(t, rows), letters(t, batch), text)
	})
}

// TestPrunedRowsAreNeverTrue takes random conditions and the ranges of a few random
// rows: what may be skipped holds no row that is true or fails, and where none may be NULL, none is.
func TestPrunedRowsAreNeverTrue(t *testing.T) {
	t.Parallel()
	schema := hostileSchema(t)
	random := rand.New(rand.NewPCG(3, 4))
	whole := hostileRecord(t, random, schema, 150)
	pruned := 0
	randomPrograms(t, 12, schema, func(text string, p *expr.Program) {
		for range 6 {
			start := random.Int64N(140)
			r := whole.NewSlice(start, start+1+random.Int64N(4))
			known := map[string]expr.Range{}
			for _, field := range schema.Fields() {
				known[field.Name] = rangeOf(t, random, r, field.Name)
			}
			ranges := func(column string) expr.Range { return known[column] }
			truth, err := p.Eval(r)
			require.NoError(t, err)
			if !p.MayBeNull(ranges) {
				require.NotContains(t, letters(t, truth), "N", "%s on %v", text, r)
			}
			if p.MayBeTrue(ranges) {
				continue
			}
			pruned++
			require.NotContains(t, letters(t, truth), "T", "%s on %v", text, r)
			require.NotContains(t, letters(t, truth), "X", "%s on %v", text, r)
		}
	})
	require.Greater(t, pruned, conditions/4, "hardly anything is ever pruned, so that this shows little")
}

// rangeOf gives the statistics of a column as a file could have them: sometimes without
// bounds or a count of NULLs, without one bound, and without regard to NaN.
func rangeOf(t *testing.T, random *rand.Rand, r arrow.Record, name string) expr.Range {
	column := r.Column(r.Schema().FieldIndices(name)[0])
	out := expr.Range{}
	if random.IntN(8) > 0 {
		out.Nulls = expr.SomeNulls
		switch column.NullN() {
		case 0:
			out.Nulls = expr.NoNulls
		case column.Len():
			out.Nulls = expr.AllNulls
		}
	}
	if random.IntN(8) == 0 {
		return out
	}
	lo, hi := bounds(t, r, name)
	if lo < 0 || random.IntN(8) == 0 {
		return out
	}
	items := []string{column.ValueStr(lo), column.ValueStr(hi)}
	if random.IntN(8) == 0 {
		items[random.IntN(2)] = "NULL"
	}
	dt := column.DataType()
	if dictionary, ok := dt.(*arrow.DictionaryType); ok {
		dt = dictionary.ValueType
	}
	out.Bounds = hostileColumn(t, dt, items)
	return out
}

// bounds finds the rows with the least and the greatest value, by comparing all of them
// with each other; -1 if there are none.
func bounds(t *testing.T, r arrow.Record, name string) (lo, hi int) {
	column := r.Column(r.Schema().FieldIndices(name)[0])
	pair := arrow.NewSchema([]arrow.Field{{Name: "a", Type: column.DataType()}, {Name: "b", Type: column.DataType()}}, nil)
	less := compile(t, "a < b", pair)
	lo, hi = -1, -1
	smaller := func(i, j int) bool {
		row := array.NewRecord(pair, []arrow.Array{array.NewSlice(column, int64(i), int64(i)+1), array.NewSlice(column, int64(j), int64(j)+1)}, 1)
		truth, err := less.RowForRow().Eval(row)
		require.NoError(t, err)
		return letters(t, truth) == "T"
	}
	for i := range column.Len() {
		if column.IsNull(i) || isNaN(column, i) {
			continue
		}
		if lo < 0 || smaller(i, lo) {
			lo = i
		}
		if hi < 0 || smaller(hi, i) {
			hi = i
		}
	}
	return lo, hi
}

func isNaN(column arrow.Array, i int) bool {
	switch c := column.(type) {
	case *array.Float64:
		return math.IsNaN(c.Value(i))
	case *array.Float32:
		return math.IsNaN(float64(c.Value(i)))
	case *array.Float16:
		return c.Value(i).IsNaN()
	}
	return false
}
