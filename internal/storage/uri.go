package storage

import (
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Join appends path elements to a URI.
func Join(uri string, elem ...string) string {
	return strings.TrimRight(uri, "/") + "/" + strings.Join(elem, "/")
}

// LocalPath returns the path that local programs (hyperd) can open for uri, if there is one.
func LocalPath(uri string) (string, bool) {
	if !IsLocal(uri) {
		return "", false
	}
	return uri, true
}

// IsLocal says whether local programs can open uri.
func IsLocal(uri string) bool { return !strings.Contains(uri, "://") }

// EscapeGlob returns a glob that matches nothing but uri.
func EscapeGlob(uri string) string {
	if IsLocal(uri) && filepath.Separator == '\\' { // there, globs cannot escape with a backslash
		return strings.NewReplacer("[", "[[]", "{", "[{]", "}", "[}]").Replace(uri)
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`, "}", `\}`).Replace(uri)
}

// SplitGlob divides a glob into the URI before its first part that is a pattern, and the rest, which is empty where the glob
// matches nothing but that URI.
func SplitGlob(glob string) (base, rest string) {
	scheme, path := "", glob
	if at := strings.Index(glob, "://"); at >= 0 {
		scheme, path = glob[:at+len("://")], glob[at+len("://"):]
	}
	base, rest = doublestar.SplitPattern(path)
	if isPattern(rest) {
		return scheme + unescape(base), rest
	}
	return scheme + unescape(path), ""
}

// EscapeBrackets returns a glob in which brackets and braces mean themselves.
func EscapeBrackets(glob string) string {
	var plain strings.Builder
	for i := 0; i < len(glob); i++ {
		switch _, local := LocalPath(glob); {
		case glob[i] == '\\' && i+1 < len(glob) && (!local || filepath.Separator != '\\'):
			plain.WriteByte(glob[i])
			i++
			plain.WriteByte(glob[i])
		case strings.IndexByte("[{}", glob[i]) >= 0:
			plain.WriteString(EscapeGlob(glob[i : i+1]))
		default:
			plain.WriteByte(glob[i])
		}
	}
	return plain.String()
}
