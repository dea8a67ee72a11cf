package storage

import (
	"path/filepath"
	"strings"
)

// Join appends path elements to a URI.
func Join(uri string, elem ...string) string {
	return strings.TrimRight(uri, "/") + "/" + strings.Join(elem, "/")
}

// LocalPath returns the path that local programs (hyperd) can open for uri, if there is one.
func LocalPath(uri string) (string, bool) {
	if strings.Contains(uri, "://") {
		return "", false
	}
	return uri, true
}

// EscapeGlob returns a glob that matches nothing but uri.
func EscapeGlob(uri string) string {
	if _, local := LocalPath(uri); local && filepath.Separator == '\\' { // there, globs cannot escape with a backslash
		return strings.NewReplacer("[", "[[]", "{", "[{]", "}", "[}]").Replace(uri)
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`, "}", `\}`).Replace(uri)
}
