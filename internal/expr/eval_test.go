package expr_test

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMeaning pins what expressions mean, row by row, on one small record.
func TestMeaning(t *testing.T) {
	t.Parallel()
	schema := schemaOf(t,
		"i", arrow.PrimitiveTypes.Int64, "j", arrow.PrimitiveTypes.Int32, "u", arrow.PrimitiveTypes.Uint64,
		"f", arrow.PrimitiveTypes.Float64, "g", arrow.PrimitiveTypes.Float32,
		"d", &arrow.Decimal128Type{Precision: 15, Scale: 2}, "e", &arrow.Decimal256Type{Precision: 50, Scale: 3},
		"s", arrow.BinaryTypes.String, "day", arrow.FixedWidthTypes.Date32,
		"ts", &arrow.TimestampType{Unit: arrow.Microsecond}, "tz", &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"},
		"b", arrow.FixedWidthTypes.Boolean, "n", arrow.Null,
		"my column", arrow.PrimitiveTypes.Int64, "in", arrow.PrimitiveTypes.Int64, "a.b", arrow.PrimitiveTypes.Int64, "größe", arrow.PrimitiveTypes.Int64,
	)
	r := record(t, schema,
		`[1, 9007199254740993, null, -9223372036854775808]`, `[1, 0, 7, null]`, `[0, 18446744073709551615, 5, null]`,
		`[0.05, 9007199254740992, null, -0.0]`, `[0.5, 1.5, null, 0]`,
		`["0.05", "-12.50", null, "9999999999999.99"]`, `["0.050", "1.000", null, "99999999999999999999999999999999999999999999999.999"]`,
		`["abc", "", null, "日本🦊"]`, `["2026-01-31", "1969-12-31", null, "2026-02-01"]`,
		`["2026-01-31T00:00:00", "1969-12-31T23:59:59.999999", null, "2026-02-01T12:30:15"]`,
		`["2026-01-31T00:00:00Z", "1969-12-31T23:59:59.999Z", null, "2026-02-01T12:30:15Z"]`,
		`[true, false, null, true]`, `[null, null, null, null]`,
		`[1, 2, null, 4]`, `[1, 2, null, 4]`, `[1, 2, null, 4]`, `[1, 2, null, 4]`,
	)
	for text, want := range map[string]string{
		// NULL and Kleene's logic
		"i == null":                         "FFTF",
		"null != i":                         "TTFT",
		"n == null":                         "TTTT",
		"n == 1":                            "NNNN",
		"b":                                 "TFNT",
		"!b":                                "FTNF",
		"b && true":                         "TFNT",
		"b || true":                         "TTTT",
		"b && false":                        "FFFF",
		"b == false":                        "FTNF",
		"b < true":                          "FTNF",
		"b ? i > 0 : j == 0":                "TTNF",
		"(b ? i : null) == 1":               "TNNF",
		"i in [1, null]":                    "TNNN",
		"i in [1, 2.0, 5u]":                 "TFNF",
		"s in ['abc', '']":                  "TTNF",
		"!(s in ['abc', ''])":               "FFNT",
		"b in [true]":                       "TFNT",
		"f in [0, 0.05]":                    "TFNT",
		"d in [0.05, -12.5, 0.051]":         "TTNF",
		"day in [date('2026-01-31'), null]": "TNNN",
		// numbers of different widths compare exactly
		"i == f":                     "FFNF",
		"i > f":                      "TTNF",
		"i > 9007199254740992.0":     "FTNF",
		"i < 0.5":                    "FFNT",
		"i != 0.5":                   "TTNT",
		"u > i":                      "FTNN",
		"u == 18446744073709551615u": "FTFN",
		"u > 1e30":                   "FFFN",
		"u >= -1":                    "TTTN",
		"i < 1e30":                   "TTNT",
		"d == 0.05":                  "TFNF",
		"d != 0.05":                  "FTNT",
		"d > 0.049999":               "TFNT",
		"d <= 5e-2":                  "TTNF",
		"d > -12.505":                "TTNT",
		"d == f":                     "FFNF",
		"d > f":                      "FFNT",
		"d < j":                      "TTNN",
		"e == d":                     "TFNF",
		"e > 1":                      "FFNT",
		"f == 0.05":                  "TFNF",
		"f == 0":                     "FFNT",
		"g == 0.5":                   "TFNF",
		"f / 0.0 > 0":                "TTNF",
		"f != f":                     "FFNF",
		"f / 0.0 == double('NaN')":   "FFNF",
		// arithmetic and failure
		"i + 1 > 0":                   "TTNF",
		"i - 1 < 0":                   "FFNX",
		"-i < 0":                      "TTNX",
		"i * 2 > 0":                   "TTNX",
		"i / j == 1":                  "TXNN",
		"i % j == 0":                  "TXNN",
		"j != 0 && i / j == 1":        "TFNN",
		"j == 0 || i / j == 1":        "TTNN",
		"j == 0 ? false : i / j == 1": "TFNN",
		"i / j == 1 || b":             "TXNT",
		"u - 1 > 0":                   "FTTN",
		"u - 1u > 0":                  "XTTN",
		"d * 2 == 0.1":                "TFNF",
		"d + 0.05 == 0.10":            "TFNF",
		"d * (1 - d) == 0.0475":       "TFNF",
		"d / j == 0.05":               "TXNN",
		"d / 2 < 0.03":                "TTNF",
		"e * e > 1":                   "FFNX",
		"-d == -0.05":                 "TFNF",
		"int(s) == 1":                 "XXNX",
		"int(d) == -12":               "FTNF",
		"int(f) == 0":                 "TFNT",
		"double(s) > 0":               "XXNX",
		"string(d) == '-12.50'":       "FTNF",
		"string(i) == '1'":            "TFNF",
		// text
		"s == 'abc'":                         "TFNF",
		"s < 'abd'":                          "TTNF",
		"s + 'd' == 'abcd'":                  "TFNF",
		"s.size() == 3":                      "TFNT",
		"size(s) == 0":                       "FTNF",
		"s.startsWith('a')":                  "TFNF",
		"s.endsWith('🦊')":                    "FFNT",
		"s.contains('本')":                    "FFNT",
		"s.matches('b|本')":                   "TFNT",
		"s.matches(r'^$')":                   "FTNF",
		"s.substring(1) == 'bc'":             "TXNF",
		"s.substring(1, 2) == '本'":           "FXNT",
		"s.indexOf('🦊') == 2":                "FFNT",
		"s.replace('b', 'x') == 'axc'":       "TFNF",
		"s.upperAscii() == 'ABC'":            "TFNF",
		"s.charAt(0) == 'a'":                 "TFNF",
		"s == \"\\u65e5\\u672c\\U0001f98a\"": "FFNT",
		// dates and times
		"day == date('2026-01-31')":                         "TFNF",
		"day >= date('2026-01-31')":                         "TFNT",
		"ts < timestamp('2026-01-31T00:00:00.0000001')":     "TTNF",
		"ts == timestamp('2026-01-31 00:00:00')":            "TFNF",
		"tz == timestamp('2026-01-31T01:00:00+01:00')":      "TFNF",
		"date(ts) == day":                                   "TTNT",
		"date(tz) == day":                                   "TTNT",
		"timestamp(day) <= ts":                              "TTNT",
		"ts - timestamp(day) == duration('12h30m15s')":      "FFNT",
		"ts + duration('1us') > ts":                         "TTNT",
		"date(day + duration('24h')) == date('2026-02-01')": "TFNF",
		"day - date('2026-01-30') == duration('24h')":       "TFNF",
		"ts.getFullYear() == 2026":                          "TFNT",
		"day.getMonth() == 0 && day.getDate() == 31":        "TFNF",
		"tz.getHours() == 12":                               "FFNT",
		// names
		"`my column` == 2":            "FTNF",
		"col(\"my column\") == 2":     "FTNF",
		"`in` == 2":                   "FTNF",
		"a.b == 2":                    "FTNF",
		"`a.b` == 2":                  "FTNF",
		"`größe` == 2 && s != '`in`'": "FTNF",
		"r'\\`' != s && `größe` == 2": "FTNF",
	} {
		assert.Equal(t, want, eval(t, compile(t, text, schema), r), text)
	}
}

func TestColumnsAndRowByRow(t *testing.T) {
	t.Parallel()
	schema := schemaOf(t, "a", arrow.PrimitiveTypes.Int64, "b", arrow.BinaryTypes.String, "c", arrow.PrimitiveTypes.Float64)
	p := compile(t, "b.substring(0, 2) == 'ab' && (a > 1 || a < -1) && a > c", schema)
	assert.Equal(t, []string{"a", "b", "c"}, p.Columns())
	assert.Equal(t, []string{"b.substring(0, 2)"}, p.RowByRow())
	assert.Empty(t, compile(t, "a > 1 && c < 0.5 && b in ['x'] && b.startsWith('y') && size(b) < 3", schema).RowByRow())
}

func TestEvalRefusesAnotherRecord(t *testing.T) {
	t.Parallel()
	p := compile(t, "a > 1", schemaOf(t, "a", arrow.PrimitiveTypes.Int64))
	_, err := p.Eval(record(t, schemaOf(t, "b", arrow.PrimitiveTypes.Int64), `[1]`))
	require.ErrorContains(t, err, "column a")
	_, err = p.Eval(record(t, schemaOf(t, "a", arrow.BinaryTypes.String), `["1"]`))
	require.ErrorContains(t, err, "made for integer, but the record has text")
}

func TestEmptyRecord(t *testing.T) {
	t.Parallel()
	schema := schemaOf(t, "a", arrow.PrimitiveTypes.Int64, "b", arrow.BinaryTypes.String)
	assert.Empty(t, eval(t, compile(t, "a > 1 || b == 'x' || b.trim() == a.b || true", schemaOf(t, "a", arrow.PrimitiveTypes.Int64, "b", arrow.BinaryTypes.String, "a.b", arrow.BinaryTypes.String)),
		record(t, schemaOf(t, "a", arrow.PrimitiveTypes.Int64, "b", arrow.BinaryTypes.String, "a.b", arrow.BinaryTypes.String), `[]`, `[]`, `[]`)))
	assert.Empty(t, eval(t, compile(t, "a > 1", schema), record(t, schema, `[]`, `[]`)))
}

// TestAllNullWithoutValues: a column that is NULL in every row may have no values at all.
func TestAllNullWithoutValues(t *testing.T) {
	t.Parallel()
	for dt, text := range map[arrow.DataType]string{
		arrow.PrimitiveTypes.Int64: "x > 1", arrow.FixedWidthTypes.Boolean: "x",
		arrow.PrimitiveTypes.Float64: "x + 1.0 < 2", &arrow.Decimal128Type{Precision: 5}: "x < 2.5", arrow.FixedWidthTypes.Date32: "x != date('2026-01-31')",
	} {
		buffers := []*memory.Buffer{memory.NewBufferBytes([]byte{0}), nil}
		column := array.MakeFromData(array.NewData(dt, 3, buffers, nil, 3, 0))
		schema := schemaOf(t, "x", dt)
		assert.Equal(t, "NNN", eval(t, compile(t, text, schema), array.NewRecord(schema, []arrow.Array{column}, 3)), text)
	}
}

// TestEdgesOfNumbers compares where conversions between integers, decimals and doubles
// would round or overflow.
func TestEdgesOfNumbers(t *testing.T) {
	t.Parallel()
	schema := schemaOf(t, "i", arrow.PrimitiveTypes.Int64, "f", arrow.PrimitiveTypes.Float64, "d", &arrow.Decimal128Type{Precision: 38, Scale: 30})
	r := record(t, schema,
		`[9223372036854775807, -9223372036854775808, 9007199254740993, 0, -1]`,
		`[9223372036854775808, -9223372036854775808, 9007199254740994, -0.5, -1.5]`,
		`["0.1", "-12345678.9", "0.000000000000000000000000000001", "99999999", "-0.5"]`)
	for text, want := range map[string]string{
		"i < f": "TFTFF", "i == f": "FTFFF", "i > f": "FFFTT", "f <= i": "FTFTT", "i != f": "TFTTT",
		"i >= 9223372036854775808.0": "FFFFF", "i < 9223372036854775808.0": "TTTTT", "i >= -9223372036854775808.0": "TTTTT", "i < -9223372036854775809.0": "FFFFF",
		"double(d) == 0.1": "TFFFF", "double(d) == -12345678.9": "FTFFF", "d * 1.0 == 1e-30": "FFTFF", "double(d) + 0.0 == 1e-30": "FFTFF",
		"(d == 0.1 ? d : f) == 0.1": "TFFFF",
	} {
		assert.Equal(t, want, eval(t, compile(t, text, schema), r), text)
	}
}

// TestConcurrentUse shares a program whose parts keep something prepared.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	schema := schemaOf(t, "s", arrow.BinaryTypes.String, "n", arrow.PrimitiveTypes.Int64)
	p := compile(t, "s.matches('^a+$') && n in [1, 2, 3, 4, 5, 6, 7, 8, 9] && s.substring(0, 1) == 'a' && n + 1 > 1", schema)
	r := record(t, schema, `["aa", "ab", null, "aaa"]`, `[1, 2, 3, null]`)
	done := make(chan string)
	for range 8 {
		go func() {
			truth, err := p.Eval(r)
			if err != nil {
				done <- err.Error()
				return
			}
			done <- letters(t, truth)
		}()
	}
	for range 8 {
		assert.Equal(t, "TFNN", <-done)
	}
}
