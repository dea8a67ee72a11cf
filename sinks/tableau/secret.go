package tableau

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a text that nothing prints: not fmt with any verb, not encoding/json, not
// log/slog, and not reflection, which sees a function. Its zero value is empty.
type Secret struct{ reveal func() string }

// NewSecret hides text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return text }}
}

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero says whether the secret is empty.
func (s Secret) IsZero() bool { return s.reveal == nil }

// String returns a constant.
func (s Secret) String() string { return redacted }

// GoString returns a constant.
func (s Secret) GoString() string { return redacted }

// Format prints a constant, whatever the verb.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// MarshalJSON returns a constant.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns a constant.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns a constant.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
