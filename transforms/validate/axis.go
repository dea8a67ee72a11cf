package validate

import (
	"math/big"

	"github.com/apache/arrow/go/v17/arrow"
)

// axis places literals on the number line of what a column stores: integers count units,
// such as cents, days or microseconds.
type axis struct {
	wanted string // what a literal looks like, for messages
	parse  func(text string) (*big.Rat, bool)
	units  *big.Rat // of the column, in one of the literal
	extent int64    // units that a literal covers after its first
}

// axisOf is the axis of a type whose values have an order and can be written in a rule.
func axisOf(t arrow.DataType) (axis, bool) {
	switch t := t.(type) {
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type,
		*arrow.Uint8Type, *arrow.Uint16Type, *arrow.Uint32Type, *arrow.Uint64Type,
		*arrow.Float16Type, *arrow.Float32Type, *arrow.Float64Type:
		return axis{wanted: "a number such as 0.5", parse: parseNumber, units: big.NewRat(1, 1)}, true
	case arrow.DecimalType:
		return axis{wanted: "a number such as 0.5", parse: parseNumber, units: powerOfTen(t.GetScale())}, true
	case *arrow.Date32Type:
		return axis{wanted: "a date such as 2026-01-31", parse: parseDate, units: big.NewRat(1, 1)}, true
	case *arrow.Date64Type: // milliseconds; those within a day are the same date
		return axis{wanted: "a date such as 2026-01-31", parse: parseDate,
			units: big.NewRat(secondsPerDay*1000, 1), extent: secondsPerDay*1000 - 1}, true
	case *arrow.TimestampType:
		if t.TimeZone != "" {
			return axis{wanted: "a timestamp such as 2026-01-31T12:00:00Z or 2026-01-31T13:00:00+01:00",
				parse: parseInstant, units: unitsPerSecond(t.Unit)}, true
		}
		return axis{wanted: "a timestamp without offset, such as 2026-01-31T12:00:00: the column has no time zone",
			parse: parseLocal, units: unitsPerSecond(t.Unit)}, true
	case *arrow.Time32Type:
		return axis{wanted: "a time of day such as 12:30:00", parse: parseClock, units: unitsPerSecond(t.Unit)}, true
	case *arrow.Time64Type:
		return axis{wanted: "a time of day such as 12:30:00", parse: parseClock, units: unitsPerSecond(t.Unit)}, true
	case *arrow.DurationType:
		return axis{wanted: "a duration with its unit, such as 90s or 1h30m", parse: parseDuration, units: unitsPerSecond(t.Unit)}, true
	default:
		return axis{}, false
	}
}

// place is the point of the line where a literal stands.
func (a axis) place(l Literal) (*big.Rat, bool) {
	r, ok := a.parse(l.Text)
	if !ok {
		return nil, false
	}
	return r.Mul(r, a.units), true
}

func powerOfTen(exponent int32) *big.Rat {
	magnitude := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(int64(exponent), -int64(exponent))), nil)
	r := new(big.Rat).SetInt(magnitude)
	if exponent < 0 {
		r.Inv(r)
	}
	return r
}

func unitsPerSecond(unit arrow.TimeUnit) *big.Rat {
	return new(big.Rat).SetInt64(1e9 / unit.Multiplier().Nanoseconds())
}
