package convert

import (
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What text carries becomes the same as what converts at once, and fails where that does.
func TestTextCarries(t *testing.T) {
	t.Parallel()
	p, w := arrow.PrimitiveTypes, arrow.FixedWidthTypes
	for _, from := range []struct {
		of   arrow.DataType
		json string
	}{
		{w.Boolean, `[true, false, null]`},
		{p.Int64, `[0, 1, 2, -32769, 9223372036854775807, -9223372036854775808, null]`},
		{p.Uint64, `[0, 18446744073709551615, null]`},
		{&arrow.Decimal128Type{Precision: 20, Scale: 3}, `["1.000", "-1.500", "99999999999999999.999", "0.001", null]`},
		{p.Float64, `[0, 1, 0.1, -2.5, 1e300, 5e-324, 9007199254740993, 123456.789, null]`},
		{p.Float32, `[0, 1, 0.1, 16777216, 3.4e38, null]`},
		{arrow.BinaryTypes.String, `["", "a", "ů", null]`},
		{arrow.BinaryTypes.Binary, `["", "AP8=", null]`},
		{w.Date32, `["2026-01-31", "0001-01-01", "1500-03-01", null]`},
		{w.Time64us, `["12:30:00.000001", "00:00:00", null]`},
		{&arrow.TimestampType{Unit: arrow.Nanosecond}, `["2026-01-31 12:30:00.123456789", "1969-12-31 23:59:59.999999999", null]`},
		{&arrow.TimestampType{Unit: arrow.Millisecond}, `["2026-03-29 02:30:00", "1800-01-31 12:30:00.123", null]`},
		{&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, `["2026-01-31 12:30:00.123456", "0001-01-31 12:30:00.123", null]`},
	} {
		values, _, err := array.FromJSON(memory.DefaultAllocator, from.of, strings.NewReader(from.json))
		require.NoError(t, err)
		field := arrow.Field{Name: "c", Type: from.of, Nullable: true}
		for _, sql := range []string{"boolean", "smallint", "bigint", "numeric(38,3)", "numeric(5,2)", "real", "double precision", "text", "bytes",
			"date", "time", "timestamp", "timestamptz", "interval", "geography"} {
			asked := Column{Source: "c", Type: sql}
			if kindOf(field) == date || kindOf(field) == timestamp {
				if asked.Timezone = "Europe/Berlin"; sql != "timestamptz" {
					asked.Timezone = ""
				}
			}
			if !Carries(field, asked) {
				continue
			}
			texts, err := Texts(field, values)
			require.NoError(t, err)
			direct, directFailed := converted(t, field, values, asked)
			carried, carriedFailed := converted(t, arrow.Field{Name: "c", Type: arrow.BinaryTypes.String, Nullable: true}, texts, asked)
			isSame := array.Equal(direct, carried) || direct.DataType().ID() == arrow.TIMESTAMP && !arrow.TypeEqual(direct.DataType(), carried.DataType())
			assert.True(t, isSame, "%s to %s: %s, by way of text %s", from.of, sql, direct, carried)
			assert.Equal(t, directFailed, carriedFailed, "%s to %s", from.of, sql)
		}
	}
}

func converted(t *testing.T, field arrow.Field, values arrow.Array, asked Column) (arrow.Array, []Failure) {
	schema := arrow.NewSchema([]arrow.Field{field}, nil)
	c, err := Compile(schema, Refuse, []Column{asked})
	require.NoError(t, err, "%s to %s", field.Type, asked.Type)
	record, failed, err := c.Apply(array.NewRecord(schema, []arrow.Array{values}, int64(values.Len())))
	require.NoError(t, err)
	out, err := array.Concatenate([]arrow.Array{record.Column(0)}, memory.DefaultAllocator)
	require.NoError(t, err)
	return out, failed
}

func TestWhatTextDoesNotCarry(t *testing.T) {
	t.Parallel()
	local, instants := &arrow.TimestampType{Unit: arrow.Microsecond}, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	for _, c := range []struct {
		from  arrow.DataType
		asked Column
	}{
		{arrow.PrimitiveTypes.Int64, Column{Type: "no such type"}}, {arrow.PrimitiveTypes.Int64, Column{}},
		{arrow.PrimitiveTypes.Int64, Column{Type: "date"}}, {arrow.FixedWidthTypes.Date32, Column{Type: "date", Format: "%y"}},
		{local, Column{Type: "timestamptz"}}, {instants, Column{Type: "timestamp", Timezone: "UTC"}},
		{arrow.ListOf(arrow.PrimitiveTypes.Int8), Column{Type: "text"}},
	} {
		assert.False(t, Carries(arrow.Field{Name: "c", Type: c.from}, c.asked), "%s to %s", c.from, c.asked.Type)
	}
	wrong := array.NewTime64Builder(memory.DefaultAllocator, &arrow.Time64Type{Unit: arrow.Microsecond})
	wrong.Append(math.MaxInt64)
	_, err := Texts(arrow.Field{Type: arrow.FixedWidthTypes.Time64us}, wrong.NewArray())
	require.ErrorIs(t, err, errNoText)
}
