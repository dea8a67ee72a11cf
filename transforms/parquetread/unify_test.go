package parquetread_test

import (
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread"
)

func decimalOf(precision, scale int32) arrow.DataType {
	return &arrow.Decimal128Type{Precision: precision, Scale: scale}
}

func TestUnify(t *testing.T) {
	p := arrow.PrimitiveTypes
	cases := []struct{ a, b, want arrow.DataType }{
		{p.Int8, p.Int8, p.Int8},
		{p.Int8, p.Int64, p.Int64},
		{p.Int16, p.Int32, p.Int32},
		{p.Uint8, p.Uint32, p.Uint32},
		{p.Uint8, p.Int8, p.Int16},
		{p.Uint16, p.Int8, p.Int32},
		{p.Uint32, p.Int64, p.Int64},
		{p.Uint32, p.Int8, p.Int64},
		{p.Uint64, p.Int64, decimalOf(20, 0)},
		{p.Uint64, p.Int8, decimalOf(20, 0)},
		{p.Float32, p.Float64, p.Float64},
		{p.Float32, p.Int16, p.Float32},
		{p.Float32, p.Int32, p.Float64},
		{p.Float64, p.Uint32, p.Float64},
		{p.Float64, p.Int64, nil},
		{p.Float64, decimalOf(5, 2), nil},
		{decimalOf(10, 2), decimalOf(10, 2), decimalOf(10, 2)},
		{decimalOf(10, 2), decimalOf(12, 4), decimalOf(12, 4)},
		{decimalOf(10, 2), decimalOf(8, 5), decimalOf(13, 5)},
		{decimalOf(38, 0), decimalOf(38, 1), nil},
		{decimalOf(38, 2), p.Int64, decimalOf(38, 2)},
		{decimalOf(5, 2), p.Int32, decimalOf(12, 2)},
		{decimalOf(38, 30), p.Int64, nil},
		{arrow.Null, arrow.BinaryTypes.String, arrow.BinaryTypes.String},
		{arrow.Null, arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date32},
		{p.Int32, arrow.BinaryTypes.String, nil},
		{arrow.FixedWidthTypes.Date32, p.Int32, nil},
		{arrow.FixedWidthTypes.Timestamp_ms, arrow.FixedWidthTypes.Timestamp_us, nil},
		{arrow.ListOf(p.Int32), arrow.ListOf(p.Int64), nil},
		{arrow.ListOf(p.Int32), arrow.ListOf(p.Int32), arrow.ListOf(p.Int32)},
		{arrow.FixedWidthTypes.Boolean, p.Int8, nil},
		{arrow.FixedWidthTypes.Float16, p.Float32, nil},
	}
	for _, c := range cases {
		for _, pair := range [][2]arrow.DataType{{c.a, c.b}, {c.b, c.a}} {
			got, ok := parquetread.Unify(arrow.Field{Name: "x", Type: pair[0]}, arrow.Field{Name: "x", Type: pair[1], Nullable: true})
			assert.Equal(t, c.want != nil, ok, "%s and %s", pair[0], pair[1])
			if c.want != nil {
				assert.True(t, arrow.TypeEqual(c.want, got.Type), "%s and %s give %s", pair[0], pair[1], got.Type)
				assert.True(t, got.Nullable)
			}
		}
	}
}

func TestUnifyLogicalTypes(t *testing.T) {
	text := func(logical string) arrow.Field {
		return arrow.Field{Name: "x", Type: arrow.BinaryTypes.String, Metadata: arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{logical})}
	}
	got, ok := parquetread.Unify(text(batch.LogicalEnum), text(batch.LogicalJSON))
	require.True(t, ok)
	assert.Empty(t, batch.LogicalType(got))
	got, ok = parquetread.Unify(text(batch.LogicalJSON), text(batch.LogicalJSON))
	require.True(t, ok)
	assert.Equal(t, batch.LogicalJSON, batch.LogicalType(got))
	_, ok = parquetread.Unify(text(batch.LogicalUUID), text(""))
	assert.False(t, ok, "an UUID is written in another way")
}

// Every pair that unifies widens without loss, NULLs included.
func TestWiden(t *testing.T) {
	cases := []struct {
		from arrow.DataType
		json string
		to   arrow.DataType
		want string
	}{
		{arrow.PrimitiveTypes.Int8, `[-128, null, 127]`, arrow.PrimitiveTypes.Int16, `[-128, null, 127]`},
		{arrow.PrimitiveTypes.Int8, `[-128, null, 127]`, arrow.PrimitiveTypes.Float32, `[-128, null, 127]`},
		{arrow.PrimitiveTypes.Int32, `[-2147483648, null]`, arrow.PrimitiveTypes.Float64, `[-2147483648, null]`},
		{arrow.PrimitiveTypes.Int32, `[-2147483648, null]`, decimalOf(12, 2), `["-2147483648.00", null]`},
		{arrow.PrimitiveTypes.Uint8, `[255]`, arrow.PrimitiveTypes.Uint16, `[255]`},
		{arrow.PrimitiveTypes.Uint16, `[65535]`, arrow.PrimitiveTypes.Uint64, `[65535]`},
		{arrow.PrimitiveTypes.Uint16, `[65535]`, arrow.PrimitiveTypes.Int32, `[65535]`},
		{arrow.PrimitiveTypes.Uint32, `[4294967295]`, arrow.PrimitiveTypes.Int64, `[4294967295]`},
		{arrow.PrimitiveTypes.Float32, `[0.5, null]`, arrow.PrimitiveTypes.Float64, `[0.5, null]`},
		{decimalOf(5, 2), `["-123.45", null]`, decimalOf(38, 20), `["-123.45000000000000000000", null]`},
		{arrow.Null, `[null, null]`, arrow.BinaryTypes.String, `[null, null]`},
	}
	for _, c := range cases {
		values, _, err := array.FromJSON(memory.DefaultAllocator, c.from, strings.NewReader(c.json))
		require.NoError(t, err)
		want, _, err := array.FromJSON(memory.DefaultAllocator, c.to, strings.NewReader(c.want))
		require.NoError(t, err)
		for from := range values.Len() {
			got, err := parquetread.Widen(array.NewSlice(values, int64(from), int64(values.Len())), c.to)
			require.NoError(t, err, "%s to %s", c.from, c.to)
			assert.True(t, array.Equal(array.NewSlice(want, int64(from), int64(want.Len())), got), "%s to %s: %s", c.from, c.to, got)
		}
	}
}

func TestWidenRefusesLoss(t *testing.T) {
	builder := array.NewInt64Builder(memory.DefaultAllocator)
	builder.Append(math.MaxInt64)
	for _, to := range []arrow.DataType{arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Float64, decimalOf(18, 0), arrow.BinaryTypes.String} {
		_, err := parquetread.Widen(builder.NewArray(), to)
		assert.ErrorContains(t, err, "does not widen")
		builder.Append(math.MaxInt64)
	}
}

func TestWidenTheLargestIntegers(t *testing.T) {
	signed, unsigned := array.NewInt64Builder(memory.DefaultAllocator), array.NewUint64Builder(memory.DefaultAllocator)
	signed.AppendValues([]int64{math.MinInt64, math.MaxInt64}, nil)
	unsigned.Append(math.MaxUint64)
	for want, values := range map[string]arrow.Array{"-92233720368547758080": signed.NewArray(), "184467440737095516150": unsigned.NewArray()} {
		wide, err := parquetread.Widen(values, decimalOf(22, 1))
		require.NoError(t, err)
		assert.Equal(t, want, wide.(*array.Decimal128).Value(0).BigInt().String())
	}
}
