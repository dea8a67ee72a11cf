package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hyperlake/internal/words"
)

// Span is a length of time by the calendar. The zero Span is none.
type Span struct {
	Months, Days int
	Time         time.Duration // hours and less
}

// spanPattern matches a number of days or more, as users write it, and what follows.
var spanPattern = regexp.MustCompile(`^([0-9]{1,7}) ?(d|days?|w|weeks?|months?|y|years?)([ 0-9].*)?$`)

// hoursPattern matches hours in full.
var hoursPattern = regexp.MustCompile(`^([0-9]{1,6}) ?hours?$`)

// UnmarshalText reads a span as a configuration gives it: 36h, 1h30m, 30d, 7d12h, 8 weeks, 36 months, 2 years.
func (s *Span) UnmarshalText(text []byte) error {
	read, ok := readSpan(string(text))
	if !ok || read.IsZero() {
		return fmt.Errorf("must be a span of time such as 36h, 7d or 36 months, not %s", words.Shorten(string(text)))
	}
	*s = read
	return nil
}

// readSpan reads a span, which may be zero.
func readSpan(text string) (span Span, ok bool) {
	if found := hoursPattern.FindStringSubmatch(text); found != nil {
		text = found[1] + "h"
	}
	if found := spanPattern.FindStringSubmatch(text); found != nil {
		n, err := strconv.Atoi(found[1])
		if err != nil {
			return Span{}, false
		}
		switch found[2][0] {
		case 'd':
			span.Days = n
		case 'w':
			span.Days = 7 * n
		case 'm':
			span.Months = n
		default:
			span.Months = 12 * n
		}
		if text = found[3]; text == "" {
			return span, true
		}
		if text[0] == ' ' {
			text = text[1:]
		}
	}
	rest, err := time.ParseDuration(text)
	span.Time = rest
	return span, err == nil && rest >= 0
}

// MarshalText is the shortest way to write the span.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is the span as a configuration has it; empty for none.
func (s Span) String() string {
	switch {
	case s.Months == 1:
		return strings.TrimSpace("1 month " + shortTime(s.Time))
	case s.Months > 0:
		return strings.TrimSpace(fmt.Sprintf("%d months %s", s.Months, shortTime(s.Time)))
	case s.Days > 0:
		return fmt.Sprintf("%dd%s", s.Days, shortTime(s.Time))
	}
	return shortTime(s.Time)
}

// shortTime writes hours, minutes, and what is left, without those that are 0.
func shortTime(span time.Duration) string {
	text := ""
	for _, unit := range []struct {
		span time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}} {
		if n := span / unit.span; n > 0 {
			text += fmt.Sprintf("%d%s", n, unit.name)
			span -= n * unit.span
		}
	}
	if span > 0 {
		text += span.String()
	}
	return text
}

// IsZero says whether it is no span.
func (s Span) IsZero() bool { return s == Span{} }

// Before is the moment that is as long before another. Months are counted by the calendar; a day that the month does not have is
// its last one.
func (s Span) Before(t time.Time) time.Time {
	t = t.Add(-s.Time).AddDate(0, 0, -s.Days)
	if s.Months == 0 {
		return t
	}
	first := time.Date(t.Year(), t.Month()-time.Month(s.Months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

// Until is how long the span is that ends at a moment; no longer than a [time.Duration] can be.
func (s Span) Until(t time.Time) time.Duration { return t.Sub(s.Before(t)) }
