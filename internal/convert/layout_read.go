package convert

import "strings"

// reading is what was found so far.
type reading struct {
	year, month, day, dayOfYear  int64
	weekday                      int64 // from Sunday, 0; -1 if not given
	hour, minute, second, nanos  int64
	isTwelve, isAfternoon, isDay bool // %I; PM; the day of the year is given
	offset                       int64
}

// parse reads text that is wholly in the layout.
func (l layout) parse(text string) (moment, bool) {
	s := scanner{text: text}
	r := reading{month: 1, day: 1, weekday: -1}
	hasYear := false
	for _, step := range l.steps {
		hasYear = hasYear || step.verb == 'Y' || step.verb == 'y'
		if step.verb == 0 {
			s.literal(step.literal)
		} else {
			r.read(&s, step.verb)
		}
	}
	m, ok := r.moment(hasYear)
	m.hasOffset = l.has("z")
	return m, ok && s.done()
}

func (r *reading) read(s *scanner, verb byte) {
	switch verb {
	case 'Y':
		r.year = s.number(4, 4)
	case 'y':
		if r.year = 1900 + s.number(2, 2); r.year < 1969 {
			r.year += 100
		}
	case 'm':
		r.month = s.number(1, 2)
	case 'b', 'B':
		r.month = s.name(months[:], verb == 'b') + 1
	case 'd':
		r.day = s.number(1, 2)
	case 'j':
		r.dayOfYear, r.isDay = s.number(1, 3), true
	case 'a', 'A':
		r.weekday = s.name(weekdays[:], verb == 'a')
	case 'H':
		r.hour = s.number(1, 2)
	case 'I':
		r.hour, r.isTwelve = s.number(1, 2), true
	case 'p':
		r.isAfternoon = s.name(halves[:], false) == 1
	case 'M':
		r.minute = s.number(1, 2)
	case 'S':
		r.second = s.number(1, 2)
	case 'f':
		r.nanos = s.fraction()
	case 'z':
		r.offset = s.offset()
	}
}

// moment puts together what was read.
func (r *reading) moment(hasDate bool) (moment, bool) {
	if r.isTwelve {
		if r.hour < 1 || r.hour > 12 {
			return moment{}, false
		}
		r.hour %= 12
		if r.isAfternoon {
			r.hour += 12
		}
	}
	nanos, ok := clockNanos(r.hour, r.minute, r.second, r.nanos)
	m := moment{nanos: nanos, offset: r.offset}
	if !ok || !hasDate {
		return m, ok
	}
	if m.days, ok = daysOf(r.year, r.month, r.day); !ok {
		return moment{}, false
	}
	if r.isDay {
		m.days, ok = r.onDayOfYear()
	}
	return m, ok && (r.weekday < 0 || r.weekday == weekdayOf(m.days))
}

// onDayOfYear is the date on the day of the year.
func (r *reading) onDayOfYear() (int64, bool) {
	days := daysTo(r.year, 1, 1) + r.dayOfYear - 1
	year, _, _ := dateOf(days)
	return days, year == r.year
}

func weekdayOf(days int64) int64 {
	const thursday = 4 // 1970-01-01
	_, weekday := floorDiv(days+thursday, 7)
	return weekday
}

var (
	months = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
		"November", "December"}
	weekdays = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
	halves   = [...]string{"AM", "PM"}
)

const shortName = 3 // letters of a month or a day of the week that is abbreviated

// name reads one of the names in any case and says which.
func (s *scanner) name(names []string, short bool) int64 {
	for i, name := range names {
		if short {
			name = name[:shortName]
		}
		if rest := s.text[s.at:]; len(rest) >= len(name) && strings.EqualFold(rest[:len(name)], name) {
			s.at += len(name)
			return int64(i)
		}
	}
	s.failed = true
	return 0
}
