package convert

import (
	"math"
	"strconv"
)

const (
	secondsPerDay = 24 * 60 * 60
	nanosPerMicro = int64(1e3)
	nanosPerSec   = int64(1e9)
	microsPerDay  = secondsPerDay * int64(1e6)
	nanosPerDay   = secondsPerDay * nanosPerSec
)

// moment is a point on the calendar or the clock, or both.
type moment struct {
	days      int64 // since 1970-01-01 in the proleptic Gregorian calendar
	nanos     int64 // since midnight, less than a day
	offset    int64 // from UTC in seconds
	hasOffset bool  // offset is known; without it, days and nanos are local
}

// micros counts microseconds since 1970-01-01T00:00:00, of the clock that the moment is on.
// It is false if there are more than fit into 64 bits.
func (m moment) micros() (int64, bool) {
	const lastDay = math.MaxInt64 / microsPerDay
	if m.days > lastDay || m.days < -lastDay {
		return 0, false
	}
	midnight := m.days * microsPerDay
	micros := midnight + m.nanos/nanosPerMicro
	return micros, micros >= midnight
}

// momentOf is the moment so many units after 1970-01-01T00:00:00.
func momentOf(count, unitNanos int64) moment {
	unitsPerDay := nanosPerDay / unitNanos
	days, rest := floorDiv(count, unitsPerDay)
	return moment{days: days, nanos: rest * unitNanos}
}

// addSeconds moves a moment.
func (m moment) addSeconds(seconds int64) moment {
	days, rest := floorDiv(m.nanos/nanosPerSec+seconds, secondsPerDay)
	m.days += days
	m.nanos = rest*nanosPerSec + m.nanos%nanosPerSec
	return m
}

// seconds counts whole seconds since 1970-01-01T00:00:00, of the clock that the moment is on.
func (m moment) seconds() int64 { return m.days*secondsPerDay + m.nanos/nanosPerSec }

// floorDiv divides so that the rest is not negative. The divisor is positive.
func floorDiv(n, divisor int64) (quotient, rest int64) {
	quotient, rest = n/divisor, n%divisor
	if rest < 0 {
		return quotient - 1, rest + divisor
	}
	return quotient, rest
}

const (
	minYear, maxYear = -4712, 294276 // that hyperd stores

	yearsPerCycle    = 400 // after which the calendar repeats
	daysPerCycle     = 146097
	fromMarchOfYear0 = 719468 // days to 1970-01-01
)

// daysOf counts the days from 1970-01-01 to a date, if there is such a date.
func daysOf(year, month, day int64) (days int64, ok bool) {
	if year < minYear || year > maxYear || month < 1 || month > 12 || day < 1 || day > monthDays(year, month) {
		return 0, false
	}
	return daysTo(year, month, day), true
}

// daysTo counts the days from 1970-01-01 by way of a calendar whose years begin in March, so
// that the leap day comes last.
func daysTo(year, month, day int64) int64 {
	if month -= 3; month < 0 {
		year, month = year-1, month+12
	}
	cycle, year := floorDiv(year, yearsPerCycle)
	dayOfYear := (153*month+2)/5 + day - 1
	return cycle*daysPerCycle + year*365 + year/4 - year/100 + dayOfYear - fromMarchOfYear0
}

// dateOf is the date that is so many days from 1970-01-01: daysTo backwards.
func dateOf(days int64) (year, month, day int64) {
	cycle, dayOfCycle := floorDiv(days+fromMarchOfYear0, daysPerCycle)
	year = (dayOfCycle - dayOfCycle/1460 + dayOfCycle/36524 - dayOfCycle/146096) / 365
	dayOfYear := dayOfCycle - (365*year + year/4 - year/100)
	month = (5*dayOfYear + 2) / 153
	day = dayOfYear - (153*month+2)/5 + 1
	year += cycle * yearsPerCycle
	if month += 3; month > 12 {
		return year + 1, month - 12, day
	}
	return year, month, day
}

func monthDays(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if isLeap(year) {
			return 29
		}
		return 28
	}
	return 31
}

func isLeap(year int64) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// clockNanos is the time of day; a leap second is none.
func clockNanos(hour, minute, second, nanos int64) (int64, bool) {
	ok := hour < 24 && minute < 60 && second < 60
	return (hour*3600+minute*60+second)*nanosPerSec + nanos, ok
}

// appendISODate appends 2026-01-31. Years of more than four digits are written in full,
// those before year 0 with a sign.
func appendISODate(dst []byte, days int64) []byte {
	year, month, day := dateOf(days)
	if year < 0 {
		dst, year = append(dst, '-'), -year
	}
	dst = append(appendPadded(dst, year, 4), '-')
	dst = append(appendPadded(dst, month, 2), '-')
	return appendPadded(dst, day, 2)
}

// appendISOClock appends 12:30:00.25, with as many digits after the point as are needed.
func appendISOClock(dst []byte, nanos int64) []byte {
	seconds, rest := nanos/nanosPerSec, nanos%nanosPerSec
	dst = append(appendPadded(dst, seconds/3600, 2), ':')
	dst = append(appendPadded(dst, seconds/60%60, 2), ':')
	dst = appendPadded(dst, seconds%60, 2)
	if rest == 0 {
		return dst
	}
	dst = appendPadded(append(dst, '.'), rest, 9)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendISO appends a date and a time, with Z or the offset if there is one.
func appendISO(dst []byte, m moment) []byte {
	dst = append(appendISODate(dst, m.days), 'T')
	dst = appendISOClock(dst, m.nanos)
	switch {
	case !m.hasOffset:
		return dst
	case m.offset == 0:
		return append(dst, 'Z')
	}
	return appendOffset(dst, m.offset, ":")
}

// appendOffset appends +01:00 with the separator; seconds only where there are some.
func appendOffset(dst []byte, offset int64, separator string) []byte {
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	dst = append(appendPadded(append(dst, sign), offset/3600, 2), separator...)
	dst = appendPadded(dst, offset/60%60, 2)
	if seconds := offset % 60; seconds != 0 {
		dst = appendPadded(append(dst, separator...), seconds, 2)
	}
	return dst
}

// appendPadded appends a number, which is not negative, with at least so many digits.
func appendPadded(dst []byte, n int64, digits int) []byte {
	for limit := int64(10); digits > 1; digits-- {
		if n < limit {
			dst = append(dst, "000000000"[:digits-1]...)
			break
		}
		limit *= 10
	}
	return strconv.AppendInt(dst, n, 10)
}
