package hyper_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/float16"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/sinks/hyper"
)

// record makes a record of columns that are all named c and nullable.
func record(columns ...arrow.Array) arrow.Record {
	fields := make([]arrow.Field, len(columns))
	for i, column := range columns {
		fields[i] = arrow.Field{Name: "c", Type: column.DataType(), Nullable: true}
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, -1)
}

// TestConvert converts the values of every row of the type map, and every slice of them.
func TestConvert(t *testing.T) {
	t.Parallel()
	for _, c := range typeCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			column, err := hyper.MapField(c.field(), c.format)
			require.NoError(t, err)
			for from := range c.source.Len() + 1 {
				for to := from; to <= c.source.Len(); to++ {
					requireConverts(t, c, column, int64(from), int64(to))
				}
			}
			long := repeated(t, c, 200)
			for _, from := range []int64{0, 1, 7, 8, 13, 64} {
				requireConverts(t, long, column, from, int64(long.source.Len())-from/2)
			}
		})
	}
}

// repeated is a case with its values many times over, so that bitmaps are several words.
func repeated(t *testing.T, c typeCase, times int) typeCase {
	t.Helper()
	many := func(of arrow.Array) arrow.Array {
		if of == nil {
			return nil
		}
		long, err := array.Concatenate(slices.Repeat([]arrow.Array{of}, times), memory.DefaultAllocator)
		require.NoError(t, err)
		return long
	}
	c.source, c.sent = many(c.source), many(c.sent)
	return c
}

func requireConverts(t *testing.T, c typeCase, column hyper.Column, from, to int64) {
	t.Helper()
	source := record(c.source).NewSlice(from, to)
	got, err := hyper.Convert(source, []hyper.Column{column})
	require.NoError(t, err, "rows %d to %d", from, to)
	require.EqualValues(t, to-from, got.NumRows())
	if c.sent != nil {
		requireSame(t, record(c.sent).NewSlice(from, to).Column(0), got.Column(0))
		return
	}
	requireSame(t, source.Column(0), got.Column(0))
	if from < to {
		require.Same(t, source.Column(0), got.Column(0), "shared")
	}
}

// requireSame asserts that two arrays have the same type and values; NaN is NaN, and the
// sign of zero counts.
func requireSame(t *testing.T, want, got arrow.Array) {
	t.Helper()
	require.Equal(t, want.DataType().String(), got.DataType().String())
	require.Equal(t, want.NullN(), got.NullN())
	switch want := want.(type) {
	case *array.Float64:
		requireSameFloats(t, want, want.Float64Values(), got, got.(*array.Float64).Float64Values())
	case *array.Float32:
		requireSameFloats(t, want, want.Float32Values(), got, got.(*array.Float32).Float32Values())
	default:
		require.True(t, array.Equal(want, got), "%v is not %v", got, want)
	}
}

func requireSameFloats[F float32 | float64](t *testing.T, want arrow.Array, wantValues []F, got arrow.Array, gotValues []F) {
	t.Helper()
	for i := range wantValues {
		require.Equal(t, want.IsValid(i), got.IsValid(i))
		if want.IsValid(i) {
			require.Equal(t, strconv.FormatFloat(float64(wantValues[i]), 'x', -1, 64), strconv.FormatFloat(float64(gotValues[i]), 'x', -1, 64))
		}
	}
}

func TestConvertNamesAndOrder(t *testing.T) {
	t.Parallel()
	p := arrow.PrimitiveTypes
	a, b := fixed(p.Int64, []int64{1, 2}), fixed(p.Uint64, []uint64{3, 4}, 0)
	schema := arrow.NewSchema([]arrow.Field{{Name: "a", Type: a.DataType()}, {Name: "b", Type: b.DataType(), Nullable: true}}, nil)
	columns := make([]hyper.Column, 2)
	for i, field := range schema.Fields() {
		var err error
		columns[i], err = hyper.MapField(field, hyper.FormatChoice{})
		require.NoError(t, err)
	}
	columns[1].Name = "renamed"

	got, err := hyper.Convert(array.NewRecord(schema, []arrow.Array{a, b}, 2), columns)
	require.NoError(t, err)
	assert.True(t, got.Schema().Equal(hyper.ArrowSchema(columns)))
	assert.Equal(t, []arrow.Field{
		{Name: "a", Type: p.Int64}, {Name: "renamed", Type: decimalType(20, 0), Nullable: true},
	}, got.Schema().Fields())
	assert.Same(t, a, got.Column(0))

	_, err = hyper.Convert(record(a), columns)
	assert.ErrorContains(t, err, "1 columns, but the table has 2")
	_, err = hyper.Convert(record(a, b), columns)
	assert.ErrorContains(t, err, `"c", but "a" was planned`)
}

func TestConvertRefusesNullInNotNull(t *testing.T) {
	t.Parallel()
	p := arrow.PrimitiveTypes
	for _, source := range []arrow.Array{
		fixed(p.Int64, []int64{1, 2, 3, 4}, 2),
		fixed(p.Uint64, []uint64{1, 2, 3, 4}, 2, 3),
		dictionary(fixed(p.Int8, []int8{0, 0, 1, 0}), texts(arrow.BinaryTypes.String, "a", nil)),
	} {
		column := mapped(t, source.DataType())
		column.Nullable = false
		_, err := hyper.Convert(record(source), []hyper.Column{column})
		assert.Contains(t, requireLateFailure(t, err).Message, `column "c": row 2 is NULL, but the column is NOT NULL`)

		got, err := hyper.Convert(record(source).NewSlice(0, 2), []hyper.Column{column})
		require.NoError(t, err)
		assert.False(t, got.Schema().Field(0).Nullable)
	}
}

// requireLateFailure asserts that err is a failure of the source that only the data shows.
func requireLateFailure(t *testing.T, err error) *failure.Error {
	t.Helper()
	var e *failure.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, failure.Source, e.Kind)
	assert.False(t, e.Early)
	assert.NotEmpty(t, e.Hint)
	return e
}

func TestConvertRefusesValues(t *testing.T) {
	t.Parallel()
	p, w := arrow.PrimitiveTypes, arrow.FixedWidthTypes
	long := dictionary(fixed(p.Int8, make([]int8, 2048)), texts(arrow.BinaryTypes.String, strings.Repeat("a", 1<<20)))
	longView := dictionary(fixed(p.Int8, make([]int8, 2048)), texts(arrow.BinaryTypes.StringView, strings.Repeat("a", 1<<20)))
	const seconds, millis = math.MaxInt64/1_000_000 + 1, math.MaxInt64/1000 + 1
	for _, c := range []struct {
		name   string
		source arrow.Array
		says   string
	}{
		{"duration s", fixed(w.Duration_s, []int64{0, seconds}), "row 1 does not fit into 64 bits of microseconds"},
		{"negative duration s", fixed(w.Duration_s, []int64{-seconds}), "row 0 does not fit"},
		{"least duration s", fixed(w.Duration_s, []int64{math.MinInt64}), "row 0 does not fit"},
		{"duration ms", fixed(w.Duration_ms, []int64{0, 0, millis}), "row 2 does not fit"},
		{"decimal256", wideDecimals(38, 0, []string{"0", nines + nines}), "row 1 has more digits than its type decimal256(38, 0)"},
		{"negative decimal256", wideDecimals(38, 0, []string{"-" + nines + nines}), "row 0 has more digits"},
		{"decimal256 just above 128 bits", wideDecimals(38, 0, []string{"170141183460469231731687303715884105728"}), "row 0 has more digits"},
		{"negative scale", decimals(2, -2, []string{"99", "100"}), "row 1 has more digits than its type decimal(2, -2)"},
		{"negative scale below zero", decimals(2, -2, []string{"-99", "-100"}), "row 1 has more digits"},
		{"vast decimal of negative scale", decimals(2, -2, []string{"-170141183460469231731687303715884105727"}), "row 0 has more digits"},
		{"interval", fixed(w.MonthDayNanoInterval, intervals(triple{0, 0, math.MinInt64})), "row 0 does not fit into 64 bits of nanoseconds"},
		{"index behind the dictionary", dictionary(fixed(p.Int8, []int8{0, 1}), texts(arrow.BinaryTypes.String, "a")), "row 1 refers to value 1 of 1"},
		{"index before the dictionary", dictionary(fixed(p.Int64, []int64{-2}), texts(arrow.BinaryTypes.String, "a")), "row 0 refers to value -2 of 1"},
		{"runs that end early", runs(fixed(p.Int32, []int32{1}), texts(arrow.BinaryTypes.String, "a"), 2), "row 1 refers to value 1 of 1"},
		{"long texts", long, "longer than 2147483647 bytes"},
		{"long views", longView, "longer than 2147483647 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := hyper.Convert(record(c.source), []hyper.Column{mapped(t, c.source.DataType())})
			e := requireLateFailure(t, err)
			assert.Contains(t, e.Message, `column "c": `)
			assert.Contains(t, e.Message, c.says)
		})
	}
}

func TestConvertRefusesParquetIntervalsBeyondHyperd(t *testing.T) {
	t.Parallel()
	for _, bytes := range []string{"\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00", "\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00\x00"} {
		source := fixedBinary([]string{bytes})
		_, err := hyper.Convert(record(source), []hyper.Column{mapped(t, arrow.FixedWidthTypes.MonthDayNanoInterval)})
		assert.Contains(t, requireLateFailure(t, err).Message, "row 0 is an interval of more than 2147483647 months or days")
	}
}

// TestConvertRefusesOtherTypes holds that a file whose types differ from the plan is
// refused, unless the same column comes of it.
func TestConvertRefusesOtherTypes(t *testing.T) {
	t.Parallel()
	p, b, w := arrow.PrimitiveTypes, arrow.BinaryTypes, arrow.FixedWidthTypes
	for _, c := range []struct {
		planned arrow.DataType
		found   arrow.Array
	}{
		{p.Int64, fixed(p.Int32, []int32{1})},
		{p.Float64, fixed(p.Int64, []int64{1})},
		{w.Date32, fixed(w.Date64, []int64{0})},
		{w.Time64us, fixed(w.Time64ns, []int64{0})},
		{w.Timestamp_ms, fixed(w.Timestamp_us, []int64{0})},
		{w.Timestamp_us, fixed(p.Int64, []int64{0})},
		{b.String, texts(b.Binary, "a")},
		{b.String, fixedBinary([]string{"abc"})},
		{b.Binary, texts(b.String, "a")},
		{w.MonthDayNanoInterval, fixedBinary([]string{"abc"})},
		{w.MonthDayNanoInterval, fixed(p.Int64, []int64{1})},
		{decimalType(10, 2), decimals(12, 2, []string{"1"})},
		{decimalType(10, 2), decimals(10, 3, []string{"1"})},
		{decimalType(20, 2), fixed(p.Uint64, []uint64{1})},
		{decimalType(20, 2), fixed(p.Int64, []int64{1})},
		{w.Boolean, dictionary(fixed(p.Int8, []int8{0}), fixed(p.Int8, []int8{1}))},
	} {
		_, err := hyper.Convert(record(c.found), []hyper.Column{mapped(t, c.planned)})
		assert.Contains(t, requireLateFailure(t, err).Message, "the file holds ", "%s planned, %s found", c.planned, c.found.DataType())
	}
	single, err := hyper.MapField(arrow.Field{Name: "c", Type: p.Float32, Nullable: true}, version4)
	require.NoError(t, err)
	_, err = hyper.Convert(record(fixed(p.Float64, []float64{0.1})), []hyper.Column{single})
	assert.Contains(t, requireLateFailure(t, err).Message, "the file holds float64")

	got, err := hyper.Convert(record(texts(b.LargeString, "a")), []hyper.Column{mapped(t, b.String)})
	require.NoError(t, err, "the same column from another writer")
	requireSame(t, texts(b.String, "a"), got.Column(0))
	got, err = hyper.Convert(record(array.NewNull(2)), []hyper.Column{mapped(t, p.Int64)})
	require.NoError(t, err, "a file in which the column is all NULL")
	requireSame(t, fixed(p.Int64, []int64{0, 0}, 0, 1), got.Column(0))
}

// TestConvertEveryHalf compares all 65,536 numbers of 16 bits with their definition.
func TestConvertEveryHalf(t *testing.T) {
	t.Parallel()
	halves := make([]float16.Num, 1<<16)
	for i := range halves {
		halves[i] = float16.FromBits(uint16(i))
	}
	source := fixed(arrow.FixedWidthTypes.Float16, halves)
	got, err := hyper.Convert(record(source), []hyper.Column{mapped(t, source.DataType())})
	require.NoError(t, err)
	for i, v := range got.Column(0).(*array.Float64).Float64Values() {
		sign, exponent, fraction := 1-2*float64(i>>15), i>>10&31, float64(i&1023)
		want := sign * math.Ldexp(1+fraction/1024, exponent-15)
		switch {
		case exponent == 0:
			want = sign * math.Ldexp(fraction/1024, -14)
		case exponent == 31 && fraction == 0:
			want = math.Inf(int(sign))
		case exponent == 31:
			require.True(t, math.IsNaN(v), "half %#04x", i)
			continue
		}
		require.Equal(t, math.Float64bits(want), math.Float64bits(v), "half %#04x", i)
	}
}

// TestConvertConcurrently lets several goroutines convert one record, as consumers of a
// shared batch do; it is of use under the race detector.
func TestConvertConcurrently(t *testing.T) {
	t.Parallel()
	for _, c := range typeCases() {
		column, err := hyper.MapField(c.field(), c.format)
		require.NoError(t, err)
		source := record(c.source)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				_, err := hyper.Convert(source, []hyper.Column{column})
				assert.NoError(t, err)
			})
		}
		group.Wait()
	}
}
