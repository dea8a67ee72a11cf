package hyper_test

import (
	"math"
	"math/big"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/sinks/hyper"
)

func integer(digits string) *big.Int {
	n, _ := new(big.Int).SetString(digits, 10)
	return n
}

const (
	firstDay    = -2440550
	lastDay     = 106762939
	daySeconds  = 86400
	firstSecond = firstDay * daySeconds
	lastSecond  = lastDay*daySeconds + daySeconds - 1
)

func dayCases() []typeCase {
	w := arrow.FixedWidthTypes
	days := []any{"4713-01-01 BC", "0001-12-31 BC", "1969-12-31", nil, "294276-12-31"}
	const year1 = -719162
	return []typeCase{
		{name: "date32", sql: "DATE", conversion: hyper.Direct, source: fixed(w.Date32, []int32{firstDay, year1 - 1, -1, math.MaxInt32, lastDay}, 3), stored: days},
		{
			name: "date64", sql: "DATE", conversion: hyper.Direct, stored: days,
			source: fixed(w.Date64, []int64{firstSecond * 1000, (year1 - 1) * daySeconds * 1000, -daySeconds * 1000, 1, lastDay * daySeconds * 1000}, 3),
		},
		{name: "time32 s", sql: "TIME", conversion: hyper.Direct, source: fixed(w.Time32s, []int32{0, -1, 86399}, 1), stored: []any{"00:00:00", nil, "23:59:59"}},
		{name: "time32 ms", sql: "TIME", conversion: hyper.Direct, source: fixed(w.Time32ms, []int32{1, -1, 86399999}, 1), stored: []any{"00:00:00.001", nil, "23:59:59.999"}},
		{name: "time64 us", sql: "TIME", conversion: hyper.Direct, source: fixed(w.Time64us, []int64{1, -1, 86399999999}, 1), stored: []any{"00:00:00.000001", nil, "23:59:59.999999"}},
		{
			name: "time64 ns", sql: "TIME", conversion: hyper.FloorNanos, source: fixed(w.Time64ns, []int64{999, 1999, -1, 86399999999999}, 2),
			stored: []any{"00:00:00", "00:00:00.000001", nil, "23:59:59.999999"},
		},
	}
}

func timestampType(unit arrow.TimeUnit, zone string) arrow.DataType {
	return &arrow.TimestampType{Unit: unit, TimeZone: zone}
}

// nanos are hard to cut down to microseconds; micros is what they become.
var (
	nanos  = []int64{-1, -1000, -1001, 999, 1000, math.MinInt64, math.MaxInt64, 5}
	micros = []int64{-1, -1, -2, 0, 1, -9223372036854776, 9223372036854775, 0}
)

func timestampCases() []typeCase {
	wide := []any{"4713-01-01 00:00:00 BC", "1969-12-31 23:59:59", nil, "294276-12-31 23:59:59"}
	cut := []any{
		"1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999998", "1970-01-01 00:00:00", "1970-01-01 00:00:00.000001",
		"1677-09-21 00:12:43.145224", "2262-04-11 23:47:16.854775", nil,
	}
	instants := []any{"4713-01-01 00:00:00+00 BC", "1970-01-01 00:00:00.000001+00"}
	return []typeCase{
		{name: "timestamp s", sql: "TIMESTAMP", conversion: hyper.Direct, source: fixed(timestampType(arrow.Second, ""), []int64{firstSecond, -1, math.MinInt64, lastSecond}, 2), stored: wide},
		{
			name: "timestamp ms", sql: "TIMESTAMP", conversion: hyper.Direct,
			source: fixed(timestampType(arrow.Millisecond, ""), []int64{firstSecond * 1000, -1, math.MinInt64, lastSecond*1000 + 999}, 2),
			stored: []any{"4713-01-01 00:00:00 BC", "1969-12-31 23:59:59.999", nil, "294276-12-31 23:59:59.999"},
		},
		{
			name: "timestamp us", sql: "TIMESTAMP", conversion: hyper.Direct,
			source: fixed(timestampType(arrow.Microsecond, ""), []int64{firstSecond * 1_000_000, -1, math.MinInt64, math.MaxInt64}, 2),
			stored: []any{"4713-01-01 00:00:00 BC", "1969-12-31 23:59:59.999999", nil, "294247-01-10 04:00:54.775807"},
		},
		{
			name: "timestamp ns", sql: "TIMESTAMP", conversion: hyper.FloorNanos, stored: cut,
			source: fixed(timestampType(arrow.Nanosecond, ""), nanos, 7), sent: fixed(timestampType(arrow.Microsecond, ""), micros, 7),
		},
		{
			name: "int96", logical: batch.LogicalInt96, sql: "TIMESTAMP", conversion: hyper.Direct,
			source: fixed(timestampType(arrow.Microsecond, ""), []int64{-1}), stored: []any{"1969-12-31 23:59:59.999999"},
		},
		{
			name: "timestamp us in UTC", sql: "TIMESTAMPTZ", conversion: hyper.Direct,
			source: fixed(timestampType(arrow.Microsecond, "UTC"), []int64{firstSecond * 1_000_000, 1}), stored: instants,
		},
		{
			name: "timestamp us elsewhere", sql: "TIMESTAMPTZ", conversion: hyper.Direct,
			source: fixed(timestampType(arrow.Microsecond, "America/New_York"), []int64{firstSecond * 1_000_000, 1}),
			sent:   fixed(timestampType(arrow.Microsecond, "UTC"), []int64{firstSecond * 1_000_000, 1}), stored: instants,
		},
		{
			name: "timestamp s at an offset", sql: "TIMESTAMPTZ", conversion: hyper.Direct,
			source: fixed(timestampType(arrow.Second, "+05:30"), []int64{0, 9}, 1), sent: fixed(timestampType(arrow.Second, "UTC"), []int64{0, 9}, 1),
			stored: []any{"1970-01-01 00:00:00+00", nil},
		},
		{
			name: "timestamp ms elsewhere", sql: "TIMESTAMPTZ", conversion: hyper.Direct,
			source: fixed(timestampType(arrow.Millisecond, "Asia/Tokyo"), []int64{-1}), sent: fixed(timestampType(arrow.Millisecond, "UTC"), []int64{-1}),
			stored: []any{"1969-12-31 23:59:59.999+00"},
		},
		{
			name: "timestamp ns elsewhere", sql: "TIMESTAMPTZ", conversion: hyper.FloorNanos,
			source: fixed(timestampType(arrow.Nanosecond, "Europe/Berlin"), []int64{-1, 1}), sent: fixed(timestampType(arrow.Microsecond, "UTC"), []int64{-1, 0}),
			stored: []any{"1969-12-31 23:59:59.999999+00", "1970-01-01 00:00:00+00"},
		},
	}
}

func durationCases() []typeCase {
	w, int64s := arrow.FixedWidthTypes, arrow.PrimitiveTypes.Int64
	const most, mostMillis = math.MaxInt64 / 1_000_000, math.MaxInt64 / 1000
	return []typeCase{
		{
			name: "duration s", sql: "BIGINT", conversion: hyper.Micros,
			source: fixed(w.Duration_s, []int64{-1, most, -most, math.MinInt64}, 3), sent: fixed(int64s, []int64{-1_000_000, most * 1_000_000, -most * 1_000_000, 0}, 3),
			stored: []any{"-1000000", "9223372036854000000", "-9223372036854000000", nil},
		},
		{
			name: "duration ms", sql: "BIGINT", conversion: hyper.Micros,
			source: fixed(w.Duration_ms, []int64{-1, mostMillis, -mostMillis, math.MaxInt64}, 3), sent: fixed(int64s, []int64{-1000, mostMillis * 1000, -mostMillis * 1000, 0}, 3),
			stored: []any{"-1000", "9223372036854775000", "-9223372036854775000", nil},
		},
		{
			name: "duration us", sql: "BIGINT", conversion: hyper.Micros,
			source: fixed(w.Duration_us, []int64{math.MinInt64, math.MaxInt64, 0}, 2), sent: fixed(int64s, []int64{math.MinInt64, math.MaxInt64, 0}, 2),
			stored: []any{"-9223372036854775808", "9223372036854775807", nil},
		},
		{
			name: "duration ns", sql: "BIGINT", conversion: hyper.FloorNanos,
			source: fixed(w.Duration_ns, nanos, 7), sent: fixed(int64s, micros, 7),
			stored: []any{"-1", "-1", "-2", "0", "1", "-9223372036854776", "9223372036854775", nil},
		},
	}
}

func intervalCases() []typeCase {
	w := arrow.FixedWidthTypes
	const warning = "Tableau does not show"
	return []typeCase{
		{
			name: "interval of months", sql: "INTERVAL", conversion: hyper.Interval, warning: warning,
			source: fixed(w.MonthInterval, []int32{math.MinInt32, 14, 7}, 2), sent: fixed(w.MonthDayNanoInterval, intervals(triple{math.MinInt32, 0, 0}, triple{14, 0, 0}, triple{}), 2),
			stored: []any{"P-178956970Y-8M", "P1Y2M", nil},
		},
		{
			name: "interval of days and milliseconds", sql: "INTERVAL", conversion: hyper.Interval, warning: warning,
			source: fixed(w.DayTimeInterval, []arrow.DayTimeInterval{{Days: -1, Milliseconds: 1}, {Days: math.MaxInt32, Milliseconds: math.MinInt32}, {Days: 5}}, 2),
			sent:   fixed(w.MonthDayNanoInterval, intervals(triple{0, -1, 1_000_000}, triple{0, math.MaxInt32, math.MinInt32 * 1_000_000}, triple{}), 2),
			stored: []any{"P-1DT0.001000S", "P2147483647DT-596H-31M-23.648000S", nil},
		},
		{
			name: "interval of months, days and nanoseconds", sql: "INTERVAL", conversion: hyper.FloorNanos, warning: warning,
			source: fixed(w.MonthDayNanoInterval, intervals(triple{1, 2, 3999}, triple{0, 0, -1}, triple{-1, 1, -1000}, triple{math.MaxInt32, math.MinInt32, math.MaxInt64}, triple{1, 1, math.MinInt64}), 4),
			sent:   fixed(w.MonthDayNanoInterval, intervals(triple{1, 2, 3000}, triple{0, 0, -1000}, triple{-1, 1, -1000}, triple{math.MaxInt32, math.MinInt32, math.MaxInt64 - 807}, triple{}), 4),
			stored: []any{"P1M2DT0.000003S", "PT-0.000001S", "P-1M1DT-0.000001S", "P178956970Y7M-2147483648DT2562047H47M16.854775S", nil},
		},
		{
			name: "interval of Parquet", logical: batch.LogicalInterval, sql: "INTERVAL", conversion: hyper.Interval, warning: warning,
			source: fixedBinary([]string{"\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00", "\xff\xff\xff\x7f\xff\xff\xff\x7f\xff\xff\xff\xff", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"}, 2),
			sent:   fixed(w.MonthDayNanoInterval, intervals(triple{1, 2, 3_000_000}, triple{math.MaxInt32, math.MaxInt32, math.MaxUint32 * 1_000_000}, triple{}), 2),
			stored: []any{"P1M2DT0.003000S", "P178956970Y7M2147483647DT1193H2M47.295000S", nil},
		},
	}
}

type triple = [3]int64

// intervals makes intervals of months, days and nanoseconds.
func intervals(parts ...triple) []arrow.MonthDayNanoInterval {
	values := make([]arrow.MonthDayNanoInterval, len(parts))
	for i, part := range parts {
		values[i] = arrow.MonthDayNanoInterval{Months: int32(part[0]), Days: int32(part[1]), Nanoseconds: part[2]}
	}
	return values
}
