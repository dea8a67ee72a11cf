package convert_test

import (
	"fmt"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/assert"

	"hyperlake/internal/batch"
	"hyperlake/internal/convert"
)

const fails = "FAILS"

// pairCase is one conversion with values that are hard to convert.
type pairCase struct {
	from    arrow.DataType
	logical string
	source  string // JSON
	ask     convert.Column
	to      arrow.DataType
	want    []string // as Arrow prints it; fails for those that do not convert
}

func ask(sql string) convert.Column { return convert.Column{Type: sql} }

func (c pairCase) run(t *testing.T) {
	field := nullable("c", c.from)
	if c.logical != "" {
		field.Metadata = logical(c.logical)
	}
	source := values(t, c.from, c.source)
	mapped, out, failed := column(t, field, source, c.ask)
	assert.True(t, arrow.TypeEqual(c.to, mapped.Type), "%s", mapped.Type)
	assert.True(t, mapped.Nullable)
	want, wantFailed := make([]string, len(c.want)), []int(nil)
	for i, value := range c.want {
		want[i] = value
		if value == fails {
			want[i], wantFailed = array.NullValueStr, append(wantFailed, i)
		}
	}
	assert.Equal(t, want, printed(out))
	assert.Equal(t, wantFailed, failed)

	// The same in a slice whose buffers do not begin with its first value.
	_, tail, _ := column(t, field, array.NewSlice(source, 1, int64(source.Len())), c.ask)
	assert.Equal(t, want[1:], printed(tail))
}

func TestPairs(t *testing.T) {
	t.Parallel()
	for _, cases := range [][]pairCase{fromText(), fromNumbers(), fromFloats(), fromTimes(), fromOthers()} {
		for _, c := range cases {
			t.Run(fmt.Sprintf("%s%s to %s", c.from, c.logical, c.ask.Type), c.run)
		}
	}
}

func fromText() []pairCase {
	return []pairCase{
		{from: b.String, ask: ask("boolean"), to: w.Boolean,
			source: `["true", "F", "yes", "NO", "1", "0", "t", "y", "n", null, "", "2", " true", "on"]`,
			want:   []string{"true", "false", "true", "false", "true", "false", "true", "true", "false", "(null)", fails, fails, fails, fails}},
		{from: b.String, ask: ask("smallint"), to: p.Int16,
			source: `["-32768", "+32767", "32768", "007", "1.0", "1e2", "1.5", ".5e1", "5.", "0x10", "1_000", " 1", "1 ", "", "-", ".", "e1", "1e", "1e+", "-0", null]`,
			want:   []string{"-32768", "32767", fails, "7", "1", "100", fails, "5", "5", fails, fails, fails, fails, fails, fails, fails, fails, fails, fails, "0", "(null)"}},
		{from: b.LargeString, ask: ask("integer"), to: p.Int32,
			source: `["-2147483648", "2147483648", "00000000000000000000000000000000000000000000000000012", "1.2.3"]`,
			want:   []string{"-2147483648", fails, "12", fails}},
		{from: b.String, ask: ask("bigint"), to: p.Int64,
			source: `["9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "9223372036854775807000e-3", "0.9223372036854775807e19", "1e18", "1e19", "0e999999", "0e9999999", "1e-1", "10e-1", "9999999999999999999999999999999999999999"]`,
			want:   []string{"9223372036854775807", fails, "-9223372036854775808", fails, "9223372036854775807", "9223372036854775807", "1000000000000000000", fails, "0", fails, fails, "1", fails}},
		{from: b.String, ask: ask("numeric(6,2)"), to: decimal(6, 2),
			source: `["1.5", "1.500", "1.505", "9999.99", "10000", "-9999.99", "1e3", "1e-2", "1e-3", ".01", "-0.00", "1,5", "NaN", null]`,
			want:   []string{"1.50", "1.50", fails, "9999.99", fails, "-9999.99", "1000.00", "0.01", fails, "0.01", "0.00", fails, fails, "(null)"}},
		{from: b.String, ask: ask("decimal(38,3)"), to: decimal(38, 3),
			source: `["99999999999999999999999999999999999.999", "100000000000000000000000000000000000", "-12345678901234567890.125", "0.0000000000000000000000000000000000000000000001", "1e34", "12345678901234567890.1250000000000000000000000000000000000"]`,
			want:   []string{"99999999999999999999999999999999999.999", fails, "-12345678901234567890.125", fails, "10000000000000000000000000000000000.000", "12345678901234567890.125"}},
		{from: b.String, ask: ask("double precision"), to: p.Float64,
			source: `["0.1", "1e308", "1e309", "1e-400", "0e-400", "nan", "-Inf", "infinity", "+inf", "-nan", "0x1p-2", "1_0", " 1", "", "5e-324", "1e-324", null]`,
			want:   []string{"0.1", "1e+308", fails, fails, "0", "NaN", "-Inf", "+Inf", "+Inf", fails, fails, fails, fails, fails, "5e-324", fails, "(null)"}},
		{from: b.String, ask: ask("real"), to: p.Float32,
			source: `["0.1", "16777217", "3.5e38", "1e-46"]`, want: []string{"0.1", "1.6777216e+07", fails, fails}},
		{from: b.String, ask: ask("bytes"), to: b.Binary,
			source: `["00ffAB", "0xAB", "\\xab", "", "a", "0x", "zz", "0X01", "\\X01", null]`,
			want:   []string{"AP+r", "qw==", "qw==", "", fails, "", fails, "AQ==", fails, "(null)"}},
		{from: b.String, ask: ask("date"), to: w.Date32,
			source: `["2026-01-31", "2026-02-29", "2024-02-29", "1900-02-29", "2026-1-31", "2026-01-31T00:00:00", "2026-01-31 00:00:01", "2026-01-31T00:00Z", "20260131", "0000-01-01", "-4713-12-31", "2026-00-01", "2026-13-01", "2026-01-00", "", "2026-01-31 ", null]`,
			want:   []string{"2026-01-31", fails, "2024-02-29", fails, fails, "2026-01-31", fails, fails, fails, "0000-01-01", fails, fails, fails, fails, fails, fails, "(null)"}},
		{from: b.String, ask: convert.Column{Type: "date", Format: "%d.%m.%Y"}, to: w.Date32,
			source: `["31.01.2026", "1.2.2026", "32.01.2026", "01.01.26", "2026-01-31"]`, want: []string{"2026-01-31", "2026-02-01", fails, fails, fails}},
		{from: b.String, ask: convert.Column{Type: "date", Format: "%Y%m%d"}, to: w.Date32,
			source: `["20260131", "2026131", "202601311"]`, want: []string{"2026-01-31", fails, fails}},
		{from: b.String, ask: convert.Column{Type: "date", Format: "%a, %d %b %y"}, to: w.Date32,
			source: `["Sat, 31 Jan 26", "sat, 31 JAN 69", "Fri, 31 Jan 69", "Mon, 31 Jan 26"]`, want: []string{"2026-01-31", fails, "1969-01-31", fails}},
		{from: b.String, ask: convert.Column{Type: "date", Format: "%A %B %d%% %Y"}, to: w.Date32,
			source: `["Saturday January 31% 2026", "Saturday Jan 31% 2026"]`, want: []string{"2026-01-31", fails}},
		{from: b.String, ask: convert.Column{Type: "date", Format: "%Y/%j"}, to: w.Date32,
			source: `["2026/1", "2024/366", "2026/366", "2026/0"]`, want: []string{"2026-01-01", "2024-12-31", fails, fails}},
		{from: b.String, ask: ask("time"), to: w.Time64us,
			source: `["12:30", "12:30:59.1234567", "24:00", "23:59:60", "12:60", "12", "12:30:00.", "2026-01-01T12:30", "12:30:00.1234567891"]`,
			want:   []string{"12:30:00.000000", "12:30:59.123456", fails, fails, fails, fails, fails, fails, fails}},
		{from: b.String, ask: convert.Column{Type: "time", Format: "%I:%M %p"}, to: w.Time64us,
			source: `["12:00 AM", "12:00 pm", "1:05 PM", "13:00 PM", "0:10 AM"]`, want: []string{"00:00:00.000000", "12:00:00.000000", "13:05:00.000000", fails, fails}},
		{from: b.String, ask: ask("timestamp"), to: stamp(arrow.Microsecond, ""),
			source: `["2026-01-31", "2026-01-31T12:30:00.5", "2026-01-31 12:30", "2026-01-31T12:30Z", "2026-01-31T25:00", "2026-01-31t12:30:00.123456999", "294247-01-10T04:00:54.775807", "294247-01-10T04:00:54.775808"]`,
			want: []string{"2026-01-31 00:00:00Z", "2026-01-31 12:30:00.5Z", "2026-01-31 12:30:00Z", fails, fails, "2026-01-31 12:30:00.123456Z",
				"294247-01-10 04:00:54.775807Z", fails}},
		{from: b.String, ask: convert.Column{Type: "timestamp", Format: "%F %T.%f"}, to: stamp(arrow.Microsecond, ""),
			source: `["2026-01-31 12:30:00.5", "2026-01-31 12:30:00", "2026-01-31 12:30:00.1234567891"]`, want: []string{"2026-01-31 12:30:00.5Z", fails, fails}},
		{from: b.String, ask: ask("timestamptz"), to: stamp(arrow.Microsecond, "UTC"),
			source: `["2026-01-31T12:30Z", "2026-01-31T12:30+01:00", "2026-01-31T12:30-0130", "2026-01-31T12:30+01", "2026-01-31T12:30", "2026-01-31T12:30+24:00", "2026-01-31T12:30+01:60", "1890-01-01T00:00:00+00:53:28", "2026-01-31T12:30:00,5Z"]`,
			want: []string{"2026-01-31 12:30:00Z", "2026-01-31 11:30:00Z", "2026-01-31 14:00:00Z", "2026-01-31 11:30:00Z", fails, fails, fails,
				"1889-12-31 23:06:32Z", fails}},
		{from: b.String, ask: convert.Column{Type: "timestamptz", Timezone: "Europe/Berlin"}, to: stamp(arrow.Microsecond, "UTC"),
			source: `["2026-01-31T12:30", "2026-07-31T12:30", "2026-03-29T02:30", "2026-10-25T02:30", "2026-10-25T02:30+02:00", "2026-03-29T03:00", "2026-03-29T01:59:59.999999", "2026-10-25T03:00", "2026-10-25T01:59:59", "1850-01-01"]`,
			want: []string{"2026-01-31 11:30:00Z", "2026-07-31 10:30:00Z", fails, fails, "2026-10-25 00:30:00Z", "2026-03-29 01:00:00Z", "2026-03-29 00:59:59.999999Z",
				"2026-10-25 02:00:00Z", "2026-10-24 23:59:59Z", "1849-12-31 23:06:32Z"}},
		{from: b.String, ask: convert.Column{Type: "timestamptz", Format: "%d/%b/%Y:%H:%M:%S %z"}, to: stamp(arrow.Microsecond, "UTC"),
			source: `["31/Jan/2026:12:30:00 +0100", "31/Jan/2026:12:30:00 Z", "31/Jan/2026:12:30:00"]`, want: []string{"2026-01-31 11:30:00Z", "2026-01-31 12:30:00Z", fails}},
	}
}

func fromNumbers() []pairCase {
	wide := &arrow.Decimal256Type{Precision: 60, Scale: 4}
	return []pairCase{
		{from: p.Int64, ask: ask("smallint"), to: p.Int16, source: `[-32768, 32767, 32768, -32769, null]`, want: []string{"-32768", "32767", fails, fails, "(null)"}},
		{from: p.Int64, ask: ask("integer"), to: p.Int32, source: `[2147483648, -2147483648]`, want: []string{fails, "-2147483648"}},
		{from: p.Uint64, ask: ask("bigint"), to: p.Int64, source: `["9223372036854775807", "9223372036854775808", "0"]`, want: []string{"9223372036854775807", fails, "0"}},
		{from: p.Int16, ask: ask("bigint"), to: p.Int64, source: `[-1, 7]`, want: []string{"-1", "7"}},
		{from: p.Int32, ask: ask("boolean"), to: w.Boolean, source: `[0, 1, 2, -1]`, want: []string{"false", "true", fails, fails}},
		{from: w.Boolean, ask: ask("int"), to: p.Int32, source: `[true, false, null]`, want: []string{"1", "0", "(null)"}},
		{from: w.Boolean, ask: ask("text"), to: b.String, source: `[true, false, null]`, want: []string{"true", "false", "(null)"}},
		{from: p.Int64, ask: ask("numeric(5,2)"), to: decimal(5, 2), source: `[999, 1000, -999]`, want: []string{"999.00", fails, "-999.00"}},
		{from: p.Uint64, ask: ask("numeric(38,18)"), to: decimal(38, 18), source: `["18446744073709551615", "1"]`,
			want: []string{"18446744073709551615.000000000000000000", "1.000000000000000000"}},
		{from: p.Uint64, ask: ask("text"), to: b.String, source: `["18446744073709551615", "0"]`, want: []string{"18446744073709551615", "0"}},
		{from: p.Int64, ask: ask("text"), to: b.String, source: `[-9223372036854775808, null]`, want: []string{"-9223372036854775808", "(null)"}},
		{from: p.Int64, ask: ask("double precision"), to: p.Float64, source: `["9007199254740992", "9007199254740993", "9007199254740994", "-9223372036854775808", "9223372036854775807"]`,
			want: []string{"9.007199254740992e+15", fails, "9.007199254740994e+15", "-9.223372036854776e+18", fails}},
		{from: p.Int32, ask: ask("real"), to: p.Float32, source: `[16777216, 16777217, 16777218]`, want: []string{"1.6777216e+07", fails, "1.6777218e+07"}},
		{from: decimal(10, 2), ask: ask("numeric(12,4)"), to: decimal(12, 4), source: `["12345678.91", "-0.01"]`, want: []string{"12345678.9100", "-0.0100"}},
		{from: decimal(10, 2), ask: ask("numeric(4,1)"), to: decimal(4, 1), source: `["1.50", "1.55", "999.90", "1000.00"]`, want: []string{"1.5", fails, "999.9", fails}},
		{from: decimal(38, 10), ask: ask("numeric(18,0)"), to: decimal(18, 0), source: `["1234567890123456789012345678.0000000000", "123456789012345678.0000000000", "0.5"]`,
			want: []string{fails, "123456789012345678", fails}},
		{from: decimal(10, 2), ask: ask("bigint"), to: p.Int64, source: `["12.00", "12.01", "-12.00"]`, want: []string{"12", fails, "-12"}},
		{from: decimal(38, 2), ask: ask("double precision"), to: p.Float64, source: `["0.10", "12345678901234567.89", "-1.25", "123456789012345678901234567890.00"]`,
			want: []string{"0.1", fails, "-1.25", fails}},
		{from: decimal(10, 3), ask: ask("text"), to: b.String, source: `["0.001", "-0.010", "12.300", "0", null]`, want: []string{"0.001", "-0.010", "12.300", "0.000", "(null)"}},
		{from: decimal(5, -2), ask: ask("text"), to: b.String, source: `["12300", "0"]`, want: []string{"12300", "0"}},
		{from: wide, ask: ask("numeric(38,2)"), to: decimal(38, 2), source: `["123456789012345678901234567890123456.7800", "1234567890123456789012345678901234567.7800", "1.2345"]`,
			want: []string{"123456789012345678901234567890123456.78", fails, fails}},
		{from: wide, ask: ask("text"), to: b.String, source: `["12345678901234567890123456789012345678901234567890123456.7891", "-0.0001"]`,
			want: []string{"12345678901234567890123456789012345678901234567890123456.7891", "-0.0001"}},
	}
}

func fromFloats() []pairCase {
	return []pairCase{
		{from: p.Float64, ask: ask("bigint"), to: p.Int64, source: `[1, -1.0, 1.5, 9223372036854775807, -9223372036854775808, 1e30, "NaN", "+Inf", null]`,
			want: []string{"1", "-1", fails, fails, "-9223372036854775808", fails, fails, fails, "(null)"}},
		{from: p.Float64, ask: ask("numeric(10,2)"), to: decimal(10, 2), source: `[0.1, 0.25, 0.125, 1e-3, 99999999.99, 100000000, "NaN", -0.5]`,
			want: []string{"0.10", "0.25", fails, fails, "99999999.99", fails, fails, "-0.50"}},
		{from: p.Float64, ask: ask("numeric(38,3)"), to: decimal(38, 3), source: `[1180591620717411303424, 1234567890123456.75]`,
			want: []string{"1180591620717411303424.000", "1234567890123456.750"}},
		{from: p.Float64, ask: ask("numeric(38,1)"), to: decimal(38, 1), source: `[1234567890123456.75, 0.3]`, want: []string{"1234567890123456.8", "0.3"}},
		{from: p.Float32, ask: ask("numeric(10,2)"), to: decimal(10, 2), source: `[0.1, 16777216]`, want: []string{"0.10", "16777216.00"}},
		{from: p.Float64, ask: ask("real"), to: p.Float32, source: `[0.5, 0.1, "NaN", "-Inf", 1e300]`, want: []string{"0.5", fails, "NaN", "-Inf", fails}},
		{from: p.Float32, ask: ask("double precision"), to: p.Float64, source: `[0.1, "NaN", null]`, want: []string{"0.10000000149011612", "NaN", "(null)"}},
		{from: p.Float64, ask: ask("text"), to: b.String, source: `[0.1, -0.0, 1e21, 123456789012345680000, 1e-7, 0.000001, "NaN", "+Inf", "-Inf", 3]`,
			want: []string{"0.1", "-0", "1e+21", "123456789012345680000", "1e-07", "0.000001", "NaN", "Infinity", "-Infinity", "3"}},
		{from: p.Float32, ask: ask("text"), to: b.String, source: `[0.1, 16777216]`, want: []string{"0.1", "16777216"}},
		{from: w.Float16, ask: ask("text"), to: b.String, source: `[0.5, "-Inf", 65504]`, want: []string{"0.5", "-Infinity", "65504"}},
	}
}

func fromTimes() []pairCase {
	utc, berlin := "UTC", "Europe/Berlin"
	return []pairCase{
		{from: w.Date32, ask: ask("timestamp"), to: stamp(arrow.Microsecond, ""), source: `["2026-01-31", null]`, want: []string{"2026-01-31 00:00:00Z", "(null)"}},
		{from: w.Date64, ask: convert.Column{Type: "timestamptz", Timezone: berlin}, to: stamp(arrow.Microsecond, utc), source: `["2026-01-31", "2026-07-31"]`,
			want: []string{"2026-01-30 23:00:00Z", "2026-07-30 22:00:00Z"}},
		{from: w.Date32, ask: ask("text"), to: b.String, source: `["2026-01-31", "0000-02-29", null]`, want: []string{"2026-01-31", "0000-02-29", "(null)"}},
		{from: w.Date32, ask: convert.Column{Type: "text", Format: "%-d.%-m.%y, %A (%a) %j %B %b"}, to: b.String, source: `["2026-02-01", "2024-12-31"]`,
			want: []string{"1.2.26, Sunday (Sun) 032 February Feb", "31.12.24, Tuesday (Tue) 366 December Dec"}},
		{from: stamp(arrow.Nanosecond, ""), ask: ask("text"), to: b.String, source: `["2026-01-31 12:30:00.123456789", "2026-01-31 12:30:00.1", "1969-12-31 23:59:59.999999999"]`,
			want: []string{"2026-01-31T12:30:00.123456789", "2026-01-31T12:30:00.1", "1969-12-31T23:59:59.999999999"}},
		{from: stamp(arrow.Nanosecond, ""), ask: convert.Column{Type: "text", Format: "%H:%M:%S.%f"}, to: b.String, source: `["2026-01-31 02:30:00.123456789", "2026-01-31 12:30:00.1"]`,
			want: []string{"02:30:00.123456789", "12:30:00.100000"}},
		{from: stamp(arrow.Second, ""), ask: ask("date"), to: w.Date32, source: `["2026-01-31 00:00:00", "2026-01-31 00:00:01"]`, want: []string{"2026-01-31", fails}},
		{from: stamp(arrow.Millisecond, ""), ask: convert.Column{Type: "timestamptz", Timezone: berlin}, to: stamp(arrow.Microsecond, utc),
			source: `["2026-03-29 01:59:59.999", "2026-03-29 02:00:00", "2026-10-25 02:00:00", null]`, want: []string{"2026-03-29 00:59:59.999Z", fails, fails, "(null)"}},
		{from: stamp(arrow.Microsecond, utc), ask: convert.Column{Type: "timestamp", Timezone: berlin}, to: stamp(arrow.Microsecond, ""),
			source: `["2026-03-29 00:59:59", "2026-03-29 01:00:00", "2026-10-25 00:30:00", "2026-10-25 01:30:00"]`,
			want:   []string{"2026-03-29 01:59:59Z", "2026-03-29 03:00:00Z", "2026-10-25 02:30:00Z", "2026-10-25 02:30:00Z"}},
		{from: stamp(arrow.Microsecond, utc), ask: convert.Column{Type: "date", Timezone: berlin}, to: w.Date32, source: `["2026-01-30 23:00:00", "2026-01-31 00:00:00"]`,
			want: []string{"2026-01-31", fails}},
		{from: stamp(arrow.Microsecond, berlin), ask: ask("text"), to: b.String, source: `["2026-01-31 11:30:00", null]`, want: []string{"2026-01-31T11:30:00Z", "(null)"}},
		{from: stamp(arrow.Microsecond, utc), ask: convert.Column{Type: "text", Timezone: berlin}, to: b.String, source: `["2026-01-31 11:30:00.5", "1880-01-01 00:00:00"]`,
			want: []string{"2026-01-31T12:30:00.5+01:00", "1880-01-01T00:53:28+00:53:28"}},
		{from: stamp(arrow.Microsecond, utc), ask: convert.Column{Type: "text", Timezone: "America/New_York", Format: "%I%p %z"}, to: b.String, source: `["2026-01-31 00:30:00", "2026-07-31 16:00:00"]`,
			want: []string{"07PM -0500", "12PM -0400"}},
		{from: w.Time32ms, ask: ask("text"), to: b.String, source: `["12:30:00.250", "00:00:00"]`, want: []string{"12:30:00.25", "00:00:00"}},
		{from: w.Time64ns, ask: convert.Column{Type: "text", Format: "%T"}, to: b.String, source: `["12:30:00.250", "00:00:00"]`, want: []string{"12:30:00", "00:00:00"}},
		{from: &arrow.DurationType{Unit: arrow.Millisecond}, ask: ask("text"), to: b.String, source: `["-1500ms", "90000ms", "0ms", "-500ms"]`,
			want: []string{"PT-1.5S", "PT90S", "PT0S", "PT-0.5S"}},
		{from: w.MonthDayNanoInterval, ask: ask("text"), to: b.String,
			source: `[{"months": 1, "days": -2, "nanoseconds": 3500000000}, {"months": 0, "days": 0, "nanoseconds": -1}, {"months": -14, "days": 0, "nanoseconds": 0}]`,
			want:   []string{"P1M-2DT3.5S", "PT-0.000000001S", "P-14M"}},
	}
}

func fromOthers() []pairCase {
	uuid := &arrow.FixedSizeBinaryType{ByteWidth: 16}
	return []pairCase{
		{from: b.Binary, ask: ask("text"), to: b.String, source: `["AP+r", "", null]`, want: []string{"00ffab", "", "(null)"}},
		{from: &arrow.FixedSizeBinaryType{ByteWidth: 2}, ask: ask("text"), to: b.String, source: `["AP8=", null]`, want: []string{"00ff", "(null)"}},
		{from: uuid, logical: batch.LogicalUUID, ask: ask("bytes"), to: b.Binary, source: `["ABEiM0RVZneImaq7zN3u/w==", null]`, want: []string{"ABEiM0RVZneImaq7zN3u/w==", "(null)"}},
		{from: &arrow.FixedSizeBinaryType{ByteWidth: 12}, logical: batch.LogicalInterval, ask: ask("text"), to: b.String,
			source: `["AQAAAAIAAACsDQAA", "AAAAAAAAAAAAAAAA"]`, want: []string{"P1M2DT3.5S", "PT0S"}},
		{from: w.MonthInterval, ask: ask("text"), to: b.String, source: `[{"months": 14}, {"months": -1}]`, want: []string{"P14M", "P-1M"}},
		{from: w.DayTimeInterval, ask: ask("text"), to: b.String, source: `[{"days": 1, "milliseconds": -1500}, {"days": 0, "milliseconds": 0}]`, want: []string{"P1DT-1.5S", "PT0S"}},
		{from: arrow.Null, ask: ask("numeric(5,2)"), to: decimal(5, 2), source: `[null, null]`, want: []string{"(null)", "(null)"}},
		{from: arrow.Null, ask: convert.Column{Type: "timestamptz", Format: "%F %T", Timezone: "UTC"}, to: stamp(arrow.Microsecond, "UTC"), source: `[null, null]`, want: []string{"(null)", "(null)"}},
		{from: b.String, logical: batch.LogicalJSON, ask: ask("int"), to: p.Int32, source: `["1", "{}"]`, want: []string{"1", fails}},
	}
}
