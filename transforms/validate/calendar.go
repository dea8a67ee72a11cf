package validate

import (
	"math/big"
	"regexp"
	"strconv"
)

const (
	datePart  = `([+-]?[0-9]{4,7})-([0-9]{2})-([0-9]{2})`
	clockPart = `([0-9]{2}):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]+)?))?`
	zonePart  = `(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2})?)?`
)

var (
	datePattern      = regexp.MustCompile(`^` + datePart + `$`)
	timestampPattern = regexp.MustCompile(`^` + datePart + `(?:[Tt ]` + clockPart + zonePart + `)?$`)
	clockPattern     = regexp.MustCompile(`^` + clockPart + `$`)
	durationPattern  = regexp.MustCompile(`^([+-]?)((?:[0-9]+(?:\.[0-9]+)?(?:h|ms|m|s|us|µs|ns))+)$`)
	durationTerm     = regexp.MustCompile(`([0-9.]+)([a-zµ]+)`)
)

// The standard library's time package is no help here: it reads neither years of more than
// four digits nor negative ones, and hyperd stores -4712 to 294247.

// parseDate reads an ISO 8601 date of the proleptic Gregorian calendar (year 0 is 1 BC) as
// days since 1970-01-01.
func parseDate(text string) (*big.Rat, bool) {
	found := datePattern.FindStringSubmatch(text)
	if found == nil {
		return nil, false
	}
	days, ok := epochDays(found[1], found[2], found[3])
	return new(big.Rat).SetInt64(days), ok
}

// parseInstant reads a date or a timestamp as seconds since 1970-01-01T00:00:00Z. Without
// an offset it is read as UTC.
func parseInstant(text string) (*big.Rat, bool) {
	found := timestampPattern.FindStringSubmatch(text)
	if found == nil {
		return nil, false
	}
	days, ok := epochDays(found[1], found[2], found[3])
	if !ok {
		return nil, false
	}
	instant := new(big.Rat).SetInt64(days * secondsPerDay)
	if found[4] != "" {
		clock, ok := clockSeconds(found[4], found[5], found[6])
		if !ok {
			return nil, false
		}
		instant.Add(instant, clock)
	}
	offset, ok := offsetSeconds(found[8], found[9], found[10])
	return instant.Sub(instant, new(big.Rat).SetInt64(offset)), ok
}

// parseLocal reads a timestamp that must not have an offset.
func parseLocal(text string) (*big.Rat, bool) {
	found := timestampPattern.FindStringSubmatch(text)
	if found == nil || found[7] != "" || found[8] != "" {
		return nil, false
	}
	return parseInstant(text)
}

// parseClock reads a time of day as seconds since midnight.
func parseClock(text string) (*big.Rat, bool) {
	found := clockPattern.FindStringSubmatch(text)
	if found == nil {
		return nil, false
	}
	return clockSeconds(found[1], found[2], found[3])
}

// parseDuration reads a duration such as 1h30m or -0.5s as seconds.
func parseDuration(text string) (*big.Rat, bool) {
	found := durationPattern.FindStringSubmatch(text)
	if found == nil {
		return nil, false
	}
	total := new(big.Rat)
	for _, term := range durationTerm.FindAllStringSubmatch(found[2], -1) {
		n, ok := new(big.Rat).SetString(term[1])
		if !ok {
			return nil, false
		}
		total.Add(total, n.Mul(n, durationUnit(term[2])))
	}
	if found[1] == "-" {
		total.Neg(total)
	}
	return total, true
}

func durationUnit(name string) *big.Rat {
	switch name {
	case "h":
		return big.NewRat(3600, 1)
	case "m":
		return big.NewRat(60, 1)
	case "s":
		return big.NewRat(1, 1)
	case "ms":
		return big.NewRat(1, 1e3)
	case "ns":
		return big.NewRat(1, 1e9)
	default: // us, µs
		return big.NewRat(1, 1e6)
	}
}

const secondsPerDay = 24 * 60 * 60

// epochDays counts the days from 1970-01-01 to a date, by way of a calendar whose years
// begin in March, so that the leap day comes last.
func epochDays(yearText, monthText, dayText string) (days int64, ok bool) {
	year, month, day := integer(yearText), integer(monthText), integer(dayText)
	if month < 1 || month > 12 || day < 1 || day > monthDays(year, month) {
		return 0, false
	}
	month -= 3
	if month < 0 {
		year, month = year-1, month+12
	}
	const cycle = 400 // years, after which the calendar repeats
	era := year / cycle
	if year%cycle < 0 {
		era--
	}
	year -= era * cycle
	dayOfYear := (153*month+2)/5 + day - 1
	const daysPerCycle, fromMarchOfYear0 = 146097, 719468
	return era*daysPerCycle + year*365 + year/4 - year/100 + dayOfYear - fromMarchOfYear0, true
}

func monthDays(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	default:
		return 31
	}
}

// clockSeconds takes the seconds as "" or with a fraction of any length.
func clockSeconds(hours, minutes, seconds string) (*big.Rat, bool) {
	h, m := integer(hours), integer(minutes)
	s := new(big.Rat)
	if seconds != "" {
		if _, ok := s.SetString(seconds); !ok {
			return nil, false
		}
	}
	if h > 23 || m > 59 || s.Cmp(big.NewRat(60, 1)) >= 0 {
		return nil, false
	}
	return s.Add(s, new(big.Rat).SetInt64(h*3600+m*60)), true
}

func offsetSeconds(sign, hours, minutes string) (int64, bool) {
	h, m := integer(hours), integer(minutes)
	if h > 23 || m > 59 {
		return 0, false
	}
	seconds := h*3600 + m*60
	if sign == "-" {
		seconds = -seconds
	}
	return seconds, true
}

// integer reads what a pattern found: a few digits with an optional sign, or nothing.
func integer(digits string) int64 {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
