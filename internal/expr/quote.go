package expr

import (
	"regexp"
	"strings"
)

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// source is a text that the CEL parser can read, though CEL has no names in backticks:
// each character between two backticks that the parser would refuse is replaced by one
// that it takes, so that all positions stay.
type source struct {
	original []rune
	readable []rune
	quoted   map[int]string // names in backticks by the position of the first backtick
}

func readSource(text string) source {
	s := source{original: []rune(text), readable: []rune(text), quoted: map[int]string{}}
	for at := 0; at < len(s.original); {
		switch c := s.original[at]; {
		case c == '"' || c == '\'':
			at = s.afterString(at)
		case c == '/' && at+1 < len(s.original) && s.original[at+1] == '/':
			at = s.find("\n", at)
		case c == '`':
			at = s.quote(at)
		default:
			at++
		}
	}
	return s
}

// has tells whether a text stands at a position.
func (s source) has(text string, at int) bool {
	for _, c := range text {
		if at >= len(s.original) || s.original[at] != c {
			return false
		}
		at++
	}
	return true
}

// find is the position behind the next occurrence of a text of ASCII, or the end.
func (s source) find(text string, from int) int {
	for at := from; at < len(s.original); at++ {
		if s.has(text, at) {
			return at + len(text)
		}
	}
	return len(s.original)
}

// afterString is the position behind the string that begins at a quotation mark.
func (s source) afterString(start int) int {
	mark := string(s.original[start])
	if triple := strings.Repeat(mark, 3); s.has(triple, start) {
		mark = triple
	}
	raw := s.isRaw(start)
	for at := start + len(mark); at < len(s.original); at++ {
		if s.original[at] == '\\' && !raw {
			at++
		} else if s.has(mark, at) {
			return at + len(mark)
		}
	}
	return len(s.original)
}

// isRaw looks for the r of r"…", br"…" and rb"…" before a quotation mark.
func (s source) isRaw(mark int) bool {
	start := mark
	for start > 0 && identifier.MatchString(string(s.original[start-1])) {
		start--
	}
	prefix := strings.ToLower(string(s.original[start:mark]))
	return prefix == "r" || prefix == "br" || prefix == "rb"
}

// quote replaces the name between the backtick at start and the next one.
func (s source) quote(start int) int {
	end := s.find("`", start+1)
	if end-start < 3 || s.original[end-1] != '`' {
		return end // empty or without an end: the parser says so
	}
	for at := start + 1; at < end-1; at++ {
		s.readable[at] = '_'
	}
	s.quoted[start] = string(s.original[start+1 : end-1])
	return end
}
