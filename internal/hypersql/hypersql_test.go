package hypersql_test

import (
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"

	"hyperlake/internal/hypersql"
)

func TestTypes(t *testing.T) {
	t.Parallel()
	for want, of := range map[string]arrow.DataType{
		"BOOLEAN": arrow.FixedWidthTypes.Boolean, "SMALLINT": arrow.PrimitiveTypes.Int8, "REAL": arrow.PrimitiveTypes.Float32,
		"NUMERIC(38,38)": &arrow.Decimal128Type{Precision: 38, Scale: 38}, "DATE": arrow.FixedWidthTypes.Date32,
		"TIMESTAMP": &arrow.TimestampType{Unit: arrow.Millisecond}, "TIMESTAMPTZ": arrow.FixedWidthTypes.Timestamp_us,
		"TEXT": arrow.BinaryTypes.String, "BYTES": arrow.BinaryTypes.Binary, "TIME": arrow.FixedWidthTypes.Time64us,
	} {
		name, ok := hypersql.Type(of)
		assert.True(t, ok, want)
		assert.Equal(t, want, name)
	}
	for _, of := range []arrow.DataType{
		arrow.FixedWidthTypes.Timestamp_ns, arrow.FixedWidthTypes.Time64ns, arrow.FixedWidthTypes.Time32ms, arrow.PrimitiveTypes.Uint64, arrow.Null,
		&arrow.Decimal128Type{Precision: 3, Scale: 4}, &arrow.Decimal256Type{Precision: 40}, arrow.ListOf(arrow.PrimitiveTypes.Int8),
	} {
		_, ok := hypersql.Type(of)
		assert.False(t, ok, of)
	}
	assert.Equal(t, "CAST(NULL AS TEXT)", hypersql.Null("TEXT"))
}

func TestConstants(t *testing.T) {
	t.Parallel()
	type constant struct {
		text string
		ok   bool
	}
	got := func(text string, ok bool) constant { return constant{text, ok} }
	huge, _ := new(big.Int).SetString("-12345678901234567890", 10)
	for name, c := range map[string]struct {
		got  constant
		want string // empty: refused
	}{
		"text":                   {got(hypersql.Text("it's 😀")), "'it''s 😀'"},
		"text with a zero":       {got(hypersql.Text("a\x00")), ""},
		"text that is not UTF-8": {got(hypersql.Text("\xff")), ""},
		"double":                 {got(hypersql.Double(0.1)), "CAST('0.1' AS DOUBLE PRECISION)"},
		"least double":           {got(hypersql.Double(math.SmallestNonzeroFloat64)), "CAST('5e-324' AS DOUBLE PRECISION)"},
		"infinity":               {got(hypersql.Double(math.Inf(-1))), ""},
		"nan":                    {got(hypersql.Double(math.NaN())), ""},
		"numeric":                {got(hypersql.Numeric(big.NewInt(-5), 5, 2)), "CAST('-0.05' AS NUMERIC(5,2))"},
		"long numeric":           {got(hypersql.Numeric(huge, 20, 0)), "CAST('-12345678901234567890' AS NUMERIC(20,0))"},
		"numeric of more digits": {got(hypersql.Numeric(huge, 19, 0)), ""},
		"numeric too wide":       {got(hypersql.Numeric(big.NewInt(1), 39, 0)), ""},
		"numeric of odd scale":   {got(hypersql.Numeric(big.NewInt(1), 5, -1)), ""},
		"date":                   {got(hypersql.Date(-1)), "DATE '1969-12-31'"},
		"first date":             {got(hypersql.Date(-719162)), "DATE '0001-01-01'"},
		"date before":            {got(hypersql.Date(-719163)), ""},
		"last date":              {got(hypersql.Date(2932896)), "DATE '9999-12-31'"},
		"date behind":            {got(hypersql.Date(2932897)), ""},
		"no date":                {got(hypersql.Date(math.MinInt64)), ""},
		"timestamp":              {got(hypersql.Timestamp(-1, time.Microsecond, false)), "TIMESTAMP '1969-12-31 23:59:59.999999'"},
		"instant":                {got(hypersql.Timestamp(1500, time.Millisecond, true)), "TIMESTAMPTZ '1970-01-01 00:00:01.500000+00'"},
		"timestamp too far":      {got(hypersql.Timestamp(math.MaxInt64, time.Microsecond, false)), ""},
		"nanoseconds":            {got(hypersql.Timestamp(1, time.Nanosecond, false)), ""},
		"pattern":                {got(hypersql.Pattern(`^[A-Z]+\.$`)), `'(?-m:\A[A-Z]+\.$)'`},
		"dot":                    {got(hypersql.Pattern(`.`)), `'(?-s:.)'`},
		"either case":            {got(hypersql.Pattern(`(?i)k`)), ""},
		"either case, inside":    {got(hypersql.Pattern(`a(bc|(?i)kl)`)), ""},
		"boundary of a word":     {got(hypersql.Pattern(`\bk`)), ""},
		"no pattern":             {got(hypersql.Pattern(`(`)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want != "", c.got.ok)
			if c.got.ok {
				assert.Equal(t, c.want, c.got.text)
			}
		})
	}
	assert.Equal(t, "CAST('-9223372036854775808' AS BIGINT)", hypersql.Integer(math.MinInt64))
	assert.Equal(t, `"odd ""name"`, hypersql.Name(`odd "name`))
}
