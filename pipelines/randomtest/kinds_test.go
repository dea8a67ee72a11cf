package randomtest

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

// class is what the values of a kind are.
type class int

const (
	none class = iota // always NULL
	booleans
	integers
	decimals
	floats
	texts
	blobs
	days
	clocks
	locals   // timestamps without a zone
	instants // and with one
	nests    // lists and structures
	jsons    // text that is made of them
)

// kind is a type of columns.
type kind struct {
	class class
	arrow arrow.DataType
	sql   string // of the column in the extract
	draw  func(r *dice) any

	// Below low and above high, nothing can be stored; empty where everything can.
	low, high       any
	lowest, highest string // as rules say it

	element *kind    // of a list
	fields  []column // of a structure
}

func (k *kind) String() string { return k.arrow.String() }

// dice is where chance comes from.
type dice struct {
	*rand.Rand

	// plain says that what is drawn is such that hyperd reads the files of a table.
	plain bool
}

// pick draws one of some values.
func pick[T any](r *dice, values ...T) T { return values[r.IntN(len(values))] }

// chance is true in so many of a hundred cases.
func chance(r *dice, percent int) bool { return r.IntN(100) < percent }

func integerKind(t arrow.DataType, sql string, low, high *big.Rat) *kind {
	return &kind{class: integers, arrow: t, sql: sql, draw: func(r *dice) any {
		if chance(r, 20) {
			return pick(r, low, high)
		}
		small := whole(r.Int64N(12) - 3)
		if small.Cmp(low) < 0 {
			return whole(0)
		}
		return small
	}}
}

func signed(t arrow.DataType, sql string, bits uint) *kind {
	half := int64(1) << (bits - 1)
	return integerKind(t, sql, whole(-half), whole(half-1))
}

func unsigned(t arrow.DataType, sql string, bits uint) *kind {
	return integerKind(t, sql, whole(0), new(big.Rat).SetInt(new(big.Int).SetUint64(math.MaxUint64>>(64-bits))))
}

func decimalKind(precision, scale int32) *kind {
	one := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
	most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
	most.Sub(most, big.NewInt(1))
	return &kind{
		class: decimals, arrow: &arrow.Decimal128Type{Precision: precision, Scale: scale}, sql: fmt.Sprintf("NUMERIC(%d,%d)", precision, scale),
		draw: func(r *dice) any {
			unscaled := big.NewInt(r.Int64N(2000) - 500)
			if chance(r, 30) {
				unscaled = pick(r, most, new(big.Int).Neg(most), big.NewInt(0), big.NewInt(1), big.NewInt(-1))
			}
			return new(big.Rat).SetFrac(unscaled, one)
		},
	}
}

func drawFloat(r *dice) float64 {
	if chance(r, 60) {
		return float64(r.IntN(21)-6) / 4
	}
	return pick(r, math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 0, 0.1, -0.1, 1e22, 16777217, math.MaxFloat64, math.SmallestNonzeroFloat64)
}

// dateText is a date as rules have it.
func dateText(t time.Time) string { return t.Format("2006-01-02") }

var (
	firstDay = day(time.Date(-4712, 1, 1, 0, 0, 0, 0, time.UTC).Unix() / 86_400)
	lastDay  = day(time.Date(294276, 12, 31, 0, 0, 0, 0, time.UTC).Unix() / 86_400)
)

func drawDay(r *dice) any {
	if chance(r, 60) {
		return day(20_000 + r.Int64N(8))
	}
	if chance(r, 10) {
		return pick(r, firstDay-1, lastDay+1, math.MinInt32, math.MaxInt32)
	}
	year := pick(r, -4711, -1, 0, 1, 1500, 1582, 1899, 1969, 1970, 9999, 10000, 294276)
	return day(time.Date(year, time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, time.UTC).Unix() / 86_400)
}

func timestampKind(unit arrow.TimeUnit, zone string) *kind {
	k := &kind{class: locals, arrow: &arrow.TimestampType{Unit: unit, TimeZone: zone}, sql: "TIMESTAMP"}
	suffix := ""
	if zone != "" {
		k.class, k.sql, suffix = instants, "TIMESTAMPTZ", "Z"
	}
	step := unit.Multiplier()
	first, last := moment{int64(firstDay) * 86_400, 0}, moment{(int64(lastDay)+1)*86_400 - 1, int64(time.Second - step)}
	k.lowest, k.highest = "-4712-01-01T00:00:00"+suffix, "294276-12-31T23:59:59.999"+suffix
	switch unit {
	case arrow.Microsecond:
		last = momentOf(math.MaxInt64, step)
		k.highest = "294247-01-10T04:00:54.775807" + suffix
	case arrow.Nanosecond:
		k.draw = func(r *dice) any { return drawNear(r, step) }
		k.lowest, k.highest = "", ""
		return k
	}
	k.low, k.high = first, last
	k.draw = func(r *dice) any {
		if chance(r, 8) {
			return pick(r, first, last, momentOf(math.MinInt64, step), momentOf(math.MaxInt64, step), momentOf(first.count(step)-1, step))
		}
		return drawNear(r, step)
	}
	return k
}

// drawNear draws a moment that every unit reaches.
func drawNear(r *dice, step time.Duration) any {
	if chance(r, 30) {
		return momentOf(-pick[int64](r, 1, 999, 86_400_000_001), step)
	}
	at := pick(r, 20_000, 20_001, 20_002, 0, -100_000)
	m := moment{int64(at)*86_400 + int64(pick(r, 0, 0, 1, 43_200)), 0}
	if chance(r, 30) {
		m.nanos = int64(step) * r.Int64N(int64(time.Second/step))
	}
	return m
}

func clockKind(t arrow.DataType, unit time.Duration, fraction string) *kind {
	return &kind{
		class: clocks, arrow: t, sql: "TIME", low: clock(0), high: clock(24*time.Hour - unit), lowest: "00:00:00", highest: "23:59:59" + fraction,
		draw: func(r *dice) any {
			if chance(r, 5) {
				return clock(24 * time.Hour)
			}
			return pick(r, clock(0), clock(24*time.Hour-unit), clock(12*time.Hour+unit), clock(12*time.Hour))
		},
	}
}

var (
	nullKind    = &kind{class: none, arrow: arrow.Null, sql: "TEXT", draw: func(*dice) any { return nil }}
	boolKind    = &kind{class: booleans, arrow: arrow.FixedWidthTypes.Boolean, sql: "BOOLEAN", draw: func(r *dice) any { return chance(r, 50) }}
	int8Kind    = signed(arrow.PrimitiveTypes.Int8, "SMALLINT", 8)
	int16Kind   = signed(arrow.PrimitiveTypes.Int16, "SMALLINT", 16)
	int32Kind   = signed(arrow.PrimitiveTypes.Int32, "INTEGER", 32)
	int64Kind   = signed(arrow.PrimitiveTypes.Int64, "BIGINT", 64)
	uint8Kind   = unsigned(arrow.PrimitiveTypes.Uint8, "SMALLINT", 8)
	uint16Kind  = unsigned(arrow.PrimitiveTypes.Uint16, "INTEGER", 16)
	uint32Kind  = unsigned(arrow.PrimitiveTypes.Uint32, "BIGINT", 32)
	uint64Kind  = unsigned(arrow.PrimitiveTypes.Uint64, "NUMERIC(20,0)", 64)
	float32Kind = &kind{class: floats, arrow: arrow.PrimitiveTypes.Float32, sql: "DOUBLE PRECISION", draw: func(r *dice) any { return float64(float32(drawFloat(r))) }}
	float64Kind = &kind{class: floats, arrow: arrow.PrimitiveTypes.Float64, sql: "DOUBLE PRECISION", draw: func(r *dice) any { return drawFloat(r) }}
	textKind    = &kind{class: texts, arrow: arrow.BinaryTypes.String, sql: "TEXT", draw: drawText}
	blobKind    = &kind{class: blobs, arrow: arrow.BinaryTypes.Binary, sql: "BYTES", draw: func(r *dice) any { return blob(drawText(r).(string)) }}
	fixedKind   = &kind{class: blobs, arrow: &arrow.FixedSizeBinaryType{ByteWidth: 3}, sql: "BYTES", draw: func(r *dice) any { return blob(pick(r, "abc", "\x00\xff\x80", "zzz")) }}
	dateKind    = &kind{class: days, arrow: arrow.FixedWidthTypes.Date32, sql: "DATE", draw: drawDay, low: firstDay, high: lastDay, lowest: "-4712-01-01", highest: "294276-12-31"}
)

// plainKinds are read by hyperd itself, oddKinds are not.
var (
	plainKinds = []*kind{
		boolKind, int8Kind, int16Kind, int32Kind, int64Kind, uint8Kind, uint16Kind, float32Kind, float64Kind, textKind, textKind, blobKind, dateKind,
		decimalKind(5, 2), decimalKind(9, 0), decimalKind(18, 18), decimalKind(19, 4), decimalKind(38, 3),
		timestampKind(arrow.Millisecond, ""), timestampKind(arrow.Microsecond, ""), timestampKind(arrow.Millisecond, "UTC"), timestampKind(arrow.Microsecond, "UTC"),
		clockKind(arrow.FixedWidthTypes.Time64us, time.Microsecond, ".999999"),
	}
	oddKinds = []*kind{
		nullKind, fixedKind, uint32Kind, uint64Kind, timestampKind(arrow.Nanosecond, ""), timestampKind(arrow.Nanosecond, "UTC"),
		clockKind(arrow.FixedWidthTypes.Time32ms, time.Millisecond, ".999"), clockKind(arrow.FixedWidthTypes.Time64ns, time.Nanosecond, ".999999999"),
	}
)

// appendTo adds a value of a kind to an array.
func appendTo(builder array.Builder, v any) {
	if v == nil {
		builder.AppendNull()
		return
	}
	small := func() int64 { return v.(*big.Rat).Num().Int64() }
	switch b := builder.(type) {
	case *array.BooleanBuilder:
		b.Append(v.(bool))
	case *array.Int8Builder:
		b.Append(int8(small()))
	case *array.Int16Builder:
		b.Append(int16(small()))
	case *array.Int32Builder:
		b.Append(int32(small()))
	case *array.Int64Builder:
		b.Append(small())
	case *array.Uint8Builder:
		b.Append(uint8(small()))
	case *array.Uint16Builder:
		b.Append(uint16(small()))
	case *array.Uint32Builder:
		b.Append(uint32(small()))
	case *array.Uint64Builder:
		b.Append(v.(*big.Rat).Num().Uint64())
	case *array.Float32Builder:
		b.Append(float32(v.(float64)))
	case *array.Float64Builder:
		b.Append(v.(float64))
	case *array.Decimal128Builder:
		one := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(b.Type().(*arrow.Decimal128Type).Scale)), nil)
		b.Append(decimal128.FromBigInt(new(big.Rat).Mul(v.(*big.Rat), new(big.Rat).SetInt(one)).Num()))
	case *array.StringBuilder:
		b.Append(v.(string))
	case *array.BinaryBuilder:
		b.Append([]byte(v.(blob)))
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte(v.(blob)))
	case *array.Date32Builder:
		b.Append(arrow.Date32(v.(day)))
	case *array.Time32Builder:
		b.Append(arrow.Time32(int64(v.(clock)) / int64(b.Type().(*arrow.Time32Type).Unit.Multiplier())))
	case *array.Time64Builder:
		b.Append(arrow.Time64(int64(v.(clock)) / int64(b.Type().(*arrow.Time64Type).Unit.Multiplier())))
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(v.(moment).count(b.Type().(*arrow.TimestampType).Unit.Multiplier())))
	case *array.ListBuilder:
		b.Append(true)
		for _, element := range v.([]any) {
			appendTo(b.ValueBuilder(), element)
		}
	case *array.StructBuilder:
		b.Append(true)
		for i, field := range v.(structure) {
			appendTo(b.FieldBuilder(i), field)
		}
	default:
		panic(fmt.Sprintf("no values for %T", builder))
	}
}

// valueAt is a value of an array.
func valueAt(values arrow.Array, row int) any {
	if values.IsNull(row) || values.DataType().ID() == arrow.NULL {
		return nil
	}
	switch a := values.(type) {
	case *array.Boolean:
		return a.Value(row)
	case *array.List:
		list := []any{}
		start, end := a.ValueOffsets(row)
		for i := start; i < end; i++ {
			list = append(list, valueAt(a.ListValues(), int(i)))
		}
		return list
	case *array.Struct:
		fields := structure{}
		for i := range a.NumField() {
			fields = append(fields, valueAt(a.Field(i), row))
		}
		return fields
	case *array.Float32:
		return float64(a.Value(row))
	case *array.Float64:
		return a.Value(row)
	case *array.Decimal128:
		one := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(a.DataType().(*arrow.Decimal128Type).Scale)), nil)
		return new(big.Rat).SetFrac(a.Value(row).BigInt(), one)
	case *array.String:
		return a.Value(row)
	case *array.Binary:
		return blob(a.Value(row))
	case *array.FixedSizeBinary:
		return blob(a.Value(row))
	case *array.Date32:
		return day(a.Value(row))
	case *array.Time32:
		return clock(int64(a.Value(row)) * int64(a.DataType().(*arrow.Time32Type).Unit.Multiplier()))
	case *array.Time64:
		return clock(int64(a.Value(row)) * int64(a.DataType().(*arrow.Time64Type).Unit.Multiplier()))
	case *array.Timestamp:
		return momentOf(int64(a.Value(row)), a.DataType().(*arrow.TimestampType).Unit.Multiplier())
	}
	return number(values.ValueStr(row)) // integers
}
