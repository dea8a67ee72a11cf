package validate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/transforms/validate"
)

const (
	max38  = "99999999999999999999999999999999999999"
	over38 = "100000000000000000000000000000000000000"
)

func TestChecks(t *testing.T) {
	int8s := `[-128, -1, 0, 1, 127, null]`
	uint64s := `[0, 9223372036854775807, 9223372036854775808, 18446744073709551615, null]`
	float64s := `["NaN", "-Inf", -1.7976931348623157e308, "-0", 0, 5e-324, 0.1, 1.7976931348623157e308, "Inf", null]`
	float32s := `["NaN", "-Inf", "-0", "0.1", "0.10000001", "3.4028235e38", "Inf", null]`
	halves := `[32257, 64512, 32768, 0, 1, 15360, 31743, 31744, null]` // NaN, -Inf, -0, 0, 2^-24, 1, 65504, Inf
	cents := `["-100", "0", "9", "10", "11", "100", null]`
	whole38 := `["-` + max38 + `", "0", "` + max38 + `", null]`
	days := `[-2440550, -1, 0, 20484, 20485, 2147483647, null]` // -4712-01-01, 1969-12-31, 1970-01-01, 2026-01-31, 2026-02-01
	micros := `[-9223372036854775808, -1, 0, 1769860800000000, 1769860800000001, 9223372036854775807, null]`
	clock := `[0, 45000000000, 86399999999, null]`
	texts := `["A", "N", "", "a", "žluť", "123456789", "A ", null]`

	characters := `["", "a", "ab", "é", "e\u0301clair", "\ud83d\ude00\ud83d\ude00", "čš", "☃", "123456789", null]` // 0 1 2 1 7 2 2 1 9
	lines := `["a", "", "a\n", "b\na", "b a", "žluť", "☃", null]`

	dict := func(v arrow.DataType) arrow.DataType {
		return &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: v}
	}
	decimal := func(precision, scale int32) arrow.DataType {
		return &arrow.Decimal128Type{Precision: precision, Scale: scale}
	}
	decimal256 := func(precision, scale int32) arrow.DataType {
		return &arrow.Decimal256Type{Precision: precision, Scale: scale}
	}
	timestamp := func(unit arrow.TimeUnit, zone string) arrow.DataType {
		return &arrow.TimestampType{Unit: unit, TimeZone: zone}
	}
	for _, test := range []struct {
		dt     arrow.DataType
		values string
		rule   string
		broken []int64
	}{
		{arrow.PrimitiveTypes.Int8, int8s, "not_null: true", []int64{5}},
		{arrow.PrimitiveTypes.Int8, int8s, "min: 0", []int64{0, 1}},
		{arrow.PrimitiveTypes.Int8, int8s, "max: 0", []int64{3, 4}},
		{arrow.PrimitiveTypes.Int8, int8s, "min: 0, max: 0", []int64{0, 1, 3, 4}},
		{arrow.PrimitiveTypes.Int8, int8s, "min: 0.5", []int64{0, 1, 2}},
		{arrow.PrimitiveTypes.Int8, int8s, "min: -0.5, max: 1.5", []int64{0, 1, 4}},
		{arrow.PrimitiveTypes.Int8, int8s, "min: -1.5", []int64{0}},
		{arrow.PrimitiveTypes.Int8, int8s, "min: -128, max: 127", nil},
		{arrow.PrimitiveTypes.Int8, int8s, "min: -129, max: 128", nil},
		{arrow.PrimitiveTypes.Int8, int8s, "min: 127.5", []int64{0, 1, 2, 3, 4}},
		{arrow.PrimitiveTypes.Int8, int8s, "max: 127.5", nil},
		{arrow.PrimitiveTypes.Int8, int8s, "min: 1e400", []int64{0, 1, 2, 3, 4}},
		{arrow.PrimitiveTypes.Int8, int8s, "max: 1e400", nil},
		{arrow.PrimitiveTypes.Int8, int8s, "max: -129", []int64{0, 1, 2, 3, 4}},
		{arrow.PrimitiveTypes.Int8, int8s, "in: [1, -1, 1.0, 0x7f, 300, -300, 0.5]", []int64{0, 2}},
		{arrow.PrimitiveTypes.Int8, int8s, "in: [0.5]", []int64{0, 1, 2, 3, 4}},
		{arrow.PrimitiveTypes.Int8, int8s, "not_null: true, min: 0, in: [0, 1]", []int64{0, 1, 4, 5}},
		{arrow.PrimitiveTypes.Int16, `[-32768, 32767, null]`, "min: -32767", []int64{0}},
		{arrow.PrimitiveTypes.Int32, `[-2147483648, 2147483647, null]`, "max: 2147483646", []int64{1}},
		{arrow.PrimitiveTypes.Int64, `[-9223372036854775808, 9223372036854775806, 9223372036854775807, null]`, "min: -9223372036854775807, max: 9223372036854775806", []int64{0, 2}},
		{arrow.PrimitiveTypes.Int64, `[-9223372036854775808, 9223372036854775807, null]`, "min: -9223372036854775809, max: 9223372036854775808", nil},
		{arrow.PrimitiveTypes.Uint8, `[0, 255, null]`, "min: -1, max: 254", []int64{1}},
		{arrow.PrimitiveTypes.Uint8, `[0, 255, null]`, "max: -1", []int64{0, 1}},
		{arrow.PrimitiveTypes.Uint16, `[0, 65535, null]`, "min: 1", []int64{0}},
		{arrow.PrimitiveTypes.Uint32, `[0, 4294967295, null]`, "max: 4294967294", []int64{1}},
		{arrow.PrimitiveTypes.Uint64, uint64s, "min: 9223372036854775808", []int64{0, 1}},
		{arrow.PrimitiveTypes.Uint64, uint64s, "max: 18446744073709551614", []int64{3}},
		{arrow.PrimitiveTypes.Uint64, uint64s, "max: 18446744073709551616", nil},
		{arrow.PrimitiveTypes.Uint64, uint64s, "in: [18446744073709551615, 0]", []int64{1, 2}},

		{arrow.PrimitiveTypes.Float64, float64s, "not_null: true", []int64{9}},
		{arrow.PrimitiveTypes.Float64, float64s, "min: 0", []int64{0, 1, 2}},
		{arrow.PrimitiveTypes.Float64, float64s, "max: -0", []int64{0, 5, 6, 7, 8}},
		{arrow.PrimitiveTypes.Float64, float64s, "min: 0.1", []int64{0, 1, 2, 3, 4, 5}},
		{arrow.PrimitiveTypes.Float64, float64s, "min: -.inf", []int64{0}},
		{arrow.PrimitiveTypes.Float64, float64s, "min: .inf", []int64{0, 1, 2, 3, 4, 5, 6, 7}},
		{arrow.PrimitiveTypes.Float64, float64s, "min: -1e400, max: 1e400", []int64{0, 1, 8}},
		{arrow.PrimitiveTypes.Float64, float64s, "min: 1e400", []int64{0, 1, 2, 3, 4, 5, 6, 7}},
		{arrow.PrimitiveTypes.Float64, float64s, "max: -1e400", []int64{0, 2, 3, 4, 5, 6, 7, 8}},
		{arrow.PrimitiveTypes.Float64, float64s, "in: [0, 0.1, -.inf, 1e400]", []int64{0, 2, 5, 7, 8}},
		{arrow.PrimitiveTypes.Float64, float64s, "in: [1e400]", []int64{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		{arrow.PrimitiveTypes.Float32, float32s, "max: 0.1", []int64{0, 4, 5, 6}},
		{arrow.PrimitiveTypes.Float32, float32s, "in: [0.1, 0]", []int64{0, 1, 4, 5, 6}},
		{arrow.PrimitiveTypes.Float32, float32s, "max: 1e39", []int64{0, 6}},
		{arrow.FixedWidthTypes.Float16, halves, "min: 0", []int64{0, 1}},
		{arrow.FixedWidthTypes.Float16, halves, "min: 0.00000005", []int64{0, 1, 2, 3}},
		{arrow.FixedWidthTypes.Float16, halves, "max: 65504", []int64{0, 7}},
		{arrow.FixedWidthTypes.Float16, halves, "max: 1e6", []int64{0, 7}},
		{arrow.FixedWidthTypes.Float16, halves, "in: [1, 0, .inf]", []int64{0, 1, 4, 6}},

		{decimal(5, 2), cents, "min: 0.1", []int64{0, 1, 2}},
		{decimal(5, 2), cents, "min: 0.099, max: 0.101", []int64{0, 1, 2, 4, 5}},
		{decimal(5, 2), cents, "max: 0.1000", []int64{4, 5}},
		{decimal(5, 2), cents, "in: [0.1, 1, 0.111]", []int64{0, 1, 2, 4}},
		{decimal(5, -2), cents, "min: 1000, max: 1099.9", []int64{0, 1, 2, 4, 5}},
		{decimal(5, -2), cents, "in: [1000, 1100, 950]", []int64{0, 1, 2, 5}},
		{decimal(38, 0), whole38, "min: -" + max38 + ", max: " + max38, nil},
		{decimal(38, 0), whole38, "max: " + max38[1:], []int64{2}},
		{decimal(38, 0), whole38, "min: -" + max38[1:], []int64{0}},
		{decimal(38, 0), whole38, "min: " + over38, []int64{0, 1, 2}},
		{decimal(38, 0), whole38, "min: 1e9999", []int64{0, 1, 2}},
		{decimal(38, 0), whole38, "max: 1e9999", nil},
		{decimal(38, 38), whole38, "min: 1e-38, max: 0." + max38, []int64{0, 1}},
		{decimal256(76, 10), `["-` + max38 + max38 + `", "-1", "0", "1", "` + max38 + max38 + `", null]`, "min: -0.0000000001, max: 0.00000000019", []int64{0, 4}},
		{decimal256(76, 0), `["-` + max38 + max38 + `", "0", "` + max38 + max38 + `", null]`, "in: [" + max38 + max38 + ", -" + max38 + max38 + "]", []int64{1}},

		{arrow.FixedWidthTypes.Date32, days, "min: 1970-01-01", []int64{0, 1}},
		{arrow.FixedWidthTypes.Date32, days, "min: -4712-01-01, max: 2026-01-31", []int64{4, 5}},
		{arrow.FixedWidthTypes.Date32, days, "max: 294247-01-10", []int64{5}},
		{arrow.FixedWidthTypes.Date32, days, "max: 5881580-07-11", nil},
		{arrow.FixedWidthTypes.Date32, days, "min: 9999999-01-01", []int64{0, 1, 2, 3, 4, 5}},
		{arrow.FixedWidthTypes.Date32, days, "in: [2026-01-31, '1969-12-31']", []int64{0, 2, 4, 5}},
		{arrow.FixedWidthTypes.Date64, `[-1, 0, 86399999, 86400000, null]`, "max: 1970-01-01", []int64{3}},
		{arrow.FixedWidthTypes.Date64, `[-1, 0, 86399999, 86400000, null]`, "min: 1970-01-01", []int64{0}},
		{arrow.FixedWidthTypes.Date64, `[-1, 0, 86399999, 86400000, null]`, "in: [1969-12-31, 1970-01-01, 1970-01-01]", []int64{3}},
		{timestamp(arrow.Microsecond, ""), micros, "min: 1970-01-01, max: 2026-01-31T12:00", []int64{0, 1, 4, 5}},
		{timestamp(arrow.Microsecond, ""), micros, "max: 2026-01-31 12:00:00.0000009", []int64{4, 5}},
		{timestamp(arrow.Microsecond, ""), micros, "min: -290308-12-21T19:59:05.224192", nil},
		{timestamp(arrow.Microsecond, ""), micros, "min: -290308-12-21T19:59:05.224193", []int64{0}},
		{timestamp(arrow.Microsecond, ""), micros, "max: 294247-01-10T04:00:54.775806", []int64{5}},
		{timestamp(arrow.Microsecond, ""), micros, "in: ['2026-01-31T12:00:00.000001', 1970-01-01]", []int64{0, 1, 3, 5}},
		{timestamp(arrow.Microsecond, "Europe/Prague"), micros, "max: 2026-01-31T13:00:00+01:00", []int64{4, 5}},
		{timestamp(arrow.Microsecond, "Europe/Prague"), micros, "max: 2026-01-31T12:00:00", []int64{4, 5}},
		{timestamp(arrow.Second, "UTC"), `[-1, 0, 1, null]`, "min: 1969-12-31T23:59:59.5Z, max: 1970-01-01T00:00:00.5Z", []int64{0, 2}},
		{timestamp(arrow.Millisecond, ""), `[-1, 0, 1, null]`, "max: 1970-01-01", []int64{2}},
		{timestamp(arrow.Nanosecond, ""), `[-1, 0, 1, null]`, "min: 1970-01-01T00:00:00.000000001", []int64{0, 1}},
		{arrow.FixedWidthTypes.Time32s, `[0, 45000, 86399, null]`, "min: 12:30, max: '23:59:58.9'", []int64{0, 2}},
		{arrow.FixedWidthTypes.Time64us, clock, "min: 12:30:00", []int64{0}},
		{arrow.FixedWidthTypes.Time64us, clock, "in: ['12:30', '23:59:59.999999']", []int64{0}},
		{arrow.FixedWidthTypes.Duration_ms, `[-1, 0, 1500, null]`, "min: 0s, max: 1.4999s", []int64{0, 2}},

		{arrow.BinaryTypes.String, texts, "in: [A, N, žluť]", []int64{2, 3, 5, 6}},
		{arrow.BinaryTypes.String, texts, `in: ["", 123456789, 'A ']`, []int64{0, 1, 3, 4}},
		{arrow.BinaryTypes.String, texts, `in: [1, 2, 3, 4, 5, 6, 7, 8, 9, A, a]`, []int64{1, 2, 4, 5, 6}},
		{arrow.BinaryTypes.String, texts, "not_null: true, in: [A]", []int64{1, 2, 3, 4, 5, 6, 7}},
		{arrow.BinaryTypes.LargeString, texts, "in: [A, N]", []int64{2, 3, 4, 5, 6}},
		{arrow.BinaryTypes.StringView, texts, "in: [A, 'žluť', '123456789']", []int64{1, 2, 3, 6}},
		{arrow.FixedWidthTypes.Boolean, `[true, false, null]`, "in: [true]", []int64{1}},
		{arrow.FixedWidthTypes.Boolean, `[true, false, null]`, "in: ['False']", []int64{0}},
		{arrow.FixedWidthTypes.Boolean, `[true, false, null]`, "in: [true, false]", nil},
		{arrow.FixedWidthTypes.Boolean, `[true, false, null]`, "not_null: true", []int64{2}},

		{arrow.PrimitiveTypes.Float64, float64s, "finite: true", []int64{0, 1, 8}},
		{arrow.PrimitiveTypes.Float32, float32s, "finite: true", []int64{0, 1, 6}},
		{arrow.FixedWidthTypes.Float16, halves, "finite: true", []int64{0, 1, 7}},
		{arrow.PrimitiveTypes.Float64, float64s, "finite: true, min: 0, not_null: true", []int64{0, 1, 2, 8, 9}},
		{arrow.PrimitiveTypes.Uint64, uint64s, "finite: true", nil},
		{decimal(5, 2), cents, "finite: true", nil},
		{dict(arrow.PrimitiveTypes.Float64), float64s, "finite: true", []int64{0, 1, 8}},
		{arrow.Null, `[null, null]`, "finite: true", nil},

		{arrow.BinaryTypes.String, characters, "max_length: 0", []int64{1, 2, 3, 4, 5, 6, 7, 8}},
		{arrow.BinaryTypes.String, characters, "max_length: 1", []int64{2, 4, 5, 6, 8}},
		{arrow.BinaryTypes.String, characters, "min_length: 1", []int64{0}},
		{arrow.BinaryTypes.String, characters, "min_length: 2", []int64{0, 1, 3, 7}},
		{arrow.BinaryTypes.String, characters, "min_length: 3, max_length: 8", []int64{0, 1, 2, 3, 5, 6, 7, 8}},
		{arrow.BinaryTypes.String, characters, "min_length: 0, max_length: 100", nil},
		{arrow.BinaryTypes.String, characters, "min_length: 9223372036854775807", []int64{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		{arrow.BinaryTypes.LargeString, characters, "min_length: 2, max_length: 2", []int64{0, 1, 3, 4, 7, 8}},
		{arrow.BinaryTypes.StringView, characters, "min_length: 2, max_length: 2", []int64{0, 1, 3, 4, 7, 8}},
		{dict(arrow.BinaryTypes.String), characters, "min_length: 2, max_length: 2", []int64{0, 1, 3, 4, 7, 8}},
		{arrow.Null, `[null, null]`, "min_length: 1, matches: a", nil},

		{arrow.BinaryTypes.String, lines, `matches: "a"`, []int64{1, 5, 6}},
		{arrow.BinaryTypes.String, lines, `matches: "^a$"`, []int64{1, 2, 3, 4, 5, 6}},
		{arrow.BinaryTypes.String, lines, `matches: "(?m)^a$"`, []int64{1, 4, 5, 6}},
		{arrow.BinaryTypes.String, lines, `matches: '^\pL+$'`, []int64{1, 2, 3, 4, 6}},
		{arrow.BinaryTypes.String, lines, `matches: "^.$"`, []int64{1, 2, 3, 4, 5}},
		{arrow.BinaryTypes.String, lines, `matches: "^.?.?.?.?$", max_length: 3, in: [a, b a, žluť, "☃"]`, []int64{1, 2, 3, 5}},
		{arrow.BinaryTypes.LargeString, lines, `matches: "^[ab ]*$"`, []int64{2, 3, 5, 6}},
		{arrow.BinaryTypes.StringView, lines, `matches: "^[ab ]*$"`, []int64{2, 3, 5, 6}},
		{dict(arrow.BinaryTypes.String), lines, `matches: "^[ab ]*$"`, []int64{2, 3, 5, 6}},

		{dict(arrow.BinaryTypes.String), texts, "in: [A, N]", []int64{2, 3, 4, 5, 6}},
		{dict(arrow.BinaryTypes.String), texts, "not_null: true", []int64{7}},
		{dict(arrow.PrimitiveTypes.Int8), int8s, "min: 0, in: [1, -1]", []int64{0, 1, 2, 4}},
		{dict(arrow.FixedWidthTypes.Date32), days, "max: 1970-01-01", []int64{3, 4, 5}},

		{arrow.Null, `[null, null]`, "not_null: true", []int64{0, 1}},
		{arrow.Null, `[null, null]`, "min: 1, in: [a]", nil},
		{arrow.BinaryTypes.Binary, `["YQ==", null]`, "not_null: true", []int64{1}},
		{&arrow.FixedSizeBinaryType{ByteWidth: 1}, `["YQ==", null]`, "not_null: true", []int64{1}},
	} {
		t.Run(fmt.Sprintf("%s %s", test.dt, test.rule), func(t *testing.T) {
			t.Parallel()
			arr := column(t, test.dt, test.values)
			v := compileFor(t, record("c", arr), "- {column: c, "+test.rule+"}\n")
			assert.Equal(t, test.broken, brokenRows(t, v, record("c", arr)))
			if test.dt.ID() == arrow.NULL {
				return
			}
			for _, offset := range []int{1, 64, 77} {
				assert.Equal(t, test.broken, brokenRows(t, v, record("c", inside(t, arr, offset))), "as a slice from %d", offset)
			}
		})
	}
}

func TestNullsInsideADictionary(t *testing.T) {
	t.Parallel()
	dt := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	indices := column(t, arrow.PrimitiveTypes.Int8, `[0, 1, null, 2]`)
	arr := array.NewDictionaryArray(dt, indices, column(t, arrow.BinaryTypes.String, `["A", null, "B"]`))

	v := compileFor(t, record("c", arr), "- {column: c, not_null: true}\n")
	assert.Equal(t, []int64{1, 2}, brokenRows(t, v, record("c", arr)))
	v = compileFor(t, record("c", arr), "- {column: c, in: [A]}\n")
	assert.Equal(t, []int64{3}, brokenRows(t, v, record("c", arr)))
}

// What lies under a NULL is left over from anything.
func TestValuesUnderNullsDoNotMatter(t *testing.T) {
	t.Parallel()
	for _, dt := range []arrow.DataType{arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String, arrow.FixedWidthTypes.Boolean} {
		values := map[arrow.Type]string{arrow.STRING: `["x", "x"]`, arrow.BOOL: `[true, true]`}[dt.ID()]
		rule := map[arrow.Type]string{arrow.STRING: `in: [y]`, arrow.BOOL: `in: [false]`}[dt.ID()]
		if values == "" {
			values, rule = `[5, 5]`, `max: 1`
		}
		data := column(t, dt, values).Data()
		bits := column(t, dt, strings.Replace(values, ",", ", null,", 1)).Data().Buffers()[0] // 101
		buffers := append(data.Buffers()[:0:0], bits)
		arr := array.MakeFromData(array.NewData(dt, 2, append(buffers, data.Buffers()[1:]...), nil, array.UnknownNullCount, 0))
		require.True(t, arr.IsNull(1))

		v := compileFor(t, record("c", arr), "- {column: c, "+rule+"}\n")
		assert.Equal(t, []int64{0}, brokenRows(t, v, record("c", arr)), dt)
	}
}

func TestExtensionTypesAreTheirStorage(t *testing.T) {
	t.Parallel()
	arr := array.NewExtensionArrayWithStorage(newCode(arrow.BinaryTypes.String), column(t, arrow.BinaryTypes.String, `["A", "B", null]`))
	v := compileFor(t, record("c", arr), "- {column: c, not_null: true, in: [A]}\n")
	in := record("c", arr)
	assert.Equal(t, []int64{1, 2}, brokenRows(t, v, in))
	assert.Equal(t, []string{"c not null and in [A]", "valid utf-8"}, []string{v.Rules()[0].Name, v.Rules()[1].Name})
	assert.IsType(t, validate.Rule{}, v.Rules()[0])
}
