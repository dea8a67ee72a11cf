package config

import "hyperlake/internal/words"

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
