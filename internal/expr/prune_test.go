package expr_test

import (
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"

	"hyperlake/internal/expr"
)

// known is what the tests of pruning know about each column.
type known map[string]expr.Range

func (k known) of(column string) expr.Range { return k[column] }

func TestMayBeTrue(t *testing.T) {
	t.Parallel()
	dec := &arrow.Decimal128Type{Precision: 15, Scale: 2}
	local, instant := &arrow.TimestampType{Unit: arrow.Microsecond}, &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}
	schema := schemaOf(t,
		"n", arrow.PrimitiveTypes.Int64, "m", arrow.PrimitiveTypes.Int64, "f", arrow.PrimitiveTypes.Float64, "d", dec, "s", arrow.BinaryTypes.String,
		"day", arrow.FixedWidthTypes.Date32, "ts", local, "tz", instant, "b", arrow.FixedWidthTypes.Boolean, "gone", arrow.PrimitiveTypes.Int64,
		"country", arrow.BinaryTypes.String, "unknown", arrow.PrimitiveTypes.Int64,
	)
	ranges := known{
		"n":       {Bounds: fromJSON(t, arrow.PrimitiveTypes.Int64, `[10, 20]`), Nulls: expr.NoNulls},
		"m":       {Bounds: fromJSON(t, arrow.PrimitiveTypes.Int32, `[15, null]`), Nulls: expr.SomeNulls},
		"f":       {Bounds: fromJSON(t, arrow.PrimitiveTypes.Float64, `[0.5, 1.5]`), Nulls: expr.NoNulls},
		"d":       {Bounds: fromJSON(t, &arrow.Decimal128Type{Precision: 9, Scale: 1}, `["0.5", "9.9"]`), Nulls: expr.SomeNulls},
		"s":       {Bounds: fromJSON(t, arrow.BinaryTypes.String, `["bar", "foo"]`)},
		"day":     {Bounds: fromJSON(t, arrow.FixedWidthTypes.Date32, `["2026-01-01", "2026-01-31"]`), Nulls: expr.NoNulls},
		"ts":      {Bounds: fromJSON(t, local, `["2026-01-01T00:00:00", "2026-01-31T23:59:59"]`)},
		"tz":      {Bounds: fromJSON(t, instant, `["2026-01-01T00:00:00Z", "2026-01-31T23:59:59Z"]`)},
		"b":       {Bounds: fromJSON(t, arrow.FixedWidthTypes.Boolean, `[false, false]`), Nulls: expr.SomeNulls},
		"gone":    {Nulls: expr.AllNulls},
		"country": {Bounds: fromJSON(t, arrow.BinaryTypes.String, `["NO", "NO"]`), Nulls: expr.NoNulls},
	}
	for text, want := range map[string]bool{
		"n > 20": false, "n > 19": true, "n >= 20.5": false, "n < 10": false, "n <= 10": true, "n == 21": false, "n == 20": true,
		"n == 15.5":      true, // only the bounds decide
		"n > 5 && n < 3": false, "n > 12 && n < 13": true, "n < 5 || n > 25": false, "n < 5 || n > 15": true,
		"!(n >= 10)": false, "!(n > 10)": true, "n != 15": true, "n in [1, 2, 30]": false, "n in [1, 12]": true, "n in [1, null]": false,
		"m > 0": true, "m < 15": false, "m == n": true, "m < n - 5": false, "n + 5 < m": true, "n * 2 > 41": false, "-n > -10": false, "-n > -11": true,
		"n / 0 > 1":           true, // it fails, and rows that fail must be seen
		"n > 20 && n / 0 > 1": false, "country.substring(8) == 'x' && country.substring(9) == 'y'": true,
		"f > 1.5": false, "f == 2": false, "f != f": true, "!(f < 2)": true, "f * 2.0 > 3.5": false, // a NaN is in no bounds
		"d > 9.9": false, "d > 9.89": true, "d == 0.05": false, "d * 2 >= 20": false,
		"s == 'a'": false, "s == 'car'": true, "s.startsWith('ba')": true, "s.startsWith('a')": false, "s.startsWith('g')": false, "s.startsWith('fooo')": false,
		"s.endsWith('x')": true, "s > 'foo'": false,
		"day >= date('2026-02-01')": false, "day > date('2026-01-30')": true, "day.getFullYear() == 2025": false,
		"ts >= timestamp('2026-02-01T00:00:00')": false, "date(ts) == date('2026-01-31')": true, "date(ts) == date('2026-02-01')": false,
		"tz < timestamp('2026-01-01T00:00:00+01:00')": false, "tz < timestamp('2026-01-01T00:00:00-01:00')": true,
		"tz + duration('24h') < timestamp('2026-01-02T00:00:00Z')": false,
		"b": false, "!b": true, "b == true": false, "b || n > 100": false, "b ? n > 0 : n > 100": false, "b ? n > 100 : n > 0": true,
		"gone > 1": false, "gone == null": true, "gone != null": false, "n == null": false, "n != null": true, "d == null": true, "gone == null && n > 20": false,
		"country == 'NO'": true, "country == 'SE'": false, "!(country == 'NO')": false, "country in ['SE', 'DK']": false, "country.lowerAscii() == 'no'": true,
		"country.lowerAscii() == 'se'": false, "country.matches('^S')": false, "country + 'x' == 'NOy'": false,
		"unknown > 1": true, "unknown == null": true, "false": false, "true": true, "unknown > 1 && false": false,
	} {
		assert.Equal(t, want, compile(t, text, schema).MayBeTrue(ranges.of), text)
	}
}

// TestBoundsOfAnotherUnitAreRoundedOutwards: what statistics hold may be finer than the column.
func TestBoundsOfAnotherUnitAreRoundedOutwards(t *testing.T) {
	t.Parallel()
	seconds, nanoseconds := &arrow.TimestampType{Unit: arrow.Second}, &arrow.TimestampType{Unit: arrow.Nanosecond}
	bounds := fromJSON(t, nanoseconds, `["1969-12-31T23:59:58.5", "1970-01-01T00:00:01.5"]`)
	schema := schemaOf(t, "ts", seconds)
	for text, want := range map[string]bool{
		"ts < timestamp('1969-12-31T23:59:58')": false, "ts <= timestamp('1969-12-31T23:59:58')": true,
		"ts > timestamp('1970-01-01T00:00:02')": false, "ts >= timestamp('1970-01-01T00:00:02')": true,
	} {
		assert.Equal(t, want, compile(t, text, schema).MayBeTrue(func(string) expr.Range { return expr.Range{Bounds: bounds} }), text)
	}
}

func TestBoundsOfAnotherTypeAreNoBounds(t *testing.T) {
	t.Parallel()
	p := compile(t, "n > 5", schemaOf(t, "n", arrow.PrimitiveTypes.Int64))
	for _, bounds := range []arrow.Array{
		nil, fromJSON(t, arrow.BinaryTypes.String, `["1", "2"]`), fromJSON(t, arrow.PrimitiveTypes.Int64, `[1]`), fromJSON(t, arrow.PrimitiveTypes.Int64, `[1, null]`),
		fromJSON(t, arrow.ListOf(arrow.PrimitiveTypes.Int64), `[[1], [2]]`), fromJSON(t, arrow.PrimitiveTypes.Uint64, `[1, 18446744073709551615]`),
	} {
		assert.True(t, p.MayBeTrue(func(string) expr.Range { return expr.Range{Bounds: bounds} }), "%v", bounds)
	}
}
