package convert

// scanner reads dates and times from text, piece by piece. A piece that is not there makes
// it fail for good.
type scanner struct {
	text   string
	at     int
	failed bool
}

// done says whether all of the text was read.
func (s *scanner) done() bool { return !s.failed && s.at == len(s.text) }

func (s *scanner) peek() byte {
	if s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

// skip reads the byte if it comes next.
func (s *scanner) skip(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// literal reads exactly the text.
func (s *scanner) literal(want string) {
	if len(s.text)-s.at < len(want) || s.text[s.at:s.at+len(want)] != want {
		s.failed = true
		return
	}
	s.at += len(want)
}

// number reads the digits that come next: not fewer than least, and at most most.
func (s *scanner) number(least, most int) int64 {
	var n int64
	start := s.at
	for s.at < len(s.text) && s.at-start < most && s.text[s.at]-'0' <= 9 {
		n = n*10 + int64(s.text[s.at]-'0')
		s.at++
	}
	if s.at-start < least {
		s.failed = true
	}
	return n
}

// fraction reads up to nine digits after a point as nanoseconds.
func (s *scanner) fraction() int64 {
	start := s.at
	n := s.number(1, 9)
	for digits := s.at - start; digits < 9; digits++ {
		n *= 10
	}
	return n
}

// isoDate reads 2026-01-31; the year may have a sign and up to six digits.
func (s *scanner) isoDate() (days int64) {
	negative := s.peek() == '-'
	if negative || s.peek() == '+' {
		s.at++
	}
	year := s.number(4, 6)
	if negative {
		year = -year
	}
	s.literal("-")
	month := s.number(2, 2)
	s.literal("-")
	day := s.number(2, 2)
	days, ok := daysOf(year, month, day)
	s.failed = s.failed || !ok
	return days
}

// isoClock reads 12:30, 12:30:00 or 12:30:00.25 as nanoseconds since midnight.
func (s *scanner) isoClock() int64 {
	hour := s.number(2, 2)
	s.literal(":")
	minute := s.number(2, 2)
	var second, nanos int64
	if s.skip(':') {
		second = s.number(2, 2)
		if s.skip('.') {
			nanos = s.fraction()
		}
	}
	nanos, ok := clockNanos(hour, minute, second, nanos)
	s.failed = s.failed || !ok
	return nanos
}

// offset reads Z, +01, +0100, +01:00 or +01:00:00 as seconds.
func (s *scanner) offset() int64 {
	if s.skip('Z') || s.skip('z') {
		return 0
	}
	negative := s.skip('-')
	if !negative && !s.skip('+') {
		s.failed = true
		return 0
	}
	seconds := s.number(2, 2) * 3600
	for _, unit := range []int64{60, 1} {
		colon := s.skip(':')
		if !colon && s.peek()-'0' > 9 {
			break
		}
		n := s.number(2, 2)
		s.failed = s.failed || n > 59
		seconds += n * unit
	}
	s.failed = s.failed || seconds >= secondsPerDay
	if negative {
		return -seconds
	}
	return seconds
}

// parseISO reads a date, with or without a time of day and an offset.
func parseISO(text string) (moment, bool) {
	s := scanner{text: text}
	m := moment{days: s.isoDate()}
	if s.skip('T') || s.skip(' ') || s.skip('t') {
		m.nanos = s.isoClock()
		if !s.failed && s.at < len(text) {
			m.offset, m.hasOffset = s.offset(), true
		}
	}
	return m, s.done()
}

// parseISOClock reads a time of day.
func parseISOClock(text string) (moment, bool) {
	s := scanner{text: text}
	m := moment{nanos: s.isoClock()}
	return m, s.done()
}
