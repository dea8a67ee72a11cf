package tableau

import (
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
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

// spellings are the forms in which a text may come back from a server: as it is, and as it
// stands in requests.
func spellings(text string) []string {
	all := []string{text}
	var inXML strings.Builder
	if err := xml.EscapeText(&inXML, []byte(text)); err == nil {
		all = append(all, inXML.String())
	}
	all = append(all, url.QueryEscape(text), url.PathEscape(text))
	slices.Sort(all)
	all = slices.Compact(all)
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) }) // none is a part of one that comes later
	return all
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
