package convert

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// layout is a format of dates and times, as the package comment describes it.
type layout struct {
	steps []step
}

// step is one piece of a layout: a literal or a verb.
type step struct {
	literal string
	verb    byte // 0 for a literal
	bare    bool // without leading zeros
}

const verbs = "YymbBdjaAHIpMSfz"

// parseLayout reads a format.
func parseLayout(format string) (layout, error) {
	format = strings.NewReplacer("%%", "%%", "%F", "%Y-%m-%d", "%T", "%H:%M:%S").Replace(format)
	var l layout
	for format != "" {
		literal, rest, found := strings.Cut(format, "%")
		if literal != "" {
			l.steps = append(l.steps, step{literal: literal})
		}
		if !found {
			break
		}
		bare := strings.HasPrefix(rest, "-")
		rest = strings.TrimPrefix(rest, "-")
		switch {
		case rest == "":
			return layout{}, errors.New("nothing follows the last %")
		case rest[0] == '%':
			l.steps = append(l.steps, step{literal: "%"})
		case strings.IndexByte(verbs, rest[0]) < 0:
			return layout{}, fmt.Errorf("%%%c is not known", rest[0])
		default:
			l.steps = append(l.steps, step{verb: rest[0], bare: bare})
		}
		format = rest[1:]
	}
	if len(l.steps) == 0 {
		return layout{}, errors.New("it is empty")
	}
	return l, nil
}

func (l layout) has(anyOf string) bool {
	return slices.ContainsFunc(l.steps, func(s step) bool { return s.verb != 0 && strings.IndexByte(anyOf, s.verb) >= 0 })
}

const (
	dateVerbs  = "YymbBdjaA"
	clockVerbs = "HIpMSf"
)

// checkReading says why text in the layout does not make values of a kind.
func (l layout) checkReading(to kind, hasZone bool) error {
	for i, s := range l.steps {
		if s.verb != 0 && slices.ContainsFunc(l.steps[:i], func(other step) bool { return other.verb == s.verb }) {
			return fmt.Errorf("%%%c stands there twice", s.verb)
		}
	}
	isDate := l.has("Yy") && (l.has("mbB") && l.has("d") || l.has("j"))
	isClock := (l.has("H") || l.has("I") && l.has("p")) && (l.has("M") || !l.has("Sf")) && (l.has("S") || !l.has("f"))
	switch {
	case l.has("j") && l.has("mbBd"):
		return errors.New("it has the day of the year (%j) and the month or the day")
	case to == timeOfDay && l.has(dateVerbs+"z"):
		return errors.New("a time of day has no date and no offset")
	case to == timeOfDay && !isClock, l.has(clockVerbs) && !isClock:
		return errors.New("it lacks the hour (%H, or %I with %p), or a unit between two others")
	case to != timeOfDay && !isDate:
		return errors.New("it lacks the year, the month or the day (%Y, %m, %d)")
	case to != instant && l.has("z"):
		return errors.New("it has an offset (%z): ask for timestamptz")
	case to == instant && !l.has("z") && !hasZone:
		return errors.New("it has no offset (%z): say with timezone which zone's local times these are")
	}
	return nil
}

// checkWriting says why values of a kind do not have what the layout writes.
func (l layout) checkWriting(from kind) error {
	switch {
	case from == timeOfDay && l.has(dateVerbs):
		return errors.New("a time of day has no date")
	case from == date && l.has(clockVerbs):
		return errors.New("a date has no time of day")
	case from != instant && l.has("z"):
		return errors.New("only a timestamptz has an offset (%z)")
	}
	return nil
}

// appendMoment writes a moment in the layout.
func (l layout) appendMoment(dst []byte, m moment) []byte {
	for _, s := range l.steps {
		if s.verb == 0 {
			dst = append(dst, s.literal...)
		} else {
			dst = s.appendVerb(dst, m)
		}
	}
	return dst
}

func (s step) appendVerb(dst []byte, m moment) []byte {
	year, month, day := dateOf(m.days)
	seconds := m.nanos / nanosPerSec
	hour := seconds / 3600
	switch s.verb {
	case 'Y':
		if year < 0 {
			dst, year = append(dst, '-'), -year
		}
		return s.appendNumber(dst, year, 4)
	case 'y':
		_, inCentury := floorDiv(year, 100)
		return s.appendNumber(dst, inCentury, 2)
	case 'm':
		return s.appendNumber(dst, month, 2)
	case 'b':
		return append(dst, months[month-1][:shortName]...)
	case 'B':
		return append(dst, months[month-1]...)
	case 'd':
		return s.appendNumber(dst, day, 2)
	case 'j':
		return s.appendNumber(dst, dayOfYear(m.days), 3)
	case 'a':
		return append(dst, weekdays[weekdayOf(m.days)][:shortName]...)
	case 'A':
		return append(dst, weekdays[weekdayOf(m.days)]...)
	case 'H':
		return s.appendNumber(dst, hour, 2)
	case 'I':
		return s.appendNumber(dst, (hour+11)%12+1, 2)
	case 'p':
		return append(dst, halves[hour/12]...)
	case 'M':
		return s.appendNumber(dst, seconds/60%60, 2)
	case 'S':
		return s.appendNumber(dst, seconds%60, 2)
	case 'f':
		return appendFraction(dst, m.nanos%nanosPerSec)
	default: // z
		return appendOffset(dst, m.offset, "")
	}
}

func (s step) appendNumber(dst []byte, n int64, digits int) []byte {
	if s.bare {
		digits = 1
	}
	return appendPadded(dst, n, digits)
}

func appendFraction(dst []byte, nanos int64) []byte {
	if nanos%nanosPerMicro == 0 {
		return appendPadded(dst, nanos/nanosPerMicro, 6)
	}
	return appendPadded(dst, nanos, 9)
}

func dayOfYear(days int64) int64 {
	year, _, _ := dateOf(days)
	return days - daysTo(year, 1, 1) + 1
}
