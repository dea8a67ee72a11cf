package convert

import (
	"math"
	"slices"
	"time"
	_ "time/tzdata" // workers and Windows may have no time zones of their own

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
)

// toDates converts text, timestamps and instants that are midnight to dates.
func toDates(r request) (kernel, error) {
	bind, err := momentReader(r)
	if err != nil {
		return nil, err
	}
	return toFixed(r.to.arrow, func(values arrow.Array) func(at int) (arrow.Date32, bool) {
		get := bind(values)
		return func(at int) (arrow.Date32, bool) {
			m, ok := get(at)
			return arrow.Date32(m.days), ok && !m.hasOffset && m.nanos == 0 && m.days == int64(int32(m.days))
		}
	}), nil
}

// toTimes converts text to times of day.
func toTimes(r request) (kernel, error) {
	bind, err := momentReader(r)
	if err != nil {
		return nil, err
	}
	return toFixed(r.to.arrow, func(values arrow.Array) func(at int) (arrow.Time64, bool) {
		get := bind(values)
		return func(at int) (arrow.Time64, bool) {
			m, ok := get(at)
			return arrow.Time64(m.nanos / nanosPerMicro), ok
		}
	}), nil
}

// toTimestamps converts to timestamps without zone.
func toTimestamps(r request) (kernel, error) {
	bind, err := momentReader(r)
	if err != nil {
		return nil, err
	}
	return toFixed(r.to.arrow, func(values arrow.Array) func(at int) (arrow.Timestamp, bool) {
		get := bind(values)
		return func(at int) (arrow.Timestamp, bool) {
			m, ok := get(at)
			micros, fits := m.micros()
			return arrow.Timestamp(micros), ok && fits && !m.hasOffset
		}
	}), nil
}

// toInstants converts to instants.
func toInstants(r request) (kernel, error) {
	bind, err := momentReader(r)
	if err != nil {
		return nil, err
	}
	return toFixed(r.to.arrow, func(values arrow.Array) func(at int) (arrow.Timestamp, bool) {
		get := bind(values)
		clock := clock{zone: r.zone}
		return func(at int) (arrow.Timestamp, bool) {
			m, ok := get(at)
			if !ok {
				return 0, false
			}
			if !m.hasOffset {
				if m.offset, ok = clock.offsetAt(m.seconds()); !ok {
					return 0, false
				}
			}
			micros, fits := m.addSeconds(-m.offset).micros()
			return arrow.Timestamp(micros), fits
		}
	}), nil
}

// momentsToText writes dates, times, timestamps and instants.
func momentsToText(r request) (kernel, error) {
	bind, err := momentReader(r)
	if err != nil {
		return nil, err
	}
	write := writeISO[kindOf(r.field)]
	if r.format != nil {
		if err := r.format.checkWriting(kindOf(r.field)); err != nil {
			return nil, formatFailure(r, err)
		}
		write = r.format.appendMoment
	}
	return toBytes(r.to.arrow, func(values arrow.Array) appender {
		get := bind(values)
		return func(dst []byte, at int) ([]byte, bool) {
			m, ok := get(at)
			if !ok {
				return nil, false
			}
			return write(dst, m), true
		}
	}), nil
}

// writeISO is the standard text by kind.
var writeISO = map[kind]func(dst []byte, m moment) []byte{
	date:      func(dst []byte, m moment) []byte { return appendISODate(dst, m.days) },
	timeOfDay: func(dst []byte, m moment) []byte { return appendISOClock(dst, m.nanos) },
	timestamp: appendISO,
	instant:   appendISO,
}

func formatFailure(r request, err error) error {
	return failure.New(failure.Config, "column %q: the format does not suit %s: %w", r.field.Name, r.to.sql, err).
		WithHint("write it like %%Y-%%m-%%d %%H:%%M:%%S.%%f")
}

// reader binds the moments of an array.
type reader func(values arrow.Array) func(at int) (moment, bool)

// momentReader reads the moments of a column. Instants are on the clock of the zone, if one
// was given.
func momentReader(r request) (reader, error) {
	if kindOf(r.field) != text {
		return func(values arrow.Array) func(at int) (moment, bool) {
			get := moments(values)
			if kindOf(r.field) != instant {
				return get
			}
			return onClock(get, &clock{zone: r.zone}, r.to.kind == instant || r.to.kind == text)
		}, nil
	}
	parse := parseISO
	if r.to.kind == timeOfDay {
		parse = parseISOClock
	}
	if r.format != nil {
		if err := r.format.checkReading(r.to.kind, r.zone != nil); err != nil {
			return nil, formatFailure(r, err)
		}
		parse = r.format.parse
	}
	return func(values arrow.Array) func(at int) (moment, bool) {
		get := texts(values)
		return func(at int) (moment, bool) { return parse(get(at)) }
	}, nil
}

// onClock moves instants in UTC to the clock's zone. Whether they keep their offset tells
// instants from local times.
func onClock(get func(at int) (moment, bool), c *clock, keep bool) func(at int) (moment, bool) {
	return func(at int) (moment, bool) {
		m, ok := get(at)
		if c.zone != nil {
			offset := c.offsetIn(m.seconds())
			m = m.addSeconds(offset)
			m.offset = offset
		}
		m.hasOffset = keep
		return m, ok
	}
}

// moments reads an array of dates, times or timestamps. It is false for a time of day that
// is not within the day.
func moments(values arrow.Array) func(at int) (moment, bool) {
	data := values.Data()
	switch t := values.DataType().(type) {
	case *arrow.Date32Type:
		v := arrow.GetValues[arrow.Date32](data, 1)
		return func(at int) (moment, bool) { return moment{days: int64(v[at])}, true }
	case *arrow.Date64Type:
		v := arrow.GetValues[arrow.Date64](data, 1)
		return func(at int) (moment, bool) {
			return moment{days: momentOf(int64(v[at]), time.Millisecond.Nanoseconds()).days}, true
		}
	case *arrow.Time32Type:
		v, unit := arrow.GetValues[arrow.Time32](data, 1), t.Unit.Multiplier().Nanoseconds()
		return func(at int) (moment, bool) { return withinDay(momentOf(int64(v[at]), unit)) }
	case *arrow.Time64Type:
		v, unit := arrow.GetValues[arrow.Time64](data, 1), t.Unit.Multiplier().Nanoseconds()
		return func(at int) (moment, bool) { return withinDay(momentOf(int64(v[at]), unit)) }
	default:
		unit := time.Microsecond.Nanoseconds()
		if t, ok := t.(*arrow.TimestampType); ok {
			unit = t.Unit.Multiplier().Nanoseconds()
		}
		v := arrow.GetValues[arrow.Timestamp](data, 1)
		return func(at int) (moment, bool) { return momentOf(int64(v[at]), unit), true }
	}
}

func withinDay(m moment) (moment, bool) { return m, m.days == 0 }

// clock knows the offsets of a zone, and remembers the latest one. Not safe for concurrent
// use.
type clock struct {
	zone         *time.Location // nil: there are no local times
	from, before int64          // in seconds since 1970-01-01T00:00:00Z: when the offset applies
	offset       int64
}

// offsetIn is the offset at an instant.
func (c *clock) offsetIn(instant int64) int64 {
	if instant >= c.from && instant < c.before {
		return c.offset
	}
	t := time.Unix(instant, 0).In(c.zone)
	_, offset := t.Zone()
	start, end := t.ZoneBounds()
	c.offset, c.from, c.before = int64(offset), math.MinInt64, math.MaxInt64
	if !start.IsZero() {
		c.from = start.Unix()
	}
	if !end.IsZero() {
		c.before = end.Unix()
	}
	if instant < c.from || instant >= c.before { // in the far future, ZoneBounds forgets the last day of leap years
		day, _ := floorDiv(instant, secondsPerDay)
		c.from, c.before = day*secondsPerDay, (day+1)*secondsPerDay
	}
	return c.offset
}

// offsetAt is the offset at a local time. It is false if the clocks never showed that time,
// or showed it twice.
func (c *clock) offsetAt(local int64) (offset int64, ok bool) {
	if c.zone == nil {
		return 0, false
	}
	const most = secondsPerDay // that clocks differ from UTC
	if local-most >= c.from && local+most < c.before {
		return c.offset, true
	}
	found := 0
	var tried []int64
	for _, instant := range []int64{local - most, local, local + most} { // one of which is before and one after a change
		candidate := c.offsetIn(instant)
		if slices.Contains(tried, candidate) {
			continue
		}
		tried = append(tried, candidate)
		if c.offsetIn(local-candidate) == candidate {
			offset, found = candidate, found+1
		}
	}
	return offset, found == 1
}
