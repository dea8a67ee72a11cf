package convert_test

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/convert"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd/hyperdtest"
)

func TestMain(m *testing.M) { hyperdtest.Main(m.Run) }

var (
	p = arrow.PrimitiveTypes
	b = arrow.BinaryTypes
	w = arrow.FixedWidthTypes
)

func decimal(digits, scale int32) arrow.DataType {
	return &arrow.Decimal128Type{Precision: digits, Scale: scale}
}

func stamp(unit arrow.TimeUnit, zone string) arrow.DataType {
	return &arrow.TimestampType{Unit: unit, TimeZone: zone}
}

// values makes an array from JSON.
func values(t testing.TB, of arrow.DataType, json string) arrow.Array {
	t.Helper()
	arr, _, err := array.FromJSON(memory.DefaultAllocator, of, strings.NewReader(json))
	require.NoError(t, err)
	return arr
}

// textValues makes a text array without going through JSON.
func textValues(list ...string) arrow.Array {
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	builder.AppendValues(list, nil)
	return builder.NewArray()
}

func logical(name string) arrow.Metadata {
	return arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{name})
}

func schemaOf(fields ...arrow.Field) *arrow.Schema { return arrow.NewSchema(fields, nil) }

func nullable(name string, of arrow.DataType) arrow.Field {
	return arrow.Field{Name: name, Type: of, Nullable: true}
}

// column converts an array that is the one column, c, of a record.
func column(t testing.TB, field arrow.Field, source arrow.Array, ask convert.Column) (arrow.Field, arrow.Array, []int) {
	t.Helper()
	ask.Source = "c"
	field.Name = "c"
	converter, err := convert.Compile(schemaOf(field), "", []convert.Column{ask})
	require.NoError(t, err)
	record := array.NewRecord(schemaOf(field), []arrow.Array{source}, -1)
	mapped, failures, err := converter.Apply(record)
	require.NoError(t, err)
	require.EqualValues(t, 1, mapped.NumCols())
	require.EqualValues(t, source.Len(), mapped.NumRows())
	out := mapped.Column(0)
	require.True(t, arrow.TypeEqual(converter.Schema().Field(0).Type, out.DataType()))
	assert.Equal(t, [][]int{{0}}, converter.Sources())
	if len(failures) == 0 {
		return converter.Schema().Field(0), out, nil
	}
	require.Len(t, failures, 1)
	for _, row := range failures[0].Rows {
		assert.True(t, out.IsNull(row), "row %d failed and is not NULL", row)
	}
	return converter.Schema().Field(0), out, failures[0].Rows
}

// printed is the values of an array as Arrow prints them, decimals with all their digits.
func printed(arr arrow.Array) []string {
	out := make([]string, arr.Len())
	for i := range out {
		out[i] = arr.ValueStr(i)
		if d, ok := arr.(*array.Decimal128); ok && d.IsValid(i) {
			out[i] = d.Value(i).ToString(d.DataType().(*arrow.Decimal128Type).Scale)
		}
	}
	return out
}

func TestSharedColumns(t *testing.T) {
	t.Parallel()
	fields := []arrow.Field{nullable("a", p.Int64), nullable("b", b.String), {Name: "c", Type: w.Date32}}
	metadata := arrow.NewMetadata([]string{"k"}, []string{"v"})
	schema := arrow.NewSchema(fields, &metadata)
	record := array.NewRecord(schema, []arrow.Array{
		values(t, p.Int64, `[1, null]`), values(t, b.String, `["x", null]`), values(t, w.Date32, `["2026-01-31", "1969-12-31"]`),
	}, -1)

	same, err := convert.Compile(schema, "", []convert.Column{{Source: "a", Type: "bigint"}, {Source: "c", Type: "DATE"}})
	require.NoError(t, err)
	mapped, failures, err := same.Apply(record)
	require.NoError(t, err)
	assert.Empty(t, failures)
	assert.Same(t, record, mapped, "a converter that has nothing to do costs nothing")
	assert.True(t, schema.Equal(same.Schema()))

	one, err := convert.Compile(schema, "", []convert.Column{{Source: "a", Type: "text"}})
	require.NoError(t, err)
	mapped, failures, err = one.Apply(record)
	require.NoError(t, err)
	assert.Empty(t, failures)
	assert.Equal(t, []string{"1", "(null)"}, printed(mapped.Column(0)))
	assert.Same(t, record.Column(1), mapped.Column(1))
	assert.Same(t, record.Column(2), mapped.Column(2))
	assert.Equal(t, p.Int64, record.Column(0).DataType(), "the source stays as it is")
	assert.Equal(t, [][]int{{0}, {1}, {2}}, one.Sources())
	meta := one.Schema().Metadata()
	assert.Equal(t, metadata.String(), meta.String())
}

func TestApplyRefusesOtherRecords(t *testing.T) {
	t.Parallel()
	field := nullable("a", p.Int64)
	converter, err := convert.Compile(schemaOf(field), "", []convert.Column{{Source: "a", Type: "text"}})
	require.NoError(t, err)

	other := array.NewRecord(schemaOf(nullable("a", p.Int32)), []arrow.Array{values(t, p.Int32, `[1]`)}, -1)
	_, _, err = converter.Apply(other)
	require.EqualError(t, err, `column "a" of the batch is int32, but int64 was planned`)

	_, _, err = converter.Apply(array.NewRecord(schemaOf(), nil, 0))
	require.EqualError(t, err, "the batch has 0 columns, but 1 were planned")
}

func TestReason(t *testing.T) {
	t.Parallel()
	list := arrow.ListOf(b.String)
	schema := schemaOf(nullable("a", b.String), nullable("b", b.String), nullable("c", b.String), nullable("d", list),
		nullable("e", arrow.ListOf(arrow.FixedWidthTypes.Time64us)), nullable("f", arrow.MapOf(b.String, arrow.FixedWidthTypes.Time32ms)))
	converter, err := convert.Compile(schema, convert.JSON, []convert.Column{
		{Source: "a", Type: "int8"}, {Source: "b", Type: "date", Format: "%d.%m.%Y"}, {Source: "c", Type: "tableau.tabgeography"},
	})
	require.NoError(t, err)
	assert.Equal(t, "does not convert to BIGINT", converter.Reason(0))
	assert.Equal(t, "does not convert to DATE by the format %d.%m.%Y", converter.Reason(1))
	assert.Equal(t, "does not convert to GEOGRAPHY (valid shapes of longitude and latitude in degrees, without height or measure)", converter.Reason(2))
	assert.Equal(t, "holds text that is not UTF-8, which JSON cannot hold", converter.Reason(3))
	assert.Equal(t, "holds a time that is not within a day, which JSON cannot hold", converter.Reason(4))
	assert.Equal(t, "holds text that is not UTF-8 or a time that is not within a day, which JSON cannot hold", converter.Reason(5))
}

// requireRefused checks a failure that was known before data was read.
func requireRefused(t *testing.T, err error, message, hint string) {
	t.Helper()
	require.Error(t, err)
	var refusal *failure.Error
	require.ErrorAs(t, err, &refusal)
	assert.True(t, refusal.Early)
	assert.Contains(t, []failure.Kind{failure.Config, failure.Source}, refusal.Kind)
	assert.Contains(t, err.Error(), message)
	assert.Contains(t, refusal.Hint, hint)
}
