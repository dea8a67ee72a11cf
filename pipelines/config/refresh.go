package config

import (
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/words"
)

// RefreshConfig is how much of an extract a run makes anew.
type RefreshConfig struct {
	// Mode is full (the default): all of it. Or changed: only the units that changed since the last success.
	Mode RefreshMode `yaml:"mode"`

	// FullEvery is how old the last full build may be, by the dates of runs: an older one is repeated. 0 (the default): any age.
	FullEvery Span `yaml:"full_every"`

	// Window is which rows by their dates are in the extract at all, in both modes. Default: all.
	Window *WindowConfig `yaml:"window" json:",omitempty"`

	// RewriteOver is by which part an extract may grow larger than a full build made it, for its rows, before it is written
	// anew. Default: 0.25.
	RewriteOver Ratio `yaml:"rewrite_over"`
}

// IsChanged says whether only what changed is made anew.
func (r RefreshConfig) IsChanged() bool { return r.Mode == RefreshChanged }

// WindowConfig is which rows by their dates are in an extract: rows whose date is older than the date of the run less a span are
// not; those whose date is NULL are, and those of tables without the column.
type WindowConfig struct {
	// Column is one of dates or timestamps, or of partitions whose text is a date, by its name in the source. Required.
	Column string `yaml:"column"`

	// Keep is how old a date may be. Required.
	Keep Span `yaml:"keep"`
}

// Since is the first moment, by the clock of whichever zone, that is not too old for a run of a date.
func (w WindowConfig) Since(date time.Time) time.Time { return w.Keep.Before(date) }

// checkWindow checks what needs no schema.
func (c *Config) checkWindow() error {
	const key = "refresh.window"
	w := c.Refresh.Window
	if w == nil {
		return nil
	}
	var wrong []error
	if w.Column == "" {
		wrong = append(wrong, c.Problem(key, "%s has no column; name a column of dates or timestamps", key))
	}
	if w.Keep.IsZero() {
		wrong = append(wrong, c.Problem(key, "%s has no keep; give it one, such as 36 months", key))
	} else if w.Since(c.Date).Year() < 1 {
		wrong = append(wrong, c.Problem(key+".keep", "%s.keep reaches back before the year 1", key))
	}
	return failure.Join(failure.Config, wrong...)
}

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
