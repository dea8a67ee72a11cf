package runtest

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// RequireHidden looks for secrets, which have names, in whatever form in what was written. place is what has to be there, in one of these
// forms.
func RequireHidden(t *testing.T, written []byte, place string, secrets map[string]string) {
	t.Helper()
	assert.True(t, isIn(written, place), "what was written is looked at")
	for name, secret := range secrets {
		assert.False(t, isIn(written, secret), "%s was written", name)
	}
}

// isIn says whether a text has another one in it, as it is, in a URL or in base64.
func isIn(written []byte, text string) bool {
	for _, form := range append(hidden(text, 2), text, url.QueryEscape(text)) {
		if bytes.Contains(written, []byte(form)) {
			return true
		}
	}
	return false
}

// hidden are the forms of a text that a search for it would not find: in base64, wherever
// the text begins in what is encoded, and in base64 of that, as Beam writes its options.
func hidden(text string, depth int) []string {
	if depth == 0 {
		return nil
	}
	var all []string
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + text))
		inner := encoded[(before*8+5)/6 : len(encoded)-1] // without characters that depend on what is around
		all = append(append(all, inner), hidden(inner, depth-1)...)
	}
	return all
}
