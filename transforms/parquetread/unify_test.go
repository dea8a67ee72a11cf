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

func fieldOf(name string, of arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: of, Nullable: true}
}

func structOf(name string, of arrow.DataType) arrow.DataType {
	return arrow.StructOf(fieldOf(name, of))
}

// widened widens values of a type without a logical one.
func widened(values arrow.Array, to arrow.DataType) (arrow.Array, error) {
	return parquetread.Widen(values, fieldOf("x", values.DataType()), fieldOf("x", to))
}

func TestUnify(t *testing.T) {
	t.Parallel()
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
		{arrow.FixedWidthTypes.Timestamp_ms, arrow.FixedWidthTypes.Timestamp_us, arrow.FixedWidthTypes.Timestamp_us},
		{arrow.FixedWidthTypes.Timestamp_ns, arrow.FixedWidthTypes.Timestamp_ms, arrow.FixedWidthTypes.Timestamp_us},
		{arrow.FixedWidthTypes.Timestamp_us, &arrow.TimestampType{Unit: arrow.Microsecond}, nil},
		{arrow.FixedWidthTypes.Time32ms, arrow.FixedWidthTypes.Time64ns, arrow.FixedWidthTypes.Time64us},
		{arrow.FixedWidthTypes.Duration_s, arrow.FixedWidthTypes.Duration_ns, arrow.FixedWidthTypes.Duration_us},
		{arrow.FixedWidthTypes.Duration_s, p.Int64, nil},
		{arrow.ListOf(p.Int32), arrow.ListOf(p.Int64), arrow.ListOf(p.Int64)},
		{arrow.ListOf(p.Int32), arrow.ListOf(arrow.BinaryTypes.String), nil},
		{arrow.ListOf(p.Int32), p.Int32, nil},
		{arrow.MapOf(p.Int8, p.Float32), arrow.MapOf(p.Int16, p.Float64), arrow.MapOf(p.Int16, p.Float64)},
		{structOf("a", p.Int32), arrow.ListOf(p.Int32), nil},
		{structOf("a", p.Int32), structOf("a", arrow.BinaryTypes.String), nil},
		{arrow.StructOf(fieldOf("a", p.Int8), fieldOf("a", p.Int8)), structOf("a", p.Int8), nil},
		{arrow.ListOf(p.Int32), arrow.ListOf(p.Int32), arrow.ListOf(p.Int32)},
		{arrow.FixedWidthTypes.Boolean, p.Int8, nil},
		{arrow.FixedWidthTypes.Float16, p.Float32, nil},
	}
	for _, c := range cases {
		for _, pair := range [][2]arrow.DataType{{c.a, c.b}, {c.b, c.a}} {
			got, ok := parquetread.Unify(arrow.Field{Name: "x", Type: pair[0]}, arrow.Field{Name: "x", Type: pair[1], Nullable: true}, nil)
			assert.Equal(t, c.want != nil, ok, "%s and %s", pair[0], pair[1])
			if c.want != nil {
				assert.True(t, arrow.TypeEqual(c.want, got.Type), "%s and %s give %s", pair[0], pair[1], got.Type)
				assert.True(t, got.Nullable)
			}
		}
	}
}

func TestUnifyLogicalTypes(t *testing.T) {
	t.Parallel()
	text := func(logical string) arrow.Field {
		return arrow.Field{Name: "x", Type: arrow.BinaryTypes.String, Metadata: arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{logical})}
	}
	got, ok := parquetread.Unify(text(batch.LogicalEnum), text(batch.LogicalJSON), nil)
	require.True(t, ok)
	assert.Empty(t, batch.LogicalType(got))
	got, ok = parquetread.Unify(text(batch.LogicalJSON), text(batch.LogicalJSON), nil)
	require.True(t, ok)
	assert.Equal(t, batch.LogicalJSON, batch.LogicalType(got))
	_, ok = parquetread.Unify(text(batch.LogicalUUID), text(""), nil)
	assert.False(t, ok, "an UUID is written in another way")
}

// Every pair that unifies widens without loss, NULLs included.
func TestWiden(t *testing.T) {
	t.Parallel()
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
		{arrow.PrimitiveTypes.Int64, `[-5, null]`, arrow.BinaryTypes.String, `["-5", null]`},
		{&arrow.TimestampType{Unit: arrow.Millisecond}, `["1969-12-31 23:59:59.999", null]`, &arrow.TimestampType{Unit: arrow.Microsecond}, `["1969-12-31 23:59:59.999", null]`},
		{&arrow.TimestampType{Unit: arrow.Nanosecond}, `["1969-12-31 23:59:59.999999999", null, "2026-01-01 00:00:00.000001999"]`,
			&arrow.TimestampType{Unit: arrow.Microsecond}, `["1969-12-31 23:59:59.999999", null, "2026-01-01 00:00:00.000001"]`},
		{arrow.FixedWidthTypes.Time32ms, `["12:30:00.5", null]`, arrow.FixedWidthTypes.Time64us, `["12:30:00.5", null]`},
		{arrow.ListOf(structOf("a", arrow.PrimitiveTypes.Int8)), `[[{"a": 1}, null], null, [], [{"a": null}, {"a": 3}]]`,
			arrow.ListOf(arrow.StructOf(fieldOf("b", arrow.BinaryTypes.String), fieldOf("a", arrow.PrimitiveTypes.Int64))),
			`[[{"a": 1, "b": null}, null], null, [], [{"a": null, "b": null}, {"a": 3, "b": null}]]`},
		{arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int8), `[[{"key": "x", "value": 1}], null, [{"key": "y", "value": null}]]`,
			arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64), `[[{"key": "x", "value": 1}], null, [{"key": "y", "value": null}]]`},
	}
	for _, c := range cases {
		values, _, err := array.FromJSON(memory.DefaultAllocator, c.from, strings.NewReader(c.json))
		require.NoError(t, err)
		want, _, err := array.FromJSON(memory.DefaultAllocator, c.to, strings.NewReader(c.want))
		require.NoError(t, err)
		for from := range values.Len() {
			got, err := widened(array.NewSlice(values, int64(from), int64(values.Len())), c.to)
			require.NoError(t, err, "%s to %s", c.from, c.to)
			assert.True(t, array.Equal(array.NewSlice(want, int64(from), int64(want.Len())), got), "%s to %s: %s", c.from, c.to, got)
		}
	}
}

func TestWidenRefusesLoss(t *testing.T) {
	t.Parallel()
	builder := array.NewInt64Builder(memory.DefaultAllocator)
	builder.Append(math.MaxInt64)
	for _, to := range []arrow.DataType{arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Float64, decimalOf(18, 0), arrow.FixedWidthTypes.Date32} {
		_, err := widened(builder.NewArray(), to)
		assert.ErrorContains(t, err, "does not widen")
		builder.Append(math.MaxInt64)
	}
}

func TestWidenTheLargestIntegers(t *testing.T) {
	t.Parallel()
	signed, unsigned := array.NewInt64Builder(memory.DefaultAllocator), array.NewUint64Builder(memory.DefaultAllocator)
	signed.AppendValues([]int64{math.MinInt64, math.MaxInt64}, nil)
	unsigned.Append(math.MaxUint64)
	for want, values := range map[string]arrow.Array{"-92233720368547758080": signed.NewArray(), "184467440737095516150": unsigned.NewArray()} {
		wide, err := widened(values, decimalOf(22, 1))
		require.NoError(t, err)
		assert.Equal(t, want, wide.(*array.Decimal128).Value(0).BigInt().String())
	}
}

// Structures of other fields become one of all, whatever their order; what only one has may be NULL.
func TestUnifyStructures(t *testing.T) {
	t.Parallel()
	p := arrow.PrimitiveTypes
	a := arrow.Field{Name: "s", Type: arrow.StructOf(arrow.Field{Name: "x", Type: p.Int32}, arrow.Field{Name: "only a", Type: p.Int8})}
	b := arrow.Field{Name: "s", Type: arrow.StructOf(arrow.Field{Name: "only b", Type: p.Int8}, arrow.Field{Name: "x", Type: p.Int64, Nullable: true})}
	got, ok := parquetread.Unify(a, b, nil)
	require.True(t, ok)
	want := arrow.StructOf(fieldOf("x", p.Int64), fieldOf("only a", p.Int8), fieldOf("only b", p.Int8))
	assert.True(t, arrow.TypeEqual(want, got.Type), got.Type)
	assert.False(t, got.Nullable)
}

// INT96 is an instant where there are others, and a local timestamp beside such.
func TestUnifyInt96(t *testing.T) {
	t.Parallel()
	local := &arrow.TimestampType{Unit: arrow.Microsecond}
	int96 := arrow.Field{Name: "t", Type: local, Metadata: arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{batch.LogicalInt96})}
	for _, other := range []arrow.DataType{arrow.FixedWidthTypes.Timestamp_us, arrow.FixedWidthTypes.Timestamp_ms, arrow.FixedWidthTypes.Timestamp_ns} {
		for _, pair := range [][2]arrow.Field{{int96, fieldOf("t", other)}, {fieldOf("t", other), int96}} {
			got, ok := parquetread.Unify(pair[0], pair[1], nil)
			require.True(t, ok)
			assert.True(t, arrow.TypeEqual(arrow.FixedWidthTypes.Timestamp_us, got.Type), got.Type)
			assert.Empty(t, batch.LogicalType(got))
		}
	}
	got, ok := parquetread.Unify(int96, fieldOf("t", local), nil)
	require.True(t, ok)
	assert.True(t, arrow.TypeEqual(local, got.Type))

	values, _, err := array.FromJSON(memory.DefaultAllocator, local, strings.NewReader(`["2026-01-01 10:00:00", null]`))
	require.NoError(t, err)
	instants, err := parquetread.Widen(values, int96, fieldOf("t", arrow.FixedWidthTypes.Timestamp_us))
	require.NoError(t, err)
	assert.Equal(t, "2026-01-01 10:00:00Z", instants.ValueStr(0))
	_, err = widened(values, arrow.FixedWidthTypes.Timestamp_us)
	require.Error(t, err, "a local time is no instant")
}

// Where a type is asked for that all convert to, text carries them; also in structures.
func TestUnifyByText(t *testing.T) {
	t.Parallel()
	var asked []string
	carried := func(path string, field arrow.Field) bool {
		asked = append(asked, path)
		return field.Type.ID() != arrow.BOOL
	}
	got, ok := parquetread.Unify(fieldOf("c", structOf("id", arrow.PrimitiveTypes.Int64)), fieldOf("c", structOf("id", arrow.BinaryTypes.String)), carried)
	require.True(t, ok)
	assert.True(t, arrow.TypeEqual(structOf("id", arrow.BinaryTypes.String), got.Type))
	assert.Equal(t, []string{"c.id", "c.id"}, asked)
	_, ok = parquetread.Unify(fieldOf("c", arrow.FixedWidthTypes.Boolean), fieldOf("c", arrow.BinaryTypes.String), carried)
	assert.False(t, ok)
}

func TestMicrosecondsThatDoNotFit(t *testing.T) {
	t.Parallel()
	b := array.NewTimestampBuilder(memory.DefaultAllocator, &arrow.TimestampType{Unit: arrow.Millisecond})
	b.Append(math.MaxInt64 / 1000)
	b.Append(math.MinInt64/1000 - 1)
	_, err := widened(b.NewArray(), &arrow.TimestampType{Unit: arrow.Microsecond})
	require.ErrorContains(t, err, "too large for microseconds")
}

// Names of items, nullability and the order of fields in structures make no other form.
func TestFormsThatAreAlike(t *testing.T) {
	t.Parallel()
	item := func(name string, nullable bool) arrow.DataType {
		inner := arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int8, Nullable: nullable}
		fields := []arrow.Field{inner, fieldOf("b", arrow.BinaryTypes.String)}
		if nullable {
			fields[0], fields[1] = fields[1], fields[0]
		}
		return arrow.ListOfField(arrow.Field{Name: name, Type: arrow.StructOf(fields...), Nullable: nullable})
	}
	found := parquetread.FindColumns([]parquetread.Footer{
		{Schema: arrow.NewSchema([]arrow.Field{{Name: "l", Type: item("element", false)}}, nil)},
		{Schema: arrow.NewSchema([]arrow.Field{{Name: "l", Type: item("item", true), Nullable: true}}, nil)},
	})
	require.Len(t, found, 1)
	assert.False(t, found[0].Drifts())
	assert.True(t, found[0].Field.Nullable)
	want := arrow.ListOf(arrow.StructOf(fieldOf("a", arrow.PrimitiveTypes.Int8), fieldOf("b", arrow.BinaryTypes.String)))
	assert.True(t, arrow.TypeEqual(want, found[0].Field.Type), "%s", found[0].Field.Type)
}
