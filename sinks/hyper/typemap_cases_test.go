package hyper_test

import (
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/decimal256"
	"github.com/apache/arrow/go/v17/arrow/float16"

	"hyperlake/internal/batch"
	"hyperlake/sinks/hyper"
)

// typeCase is one row of the type map with values that are hard to store. A table of
// them drives three tests: the map alone, the conversion alone, and the way through hyperd.
type typeCase struct {
	name       string
	logical    string // of Parquet
	format     hyper.FormatChoice
	sql        string
	version    hyper.Version
	conversion hyper.Conversion
	warning    string
	source     arrow.Array
	sent       arrow.Array // nil if source is sent as it is
	stored     []any       // as hyperd prints it; nil is NULL
}

func (c typeCase) field() arrow.Field {
	field := arrow.Field{Name: "c", Type: c.source.DataType(), Nullable: true}
	if c.logical != "" {
		field.Metadata = arrow.NewMetadata([]string{batch.LogicalTypeKey}, []string{c.logical})
	}
	return field
}

// typeCases is every row of the type map.
func typeCases() []typeCase {
	return slices.Concat(integerCases(), floatCases(), decimalCases(), textCases(), binaryCases(), dayCases(),
		timestampCases(), durationCases(), intervalCases(), encodedCases(), extensionCases())
}

var (
	version4 = hyper.FormatChoice{Pinned: true, Version: 4}
	version3 = hyper.FormatChoice{Pinned: true, Version: 3}
)

func integerCases() []typeCase {
	p := arrow.PrimitiveTypes
	return []typeCase{
		{name: "bool", sql: "BOOLEAN", conversion: hyper.Direct, source: bools(true, nil, false), stored: []any{"t", nil, "f"}},
		{name: "int8", sql: "SMALLINT", conversion: hyper.Direct, source: fixed(p.Int8, []int8{-128, 99, 127}, 1), stored: []any{"-128", nil, "127"}},
		{name: "int16", sql: "SMALLINT", conversion: hyper.Direct, source: fixed(p.Int16, []int16{math.MinInt16, 99, math.MaxInt16}, 1), stored: []any{"-32768", nil, "32767"}},
		{name: "int32", sql: "INTEGER", conversion: hyper.Direct, source: fixed(p.Int32, []int32{math.MinInt32, 99, math.MaxInt32}, 1), stored: []any{"-2147483648", nil, "2147483647"}},
		{name: "int64", sql: "BIGINT", conversion: hyper.Direct, source: fixed(p.Int64, []int64{math.MinInt64, 99, math.MaxInt64}, 1), stored: []any{"-9223372036854775808", nil, "9223372036854775807"}},
		{name: "uint8", sql: "SMALLINT", conversion: hyper.Direct, source: fixed(p.Uint8, []uint8{0, 99, math.MaxUint8}, 1), stored: []any{"0", nil, "255"}},
		{name: "uint16", sql: "INTEGER", conversion: hyper.Direct, source: fixed(p.Uint16, []uint16{0, 99, math.MaxUint16}, 1), stored: []any{"0", nil, "65535"}},
		{name: "uint32", sql: "BIGINT", conversion: hyper.Direct, source: fixed(p.Uint32, []uint32{0, 99, math.MaxUint32}, 1), stored: []any{"0", nil, "4294967295"}},
		{
			name: "uint64", sql: "NUMERIC(20,0)", version: 3, conversion: hyper.Repack,
			source: fixed(p.Uint64, []uint64{0, 99, math.MaxUint64, math.MaxInt64 + 1}, 1),
			sent:   fixed(decimalType(20, 0), []decimal128.Num{{}, {}, decimal128.FromU64(math.MaxUint64), decimal128.FromU64(math.MaxInt64 + 1)}, 1),
			stored: []any{"0", nil, "18446744073709551615", "9223372036854775808"},
		},
	}
}

func floatCases() []typeCase {
	p := arrow.PrimitiveTypes
	nan, inf := math.NaN(), math.Inf(1)
	negativeZero := math.Copysign(0, -1)
	halves := []uint16{0x7e00, 0x7c00, 0xfc00, 0x8000, 0x0001, 0x83ff, 0x7bff, 0x3555}
	wideHalves := []float64{nan, inf, -inf, negativeZero, 1.0 / (1 << 24), -1023.0 / (1 << 24), 65504, 0.333251953125}
	singles := []float32{float32(nan), float32(inf), float32(-inf), float32(negativeZero), math.SmallestNonzeroFloat32, -math.MaxFloat32, 0.1, 16777216}
	doubles := []float64{nan, inf, -inf, negativeZero, math.SmallestNonzeroFloat64, -math.MaxFloat64, 0.1, 9007199254740992}
	return []typeCase{
		{
			name: "float16", sql: "DOUBLE PRECISION", conversion: hyper.Widen,
			source: fixed(arrow.FixedWidthTypes.Float16, halvesOf(halves), 6), sent: fixed(p.Float64, wideHalves, 6),
			stored: []any{"nan", "inf", "-inf", "-0", "5.960464477539063e-08", "-6.097555160522461e-05", nil, "0.333251953125"},
		},
		{
			name: "float16 as real", format: version4, sql: "REAL", version: 4, conversion: hyper.Widen,
			source: fixed(arrow.FixedWidthTypes.Float16, halvesOf(halves)), sent: fixed(p.Float32, singlesOf(wideHalves)),
			stored: []any{"nan", "inf", "-inf", "-0", "5.960464477539063e-08", "-6.097555160522461e-05", "65504", "0.333251953125"},
		},
		{
			name: "float32", sql: "DOUBLE PRECISION", conversion: hyper.Widen,
			source: fixed(p.Float32, singles, 5), sent: fixed(p.Float64, doublesOf(singles), 5),
			stored: []any{"nan", "inf", "-inf", "-0", "1.401298464324817e-45", nil, "0.10000000149011612", "16777216"},
		},
		{
			name: "float32 in version 3", format: version3, sql: "DOUBLE PRECISION", conversion: hyper.Widen,
			source: fixed(p.Float32, singles[5:]), sent: fixed(p.Float64, doublesOf(singles[5:])),
			stored: []any{"-3.4028234663852886e+38", "0.10000000149011612", "16777216"},
		},
		{
			name: "float32 as real", format: version4, sql: "REAL", version: 4, conversion: hyper.Direct, source: fixed(p.Float32, singles, 3),
			stored: []any{"nan", "inf", "-inf", nil, "1.401298464324817e-45", "-3.4028234663852886e+38", "0.10000000149011612", "16777216"},
		},
		{
			name: "float64", sql: "DOUBLE PRECISION", conversion: hyper.Direct, source: fixed(p.Float64, doubles, 1),
			stored: []any{"nan", nil, "-inf", "-0", "5e-324", "-1.7976931348623157e+308", "0.1", "9007199254740992"},
		},
	}
}

func halvesOf(bits []uint16) []float16.Num {
	halves := make([]float16.Num, len(bits))
	for i := range bits {
		halves[i] = float16.FromBits(bits[i])
	}
	return halves
}

func singlesOf(doubles []float64) []float32 {
	singles := make([]float32, len(doubles))
	for i := range doubles {
		singles[i] = float32(doubles[i])
	}
	return singles
}

func doublesOf(singles []float32) []float64 {
	doubles := make([]float64, len(singles))
	for i := range singles {
		doubles[i] = float64(singles[i])
	}
	return doubles
}

const nines = "99999999999999999999999999999999999999" // 38

func decimalType(precision, scale int32) arrow.DataType {
	return &arrow.Decimal128Type{Precision: precision, Scale: scale}
}

// decimals makes an array of 128-bit decimals from their unscaled digits; a NULL hides
// the value in the rows listed last.
func decimals(precision, scale int32, unscaled []string, nullRows ...int) arrow.Array {
	values := make([]decimal128.Num, len(unscaled))
	for i, digits := range unscaled {
		values[i] = decimal128.FromBigInt(integer(digits))
	}
	return fixed(decimalType(precision, scale), values, nullRows...)
}

// wideDecimals is decimals in 256 bits.
func wideDecimals(precision, scale int32, unscaled []string, nullRows ...int) arrow.Array {
	values := make([]decimal256.Num, len(unscaled))
	for i, digits := range unscaled {
		values[i] = decimal256.FromBigInt(integer(digits))
	}
	return fixed(&arrow.Decimal256Type{Precision: precision, Scale: scale}, values, nullRows...)
}

func decimalCases() []typeCase {
	return []typeCase{
		{
			name: "decimal of 18 digits", sql: "NUMERIC(18,2)", conversion: hyper.Direct,
			source: decimals(18, 2, []string{nines[:18], "-" + nines[:18], "0", "-1", "5"}, 4),
			stored: []any{"9999999999999999.99", "-9999999999999999.99", "0.00", "-0.01", nil},
		},
		{
			name: "decimal of 19 digits", sql: "NUMERIC(19,0)", version: 3, conversion: hyper.Direct,
			source: decimals(19, 0, []string{nines[:19], "-" + nines[:19]}), stored: []any{nines[:19], "-" + nines[:19]},
		},
		{
			name: "decimal of 38 digits", sql: "NUMERIC(38,0)", version: 3, conversion: hyper.Direct,
			source: decimals(38, 0, []string{nines, "-" + nines, "7"}, 2), stored: []any{nines, "-" + nines, nil},
		},
		{
			name: "decimal of 38 places", sql: "NUMERIC(38,38)", version: 3, conversion: hyper.Direct,
			source: decimals(38, 38, []string{nines, "-1"}), stored: []any{"0." + nines, "-0.00000000000000000000000000000000000001"},
		},
		{
			name: "decimal of more places than digits", sql: "NUMERIC(7,7)", conversion: hyper.Direct,
			source: decimals(5, 7, []string{"99999", "-1", "3"}, 2), sent: decimals(7, 7, []string{"99999", "-1", "0"}, 2),
			stored: []any{"0.0099999", "-0.0000001", nil},
		},
		{
			name: "decimal of negative scale", sql: "NUMERIC(5,0)", conversion: hyper.Rescale,
			source: decimals(3, -2, []string{"999", "-999", nines, "0"}, 2), sent: decimals(5, 0, []string{"99900", "-99900", "0", "0"}, 2),
			stored: []any{"99900", "-99900", nil, "0"},
		},
		{
			name: "decimal of very negative scale", sql: "NUMERIC(38,0)", version: 3, conversion: hyper.Rescale,
			source: decimals(1, -37, []string{"9", "-9"}), sent: decimals(38, 0, []string{"9" + zeros[:37], "-9" + zeros[:37]}),
			stored: []any{"9" + zeros[:37], "-9" + zeros[:37]},
		},
		{
			name: "decimal256", sql: "NUMERIC(38,10)", version: 3, conversion: hyper.Repack,
			source: wideDecimals(38, 10, []string{nines, "-" + nines, nines + nines[:30], "-1", "0"}, 2), sent: decimals(38, 10, []string{nines, "-" + nines, "0", "-1", "0"}, 2),
			stored: []any{nines[:28] + "." + nines[:10], "-" + nines[:28] + "." + nines[:10], nil, "-0.0000000001", "0.0000000000"},
		},
		{
			name: "decimal256 of few digits", sql: "NUMERIC(9,2)", conversion: hyper.Repack,
			source: wideDecimals(9, 2, []string{"-123456789"}), sent: decimals(9, 2, []string{"-123456789"}), stored: []any{"-1234567.89"},
		},
		{
			name: "decimal256 of negative scale", sql: "NUMERIC(38,0)", version: 3, conversion: hyper.Rescale,
			source: wideDecimals(36, -2, []string{nines[:36], "-" + nines[:36]}), sent: decimals(38, 0, []string{nines[:36] + "00", "-" + nines[:36] + "00"}),
			stored: []any{nines[:36] + "00", "-" + nines[:36] + "00"},
		},
	}
}

const zeros = "00000000000000000000000000000000000000"

func textCases() []typeCase {
	b := arrow.BinaryTypes
	hard := []any{"", "a\x00b", " blanks ", nil, "é𝄞\u202e", "a text that is longer than a view holds inline", "\x00"}
	return []typeCase{
		{name: "utf8", sql: "TEXT", conversion: hyper.Direct, source: texts(b.String, hard...), stored: hard},
		{name: "large utf8", sql: "TEXT", conversion: hyper.Repack, source: texts(b.LargeString, hard...), sent: texts(b.String, hard...), stored: hard},
		{name: "utf8 view", sql: "TEXT", conversion: hyper.Repack, source: texts(b.StringView, hard...), sent: texts(b.String, hard...), stored: hard},
		{name: "enum", logical: batch.LogicalEnum, sql: "TEXT", conversion: hyper.Direct, source: texts(b.String, "A", nil), stored: []any{"A", nil}},
		{name: "json", logical: batch.LogicalJSON, sql: "TEXT", conversion: hyper.Direct, source: texts(b.String, `{"a": 1}`, nil), stored: []any{`{"a": 1}`, nil}},
		{name: "null", sql: "TEXT", conversion: hyper.AllNull, source: array.NewNull(3), sent: texts(b.String, nil, nil, nil), stored: []any{nil, nil, nil}},
		{
			name: "uuid", logical: batch.LogicalUUID, sql: "TEXT", conversion: hyper.UUIDText,
			source: fixedBinary([]string{zeroID, "\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10", zeroID}, 2),
			sent:   texts(b.String, "00000000-0000-0000-0000-000000000000", "01234567-89ab-cdef-fedc-ba9876543210", nil),
			stored: []any{"00000000-0000-0000-0000-000000000000", "01234567-89ab-cdef-fedc-ba9876543210", nil},
		},
	}
}

const zeroID = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func binaryCases() []typeCase {
	b := arrow.BinaryTypes
	hard := []any{"", "\x00\xff\x80", nil, "bytes that are longer than a view holds inline"}
	printed := []any{`\x`, `\x00ff80`, nil, `\x6279746573207468617420617265206c6f6e676572207468616e2061207669657720686f6c647320696e6c696e65`}
	return []typeCase{
		{name: "binary", sql: "BYTES", conversion: hyper.Direct, source: texts(b.Binary, hard...), stored: printed},
		{name: "large binary", sql: "BYTES", conversion: hyper.Repack, source: texts(b.LargeBinary, hard...), sent: texts(b.Binary, hard...), stored: printed},
		{name: "binary view", sql: "BYTES", conversion: hyper.Repack, source: texts(b.BinaryView, hard...), sent: texts(b.Binary, hard...), stored: printed},
		{name: "bson", logical: batch.LogicalBSON, sql: "BYTES", conversion: hyper.Direct, source: texts(b.Binary, "\x05\x00", nil), stored: []any{`\x0500`, nil}},
		{
			name: "fixed-size binary", sql: "BYTES", conversion: hyper.Repack, source: fixedBinary([]string{"\x00\x01\x02", "abc", "\xff\xff\xff"}, 1),
			sent: texts(b.Binary, "\x00\x01\x02", nil, "\xff\xff\xff"), stored: []any{`\x000102`, nil, `\xffffff`},
		},
		{
			name: "unknown logical type", logical: batch.LogicalUnknown, sql: "BYTES", conversion: hyper.Direct, warning: "logical type",
			source: texts(b.Binary, "a"), stored: []any{`\x61`},
		},
	}
}
