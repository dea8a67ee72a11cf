package storage

import (
	"context"
	"log/slog"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Matches says whether a glob finds a file of that name, if it is there. Both start at the same
// folder.
func Matches(pattern, name string) bool {
	return doublestar.MatchUnvalidated(pattern, name) && !hidden(context.Background(), name, pattern)
}

// hidden says whether a part of path, which matches pattern, starts with _ or . where the
// pattern does not ask for it. Such a file is left out with a line in the log.
func hidden(ctx context.Context, path, pattern string) bool {
	asked := map[string]bool{}
	for part := range strings.SplitSeq(pattern, "/") {
		asked[unescape(part)] = true
	}
	for part := range strings.SplitSeq(path, "/") {
		if (strings.HasPrefix(part, "_") || strings.HasPrefix(part, ".")) && !asked[part] {
			slog.DebugContext(ctx, "left out a file whose name, or that of a folder, starts with _ or .", "path", path)
			return true
		}
	}
	return false
}

// literalPrefix returns what every name that matches pattern begins with.
func literalPrefix(pattern string) string {
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '*', '?', '[', '{':
			return unescape(pattern[:i])
		}
	}
	return unescape(pattern)
}

// isPattern says whether a glob can match several names.
func isPattern(glob string) bool {
	for i := 0; i < len(glob); i++ {
		switch glob[i] {
		case '\\':
			i++
		case '*', '?', '[', '{':
			return true
		}
	}
	return false
}

// unescape removes the backslashes that take the meaning from the characters after them.
func unescape(pattern string) string {
	if !strings.Contains(pattern, `\`) {
		return pattern
	}
	var plain strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '\\' && i+1 < len(pattern) {
			i++
		}
		plain.WriteByte(pattern[i])
	}
	return plain.String()
}
