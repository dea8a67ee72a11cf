package take_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/take"
)

// source has rows of the layouts that kernels differ by: bits, fixed width, offsets, and
// both below a list. Every seventh value is NULL.
func source(t *testing.T, rows int) arrow.Record {
	t.Helper()
	builder := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "bit", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "number", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "list", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
	}, nil))
	for row := range rows {
		for i, text := range []string{fmt.Sprint(row%3 == 0), fmt.Sprint(row), fmt.Sprintf("text %d", row), fmt.Sprintf(`["a", "%d"]`, row)} {
			if (row+i)%7 == 0 {
				builder.Field(i).AppendNull()
			} else {
				require.NoError(t, builder.Field(i).AppendValueFromString(text))
			}
		}
	}
	return builder.NewRecord()
}

func TestRecordTakesRowsUnchanged(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	all := source(t, 700)
	for round := range 60 {
		from := random.Int64N(300)
		in := all.NewSlice(from, from+1+random.Int64N(400))
		share := []float64{0, 0.02, 0.5, 0.98, 1}[round%5]
		var chosen take.Selection
		var rows []int64
		for row := range in.NumRows() {
			if random.Float64() < share {
				chosen.Add(int(row), 1)
				rows = append(rows, row)
			}
		}
		require.Equal(t, len(rows), chosen.Rows())
		out, err := chosen.Record(in)
		require.NoError(t, err)
		require.EqualValues(t, len(rows), out.NumRows())
		for c, column := range out.Columns() {
			for i, row := range rows {
				require.True(t, array.SliceEqual(column, int64(i), int64(i)+1, in.Column(c), row, row+1), "column %d, row %d", c, row)
			}
		}
	}
}

func TestResetStartsAnew(t *testing.T) {
	t.Parallel()
	var chosen take.Selection
	chosen.Add(1, 5)
	chosen.Reset()
	chosen.Add(0, 1)
	out, err := chosen.Record(source(t, 3))
	require.NoError(t, err)
	assert.EqualValues(t, 1, out.NumRows())
}

func TestRecordNamesTheColumnThatItCannotTake(t *testing.T) {
	t.Parallel()
	ends := array.NewInt32Builder(memory.DefaultAllocator)
	ends.Append(3)
	runs := array.NewRunEndEncodedArray(ends.NewArray(), array.NewSlice(source(t, 3).Column(1), 0, 1), 3, 0)
	schema := arrow.NewSchema([]arrow.Field{{Name: "runs", Type: runs.DataType()}}, nil)
	var chosen take.Selection
	chosen.Add(1, 1)
	_, err := chosen.Record(array.NewRecord(schema, []arrow.Array{runs}, 3))
	assert.ErrorContains(t, err, "column runs")
}

func TestWord(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	bits := make([]byte, 40)
	for i := range bits {
		bits[i] = byte(random.Uint32())
	}
	for first := range 8 * len(bits) {
		word := take.Word(bits, first)
		for i := range 64 {
			want := first+i < 8*len(bits) && bitutil.BitIsSet(bits, first+i)
			require.Equal(t, want, word>>i&1 == 1, "bit %d from %d", i, first)
		}
	}
}
