package validate_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/decimal256"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"

	"hyperlake/transforms/validate"
)

// TestRulesAgreeWithARowByRowEvaluation compares the kernels with an evaluation that
// shares nothing with them: a row at a time, in rational numbers, and in the standard
// library's own rounding and calendar.
func TestRulesAgreeWithARowByRowEvaluation(t *testing.T) {
	for i, dt := range []arrow.DataType{
		arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
		arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
		arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64,
		&arrow.Decimal128Type{Precision: 38, Scale: 0}, &arrow.Decimal128Type{Precision: 15, Scale: 2}, &arrow.Decimal128Type{Precision: 9, Scale: -2},
		&arrow.Decimal128Type{Precision: 38, Scale: 37}, &arrow.Decimal256Type{Precision: 76, Scale: 10},
		arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Date64,
		arrow.FixedWidthTypes.Timestamp_s, &arrow.TimestampType{Unit: arrow.Millisecond}, &arrow.TimestampType{Unit: arrow.Nanosecond},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.PrimitiveTypes.Int64},
	} {
		t.Run(dt.String(), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(7, uint64(i)))
			impossible := 0
			for range 200 {
				arr := oracleColumn(t, r, dt, 1+r.IntN(150))
				rule, passes := oracleRule(t, r, dt)
				v, err := validate.Compile(validate.Ruleset{Rules: []validate.Rule{rule}}, record("c", arr).Schema())
				if err != nil {
					require.ErrorContains(t, err, "no value lies between")
					impossible++
				}
				var want []int64
				for row := range arr.Len() {
					switch ok := arr.IsNull(row) || passes(arr, row); {
					case !ok:
						want = append(want, int64(row))
					case err != nil:
						require.True(t, arr.IsNull(row), "%v: %s passes after all", err, arr.ValueStr(row))
					}
				}
				if err == nil {
					require.Equal(t, want, brokenRows(t, v, record("c", arr)), "%s\n%v", v.Rules()[0].Name, arr)
				}
			}
			require.Less(t, impossible, 100)
		})
	}
}

// unscaled are integers at which types and bits begin and end.
func unscaled(r *rand.Rand, bits int) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), uint(r.IntN(bits)))
	n.Add(n, big.NewInt(r.Int64N(5)-2))
	if r.IntN(2) == 0 {
		n.Neg(n)
	}
	if r.IntN(2) == 0 {
		n.SetInt64(r.Int64N(21) - 10)
	}
	return n
}

func oracleColumn(t testing.TB, r *rand.Rand, dt arrow.DataType, n int) arrow.Array {
	builder := array.NewBuilder(memory.DefaultAllocator, dt)
	for range n {
		if r.IntN(10) == 0 {
			builder.AppendNull()
			continue
		}
		small, days := unscaled(r, 64).Int64(), r.Int64N(100_000)-10_000
		switch b := builder.(type) {
		case *array.Int8Builder:
			b.Append(int8(small))
		case *array.Int16Builder:
			b.Append(int16(small))
		case *array.Int32Builder:
			b.Append(int32(small))
		case *array.Int64Builder:
			b.Append(small)
		case *array.Uint8Builder:
			b.Append(uint8(small))
		case *array.Uint16Builder:
			b.Append(uint16(small))
		case *array.Uint32Builder:
			b.Append(uint32(small))
		case *array.Uint64Builder:
			b.Append(uint64(small))
		case *array.Float32Builder:
			b.Append(float32(oracleFloat(r)))
		case *array.Float64Builder:
			b.Append(oracleFloat(r))
		case *array.Decimal128Builder:
			b.Append(decimal128.FromBigInt(unscaled(r, 127)))
		case *array.Decimal256Builder:
			b.Append(decimal256.FromBigInt(unscaled(r, 255)))
		case *array.Date32Builder:
			b.Append(arrow.Date32(days))
		case *array.Date64Builder:
			b.Append(arrow.Date64(days*86_400_000 + r.Int64N(3) - 1))
		case *array.TimestampBuilder:
			unit := b.Type().(*arrow.TimestampType).Unit.Multiplier()
			b.Append(arrow.Timestamp(days*int64(24*time.Hour/unit) + r.Int64N(5) - 2))
		case *array.Int64DictionaryBuilder:
			require.NoError(t, b.Append(small))
		}
	}
	return builder.NewArray()
}

func oracleFloat(r *rand.Rand) float64 {
	special := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 0, 0.1, -0.1, 1, math.MaxFloat64, math.MaxFloat32, 1e39, math.SmallestNonzeroFloat64, 16777217, 1e22}
	if f := special[r.IntN(len(special))]; r.IntN(2) == 0 {
		return f
	}
	return math.Float64frombits(r.Uint64())
}

// oracleLiteral is a literal and a test of a value against it: below 0, 0 or above 0.
type oracleLiteral struct {
	validate.Literal
	compare func(arr arrow.Array, row int) int
}

func newOracleLiteral(t testing.TB, r *rand.Rand, dt arrow.DataType) oracleLiteral {
	switch dt.ID() {
	case arrow.DATE32, arrow.DATE64:
		day := time.Unix(0, 0).UTC().AddDate(0, 0, r.IntN(100_000)-10_000)
		return exactLiteral(t, day.Format(time.DateOnly), big.NewRat(day.Unix(), 86_400))
	case arrow.TIMESTAMP:
		at := time.Unix((r.Int64N(100_000)-10_000)*86_400, r.Int64N(2_000_000_001)-1_000_000_000).UTC()
		exact := new(big.Rat).SetFrac64(int64(at.Nanosecond()), 1e9)
		return exactLiteral(t, at.Format("2006-01-02T15:04:05.999999999"), exact.Add(exact, new(big.Rat).SetInt64(at.Unix())))
	}
	exact := new(big.Rat).SetInt(unscaled(r, 140))
	if r.IntN(2) == 0 { // with some digits after the point
		digits := new(big.Int).Exp(big.NewInt(10), big.NewInt(r.Int64N(12)), nil)
		exact.Quo(exact, new(big.Rat).SetInt(digits))
	}
	text := exact.FloatString(12)
	if exact.IsInt() && r.IntN(2) == 0 {
		text = exact.Num().String()
	}
	if dt.ID() == arrow.FLOAT32 || dt.ID() == arrow.FLOAT64 {
		return floatLiteral(r, dt, text, exact)
	}
	return exactLiteral(t, text, exact)
}

func exactLiteral(t testing.TB, text string, exact *big.Rat) oracleLiteral {
	return oracleLiteral{validate.Literal{Text: text}, func(arr arrow.Array, row int) int { return oracleValue(t, arr, row).Cmp(exact) }}
}

// floatLiteral rounds like the standard library; a literal out of range is compared as it is.
func floatLiteral(r *rand.Rand, dt arrow.DataType, text string, exact *big.Rat) oracleLiteral {
	if r.IntN(3) == 0 {
		text = []string{"1e400", "-1e400", "1e39", "-0", "0.1", "1e-400", "16777217", "1e22"}[r.IntN(8)]
		exact, _ = new(big.Rat).SetString(text)
	}
	bits := map[arrow.Type]int{arrow.FLOAT32: 32, arrow.FLOAT64: 64}[dt.ID()]
	rounded, err := strconv.ParseFloat(text, bits)
	return oracleLiteral{validate.Literal{Text: text}, func(arr arrow.Array, row int) int {
		f := oracleFloatValue(arr, row)
		switch {
		case math.IsInf(f, 0):
			return int(math.Copysign(1, f))
		case errors.Is(err, strconv.ErrRange):
			return new(big.Rat).SetFloat64(f).Cmp(exact)
		case f < rounded:
			return -1
		case f > rounded:
			return 1
		default:
			return 0
		}
	}}
}

func oracleFloatValue(arr arrow.Array, row int) float64 {
	if single, ok := arr.(*array.Float32); ok {
		return float64(single.Value(row))
	}
	return arr.(*array.Float64).Value(row)
}

// oracleValue is a value in the unit of its literals.
func oracleValue(t testing.TB, arr arrow.Array, row int) *big.Rat {
	exact := func(text string) *big.Rat {
		v, ok := new(big.Rat).SetString(text)
		require.True(t, ok, text)
		return v
	}
	switch a := arr.(type) {
	case *array.Decimal128:
		return exact(fmt.Sprintf("%de%d", a.Value(row).BigInt(), -a.DataType().(*arrow.Decimal128Type).Scale))
	case *array.Decimal256:
		return exact(fmt.Sprintf("%de%d", a.Value(row).BigInt(), -a.DataType().(*arrow.Decimal256Type).Scale))
	case *array.Date64: // the date that it lies in
		return new(big.Rat).SetInt64(int64(math.Floor(float64(a.Value(row)) / 86_400_000)))
	case *array.Timestamp:
		unit := a.DataType().(*arrow.TimestampType).Unit
		at := a.Value(row).ToTime(unit)
		seconds := new(big.Rat).SetFrac64(int64(at.Nanosecond()), 1e9)
		return seconds.Add(seconds, new(big.Rat).SetInt64(at.Unix()))
	case *array.Date32:
		return new(big.Rat).SetInt64(int64(a.Value(row)))
	case *array.Dictionary:
		return oracleValue(t, a.Dictionary(), a.GetValueIndex(row))
	default: // integers
		return exact(arr.ValueStr(row))
	}
}

// oracleRule is a rule with min, max or in, or several of them, and what passes it.
func oracleRule(t testing.TB, r *rand.Rand, dt arrow.DataType) (validate.Rule, func(arr arrow.Array, row int) bool) {
	rule := validate.Rule{Column: "c"}
	var tests []func(arr arrow.Array, row int) bool
	add := func(test func(arr arrow.Array, row int) bool) {
		tests = append(tests, func(arr arrow.Array, row int) bool {
			switch arr.DataType().ID() {
			case arrow.FLOAT32, arrow.FLOAT64:
				return !math.IsNaN(oracleFloatValue(arr, row)) && test(arr, row)
			}
			return test(arr, row)
		})
	}
	which := 1 + r.IntN(7)
	if which&1 != 0 {
		l := newOracleLiteral(t, r, dt)
		rule.Min = &l.Literal
		add(func(arr arrow.Array, row int) bool { return l.compare(arr, row) >= 0 })
	}
	if which&2 != 0 {
		l := newOracleLiteral(t, r, dt)
		rule.Max = &l.Literal
		add(func(arr arrow.Array, row int) bool { return l.compare(arr, row) <= 0 })
	}
	if which&4 != 0 {
		var set []oracleLiteral
		for range 1 + r.IntN(20) {
			set = append(set, newOracleLiteral(t, r, dt))
			rule.In = append(rule.In, set[len(set)-1].Literal)
		}
		add(func(arr arrow.Array, row int) bool {
			for _, l := range set {
				if l.compare(arr, row) == 0 {
					return true
				}
			}
			return false
		})
	}
	return rule, func(arr arrow.Array, row int) bool {
		for _, passes := range tests {
			if !passes(arr, row) {
				return false
			}
		}
		return true
	}
}
