package hyper_test

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"hyperlake/sinks/hyper"
)

// encodedCases have dictionaries and runs, with a NULL on either side, over every layout
// that values have.
func encodedCases() []typeCase {
	p, b, w := arrow.PrimitiveTypes, arrow.BinaryTypes, arrow.FixedWidthTypes
	words := []any{"x", nil, "", "a word that is longer than a view holds inline"}
	said := []any{words[3], nil, "x", nil, "", words[3]}
	indices := fixed(p.Int8, []int8{3, 1, 0, 99, 2, 3}, 3)
	return []typeCase{
		{name: "dictionary of utf8", sql: "TEXT", conversion: hyper.Decode, source: dictionary(indices, texts(b.String, words...)), sent: texts(b.String, said...), stored: said},
		{name: "dictionary of large utf8", sql: "TEXT", conversion: hyper.Repack, source: dictionary(indices, texts(b.LargeString, words...)), sent: texts(b.String, said...), stored: said},
		{name: "dictionary of utf8 views", sql: "TEXT", conversion: hyper.Repack, source: dictionary(indices, texts(b.StringView, words...)), sent: texts(b.String, said...), stored: said},
		{
			name: "dictionary of binary", sql: "BYTES", conversion: hyper.Decode, source: dictionary(fixed(p.Uint64, []uint64{1, 0, 0}, 2), texts(b.Binary, "\x00", "\xff")),
			sent: texts(b.Binary, "\xff", "\x00", nil), stored: []any{`\xff`, `\x00`, nil},
		},
		{
			name: "dictionary of large binary", sql: "BYTES", conversion: hyper.Repack, source: dictionary(fixed(p.Int64, []int64{1, 0}), texts(b.LargeBinary, "\x00", "\xff")),
			sent: texts(b.Binary, "\xff", "\x00"), stored: []any{`\xff`, `\x00`},
		},
		{
			name: "dictionary of fixed-size binary", sql: "BYTES", conversion: hyper.Repack, source: dictionary(fixed(p.Uint16, []uint16{1, 0}), fixedBinary([]string{"abc", "def"})),
			sent: texts(b.Binary, "def", "abc"), stored: []any{`\x646566`, `\x616263`},
		},
		{
			name: "dictionary of bool", sql: "BOOLEAN", conversion: hyper.Decode, source: dictionary(fixed(p.Int32, []int32{2, 0, 1, 0}), bools(true, nil, false)),
			sent: bools(false, true, nil, true), stored: []any{"f", "t", nil, "t"},
		},
		{
			name: "dictionary of int64", sql: "BIGINT", conversion: hyper.Decode, source: dictionary(fixed(p.Uint32, []uint32{1, 0, 1}), fixed(p.Int64, []int64{math.MinInt64, math.MaxInt64})),
			sent: fixed(p.Int64, []int64{math.MaxInt64, math.MinInt64, math.MaxInt64}), stored: []any{"9223372036854775807", "-9223372036854775808", "9223372036854775807"},
		},
		{
			name: "dictionary of decimal256", sql: "NUMERIC(38,0)", version: 3, conversion: hyper.Repack, source: dictionary(fixed(p.Uint8, []uint8{1, 0}), wideDecimals(38, 0, []string{nines, "-1"})),
			sent: decimals(38, 0, []string{"-1", nines}), stored: []any{"-1", nines},
		},
		{
			name: "dictionary of nothing", sql: "TEXT", conversion: hyper.Decode, source: dictionary(fixed(p.Int16, []int16{0, 7}, 0, 1), texts(b.String)),
			sent: texts(b.String, nil, nil), stored: []any{nil, nil},
		},
		{
			name: "dictionary of nulls", sql: "TEXT", conversion: hyper.AllNull, source: dictionary(fixed(p.Int8, []int8{0, 1}), array.NewNull(2)),
			sent: texts(b.String, nil, nil), stored: []any{nil, nil},
		},
		{
			name: "runs of utf8", sql: "TEXT", conversion: hyper.Decode, source: runs(fixed(p.Int16, []int16{2, 3, 5}), texts(b.String, "a", nil, "b"), 5),
			sent: texts(b.String, "a", "a", nil, "b", "b"), stored: []any{"a", "a", nil, "b", "b"},
		},
		{
			name: "runs of timestamps", sql: "TIMESTAMPTZ", conversion: hyper.FloorNanos, source: runs(fixed(p.Int64, []int64{1, 3}), fixed(w.Timestamp_ns, []int64{-1, 1000}), 3),
			sent: fixed(w.Timestamp_us, []int64{-1, 1, 1}), stored: []any{"1969-12-31 23:59:59.999999+00", "1970-01-01 00:00:00.000001+00", "1970-01-01 00:00:00.000001+00"},
		},
		{
			name: "runs of a dictionary", sql: "NUMERIC(20,0)", version: 3, conversion: hyper.Repack,
			source: runs(fixed(p.Int32, []int32{1, 2}), dictionary(fixed(p.Int8, []int8{1, 0}), fixed(p.Uint64, []uint64{7, math.MaxUint64})), 2),
			sent:   fixed(decimalType(20, 0), []decimal128.Num{decimal128.FromU64(math.MaxUint64), decimal128.FromU64(7)}), stored: []any{"18446744073709551615", "7"},
		},
	}
}

func extensionCases() []typeCase {
	b := arrow.BinaryTypes
	id := "\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00"
	return []typeCase{
		{
			name: "unknown extension", sql: "BIGINT", conversion: hyper.Direct, warning: "test.money",
			source: extended("test.money", fixed(arrow.PrimitiveTypes.Int64, []int64{5, 6}, 1)), sent: fixed(arrow.PrimitiveTypes.Int64, []int64{5, 6}, 1), stored: []any{"5", nil},
		},
		{
			name: "dictionary of an unknown extension", sql: "TEXT", conversion: hyper.Decode, warning: "test.category",
			source: dictionary(fixed(arrow.PrimitiveTypes.Int8, []int8{1, 0}), extended("test.category", texts(b.String, "a", "b"))), sent: texts(b.String, "b", "a"), stored: []any{"b", "a"},
		},
		{name: "json extension", sql: "TEXT", conversion: hyper.Direct, source: extended("arrow.json", texts(b.String, "[]")), sent: texts(b.String, "[]"), stored: []any{"[]"}},
		{
			name: "uuid extension", sql: "TEXT", conversion: hyper.UUIDText, source: extended("arrow.uuid", fixedBinary([]string{id})),
			sent: texts(b.String, "ff00ff00-ff00-ff00-ff00-ff00ff00ff00"), stored: []any{"ff00ff00-ff00-ff00-ff00-ff00ff00ff00"},
		},
	}
}
