package expr_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/expr"
)

// record makes a record from JSON lists, one per column.
func record(t testing.TB, schema *arrow.Schema, columns ...string) arrow.Record {
	t.Helper()
	arrays := make([]arrow.Array, len(columns))
	for i, text := range columns {
		arrays[i] = fromJSON(t, schema.Field(i).Type, text)
	}
	return array.NewRecord(schema, arrays, -1)
}

func fromJSON(t testing.TB, dt arrow.DataType, text string) arrow.Array {
	t.Helper()
	a, _, err := array.FromJSON(memory.DefaultAllocator, dt, strings.NewReader(text), array.WithUseNumber())
	require.NoError(t, err, "%s as %s", text, dt)
	return a
}

func schemaOf(t testing.TB, fields ...any) *arrow.Schema {
	t.Helper()
	var list []arrow.Field
	for i := 0; i < len(fields); i += 2 {
		list = append(list, arrow.Field{Name: fields[i].(string), Type: fields[i+1].(arrow.DataType), Nullable: true})
	}
	return arrow.NewSchema(list, nil)
}

func compile(t testing.TB, text string, schema *arrow.Schema) *expr.Program {
	t.Helper()
	p, err := expr.Compile(text, schema, time.Time{})
	require.NoError(t, err, text)
	return p
}

// letters writes a truth as one letter per row: T, F, N for NULL, X for failed.
func letters(t testing.TB, truth expr.Truth) string {
	t.Helper()
	var b strings.Builder
	bit := func(words []uint64, i int) bool { return len(words) > 0 && words[i/64]>>(i%64)&1 == 1 }
	for i := range truth.Rows {
		yes, null, failed := bit(truth.True, i), bit(truth.Null, i), bit(truth.Failed, i)
		switch {
		case yes && !null && !failed:
			b.WriteByte('T')
		case null && !yes && !failed:
			b.WriteByte('N')
		case failed && !yes && !null:
			b.WriteByte('X')
		case !yes && !null && !failed:
			b.WriteByte('F')
		default:
			b.WriteByte('?')
		}
	}
	for _, words := range [][]uint64{truth.True, truth.Null, truth.Failed} {
		if rest := truth.Rows % 64; rest > 0 && len(words) > 0 && words[len(words)-1]>>rest != 0 {
			b.WriteString(" with bits beyond the rows")
		}
	}
	return b.String()
}

// eval evaluates a program with its kernels and without; both must agree.
func eval(t testing.TB, p *expr.Program, r arrow.Record) string {
	t.Helper()
	batch, err := p.Eval(r)
	require.NoError(t, err)
	rows, err := p.RowForRow().Eval(r)
	require.NoError(t, err)
	require.Equal(t, letters(t, rows), letters(t, batch), "row by row, and by kernels")
	return letters(t, batch)
}

// hostileSchema has a column or more of every type.
func hostileSchema(t testing.TB) *arrow.Schema {
	dictionary := func(v arrow.DataType) arrow.DataType {
		return &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: v}
	}
	return schemaOf(t,
		"flag", arrow.FixedWidthTypes.Boolean, "flag2", arrow.FixedWidthTypes.Boolean,
		"i8", arrow.PrimitiveTypes.Int8, "i16", arrow.PrimitiveTypes.Int16, "i32", arrow.PrimitiveTypes.Int32, "i64", arrow.PrimitiveTypes.Int64,
		"u8", arrow.PrimitiveTypes.Uint8, "u16", arrow.PrimitiveTypes.Uint16, "u32", arrow.PrimitiveTypes.Uint32, "u64", arrow.PrimitiveTypes.Uint64,
		"f16", arrow.FixedWidthTypes.Float16, "f32", arrow.PrimitiveTypes.Float32, "f64", arrow.PrimitiveTypes.Float64,
		"dec", &arrow.Decimal128Type{Precision: 15, Scale: 2}, "dec4", &arrow.Decimal128Type{Precision: 20, Scale: 4},
		"big", &arrow.Decimal128Type{Precision: 38, Scale: 10}, "huge", &arrow.Decimal256Type{Precision: 60, Scale: 3},
		"text", arrow.BinaryTypes.String, "large", arrow.BinaryTypes.LargeString, "view", arrow.BinaryTypes.StringView, "dict", dictionary(arrow.BinaryTypes.String),
		"bin", arrow.BinaryTypes.Binary, "fixed", &arrow.FixedSizeBinaryType{ByteWidth: 2},
		"day", arrow.FixedWidthTypes.Date32, "day64", arrow.FixedWidthTypes.Date64, "dictday", dictionary(arrow.FixedWidthTypes.Date32),
		"time", arrow.FixedWidthTypes.Time32ms, "time64", arrow.FixedWidthTypes.Time64ns,
		"ts", &arrow.TimestampType{Unit: arrow.Microsecond}, "tss", &arrow.TimestampType{Unit: arrow.Second},
		"tsz", &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}, "tsn", &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"},
		"dur", arrow.FixedWidthTypes.Duration_ms,
	)
}

// hostileRecord has random values, many of them extreme or equal to each other, in a
// slice that begins in the middle of a byte.
func hostileRecord(t testing.TB, random *rand.Rand, schema *arrow.Schema, rows int) arrow.Record {
	const before = 3
	columns := make([]arrow.Array, schema.NumFields())
	for i, f := range schema.Fields() {
		var items []string
		for range rows + before {
			items = append(items, hostileValue(random, f.Type))
		}
		columns[i] = hostileColumn(t, f.Type, items)
	}
	return array.NewRecord(schema, columns, -1).NewSlice(before, int64(rows+before))
}

func hostileColumn(t testing.TB, dt arrow.DataType, items []string) arrow.Array {
	b := array.NewBuilder(memory.DefaultAllocator, dt)
	for _, item := range items {
		if item == "NULL" {
			b.AppendNull()
			continue
		}
		require.NoError(t, b.AppendValueFromString(item), "%s as %s", item, dt)
	}
	return b.NewArray()
}

func oneOf(random *rand.Rand, list ...string) string { return list[random.IntN(len(list))] }

var texts = []string{"", "a", "ab", "abc", "b", "B", "äb", "日本", "🦊", "a\x00b", "12", "-7", " x ", "abcabc", "2026-01-31", "%_'\"`\\"}

func hostileValue(random *rand.Rand, dt arrow.DataType) string {
	if random.IntN(6) == 0 {
		return "NULL"
	}
	switch dt := dt.(type) {
	case *arrow.DictionaryType:
		return hostileValue(random, dt.ValueType)
	case *arrow.BooleanType:
		return oneOf(random, "true", "false")
	case *arrow.Float16Type, *arrow.Float32Type, *arrow.Float64Type:
		return oneOf(random, "NaN", "0", "-0", "Inf", "-Inf", "1", "-1", "0.5", "2.25", "0.05", "3", fmt.Sprint(random.IntN(9)))
	case arrow.DecimalType:
		whole := oneOf(random, "0", "1", "-1", "2.25", "3", "0.05", "-7", fmt.Sprintf("%.2f", random.Float64()*10))
		if random.IntN(8) == 0 {
			whole = oneOf(random, "-", "") + strings.Repeat("9", int(dt.GetPrecision()-dt.GetScale()))
		}
		return whole
	case *arrow.StringType, *arrow.LargeStringType, *arrow.StringViewType:
		return texts[random.IntN(len(texts))]
	case *arrow.BinaryType:
		return oneOf(random, "", "YQ==", "YWI=", "/wA=")
	case *arrow.FixedSizeBinaryType:
		return oneOf(random, "YWI=", "/wA=", "AAA=")
	case *arrow.Date32Type, *arrow.Date64Type:
		return oneOf(random, "1969-12-31", "1970-01-01", "2026-01-31", "2026-02-01", "0001-01-01", "9999-12-31")
	case *arrow.Time32Type, *arrow.Time64Type:
		return oneOf(random, "00:00:00", "12:30:15", "23:59:59.999")
	case *arrow.TimestampType:
		if dt.Unit == arrow.Nanosecond {
			return oneOf(random, "1969-12-31T23:59:59.999999999Z", "2026-01-31T00:00:00Z", "2026-01-31T12:00:00Z", "2262-04-11T23:47:16Z")
		}
		return strings.TrimSuffix(oneOf(random, "1969-12-31T23:59:59Z", "2026-01-31T00:00:00Z", "2026-01-31T12:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"), "Z") + map[bool]string{true: "Z"}[dt.TimeZone != ""]
	case *arrow.DurationType:
		return oneOf(random, "0s", "3600s", "-1ms", "24h", "2562047h47m16.854s")
	}
	return hostileInteger(random, dt)
}

func hostileInteger(random *rand.Rand, dt arrow.DataType) string {
	extremes := map[arrow.Type][2]string{
		arrow.INT8: {"-128", "127"}, arrow.INT16: {"-32768", "32767"}, arrow.INT32: {"-2147483648", "2147483647"},
		arrow.INT64: {"-9223372036854775808", "9223372036854775807"}, arrow.UINT8: {"0", "255"}, arrow.UINT16: {"0", "65535"},
		arrow.UINT32: {"0", "4294967295"}, arrow.UINT64: {"0", "18446744073709551615"},
	}[dt.ID()]
	if random.IntN(4) == 0 {
		return extremes[random.IntN(2)]
	}
	small := random.IntN(12)
	if extremes[0] != "0" {
		small -= 6
	}
	return fmt.Sprint(small)
}
