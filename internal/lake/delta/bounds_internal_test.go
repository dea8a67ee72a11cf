package delta

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
)

func TestBounds(t *testing.T) {
	t.Parallel()
	text, float, double := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64
	ts, ntz := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, &arrow.TimestampType{Unit: arrow.Microsecond}
	narrow, wide := &arrow.Decimal128Type{Precision: 9, Scale: 3}, &arrow.Decimal128Type{Precision: 38, Scale: 4}
	long := strings.Repeat("x", 32)
	const none = "none"
	cases := []struct {
		name     string
		typ      arrow.DataType
		text     string
		min, max string
	}{
		{"text", text, "abc", "abc", "abc"},
		{"no text", text, "", "", ""},
		{"text that may be cut off", text, long, long, none},
		{"text that was cut off", text, long + "\x7f", long + "\x7f", long + "\x7f"},
		{"text that was cut off before a high character", text, long + "\U0010ffff", long + "\U0010ffff", long + "\U0010ffff"},
		{"text with what was no text", text, "a\ufffd", none, none},
		{"integer", arrow.PrimitiveTypes.Int8, "-128", "-128", "-128"},
		{"integer that is too large", arrow.PrimitiveTypes.Int8, "128", none, none},
		{"integer with a fraction", arrow.PrimitiveTypes.Int64, "1.0", none, none},
		{"long", arrow.PrimitiveTypes.Int64, "9007199254740993", "9007199254740993", "9007199254740993"},
		{"float", float, "0.1", "0.1", "0.1"},
		{"float as a double", float, "0.10000000149011612", "0.1", "0.1"},
		{"double", double, "1e300", "1e+300", "1e+300"},
		{"zero", double, "0.0", "-0", "0"},
		{"negative zero", double, "-0.0", "-0", "0"},
		{"NaN", double, "NaN", none, none},
		{"infinity", double, "-Infinity", "-Inf", "-Inf"},
		{"decimal", narrow, "123.456", "123.456", "123.456"},
		{"decimal in short", narrow, "1.5", "1.500", "1.500"},
		{"decimal of more digits", narrow, "-1.23456", "-1.235", "-1.234"},
		{"decimal with an exponent", narrow, "1E+2", "100.000", "100.000"},
		{"decimal that is too long to be one", narrow, "1e999999999", none, none},
		{"wide decimal", wide, "1234567890123456789.5", "1234567890123455692.9834", "1234567890123457886.0166"},
		{"wide decimal, negative", wide, "-1", "-1.0001", "-0.9999"},
		{"boolean", arrow.FixedWidthTypes.Boolean, "true", "true", "true"},
		{"no boolean", arrow.FixedWidthTypes.Boolean, "1", none, none},
		{"date", arrow.FixedWidthTypes.Date32, "2024-02-29", "2024-02-29", "2024-02-29"},
		{"no date", arrow.FixedWidthTypes.Date32, "2023-02-29", none, none},
		{"time", ts, "2024-02-29T12:34:56.789Z", "2024-02-29T12:34:56.789Z", "2024-02-29T12:34:56.789999Z"},
		{"time in a zone", ts, "2024-02-29T12:34:56.000+05:30", "2024-02-29T07:04:56Z", "2024-02-29T07:04:56.000999Z"},
		{"time in no zone", ts, "2024-02-29 12:34:56", none, none},
		{"time long ago", ts, "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.998001Z", "1969-12-31T23:59:59.999999Z"},
		{"time far away", ts, "+12024-02-29T12:34:56.789Z", none, none},
		{"local time", ntz, "2024-02-29T12:34:56.789", "2024-02-29T12:34:56.789", "2024-02-29T12:34:56.789999"},
		{"local time with Z", ntz, "2024-02-29T12:34:56.000Z", "2024-02-29T12:34:56", "2024-02-29T12:34:56.000999"},
		{"local time in a zone", ntz, "2024-02-29T12:34:56.000+01:00", none, none},
		{"local time that was a date", ntz, "2024-02-29", "2024-02-29T00:00:00", "2024-02-29T00:00:00.000999"},
		{"bytes", arrow.BinaryTypes.Binary, "abc", none, none},
		{"nothing", arrow.Null, "1", none, none},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for upper, want := range map[bool]string{false: c.min, true: c.max} {
				found, ok := boundOf(c.typ, c.text, upper, false)
				if !ok {
					found = none
				}
				assert.Equal(t, want, found)
			}
		})
	}
}

func TestBoundsOfDoublesThatWereFloats(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text     string
		min, max string
	}{
		{"0.1", "0.1", "0.10000000149011612"},
		{"0.3", "0.3", "0.30000001192092896"},
		{"-0.1", "-0.10000000149011612", "-0.1"},
		{"0.7", "0.699999988079071", "0.7"},
		{"1e300", "1e+300", "1e+300"},
	} {
		least, _ := boundOf(arrow.PrimitiveTypes.Float64, c.text, false, true)
		greatest, _ := boundOf(arrow.PrimitiveTypes.Float64, c.text, true, true)
		assert.Equal(t, []string{c.min, c.max}, []string{least, greatest})
	}
}
