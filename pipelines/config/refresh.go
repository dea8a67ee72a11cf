package config

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"hyperlake/internal/words"
)

// RefreshConfig is how much of an extract a run makes anew.
type RefreshConfig struct {
	// Mode is full (the default): all of it. Or changed: only the units that changed since the last success.
	Mode RefreshMode `yaml:"mode"`

	// FullEvery is how old the last full build may be, by the dates of runs: an older one is repeated. 0 (the default): any age.
	FullEvery Span `yaml:"full_every"`

	// RewriteOver is by which part an extract may grow larger than a full build made it, for its rows, before it is written
	// anew. Default: 0.25.
	RewriteOver Ratio `yaml:"rewrite_over"`
}

// IsChanged says whether only what changed is made anew.
func (r RefreshConfig) IsChanged() bool { return r.Mode == RefreshChanged }

// RefreshMode says how much of an extract a run makes anew.
type RefreshMode string

// The modes.
const (
	RefreshFull    RefreshMode = "full"
	RefreshChanged RefreshMode = "changed"
)

// defaultRewriteOver is the default of [RefreshConfig.RewriteOver].
const defaultRewriteOver = 0.25

// UnmarshalText reads the word as a configuration gives it.
func (m *RefreshMode) UnmarshalText(text []byte) error {
	return words.OneOf(m, text, RefreshFull, RefreshChanged)
}

// Span is a length of time by the calendar: hours, or days and longer. The zero Span is none.
type Span struct {
	Hours, Days, Months int // one of which is not 0
}

// spanPattern matches a number with its unit, as users write it.
var spanPattern = regexp.MustCompile(`^([0-9]{1,5}) ?(h|hours?|d|days?|w|weeks?|months?|y|years?)$`)

// UnmarshalText reads a span as a configuration gives it: 36h, 30d, 8 weeks, 36 months, 2 years.
func (s *Span) UnmarshalText(text []byte) error {
	found := spanPattern.FindSubmatch(text)
	if found == nil {
		return fmt.Errorf("must be a number of hours, days, weeks, months or years, such as 36h, 30d or 36 months, not %s", words.Shorten(string(text)))
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil || n == 0 {
		return fmt.Errorf("must be more than nothing, not %s", words.Shorten(string(text)))
	}
	*s = Span{}
	switch found[2][0] {
	case 'h':
		s.Hours = n
	case 'd':
		s.Days = n
	case 'w':
		s.Days = 7 * n
	case 'm':
		s.Months = n
	default:
		s.Months = 12 * n
	}
	return nil
}

// MarshalText is the shortest way to write the span.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is the span as a configuration has it; empty for none.
func (s Span) String() string {
	switch {
	case s.Hours > 0:
		return fmt.Sprintf("%dh", s.Hours)
	case s.Days > 0:
		return fmt.Sprintf("%dd", s.Days)
	case s.Months > 0:
		return fmt.Sprintf("%d months", s.Months)
	}
	return ""
}

// IsZero says whether it is no span.
func (s Span) IsZero() bool { return s == Span{} }

// Before is the moment that is as long before another. Months are counted by the calendar; a day that the month does not have is
// its last one.
func (s Span) Before(t time.Time) time.Time {
	earlier := t.Add(-time.Duration(s.Hours)*time.Hour).AddDate(0, 0, -s.Days)
	if s.Months == 0 {
		return earlier
	}
	first := time.Date(t.Year(), t.Month()-time.Month(s.Months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}
