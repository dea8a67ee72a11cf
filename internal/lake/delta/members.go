package delta

import (
	"encoding/json"
	"strings"
)

// members visits the members of a JSON object, with their values as they are written. It says whether it came to
// the end of the object. Checkpoints have megabytes of statistics, of which few are wanted: this takes a tenth of the time of
// encoding/json, and does not look into what is not asked for.
func members(object string, visit func(key, value string)) bool {
	rest := skipBlanks(object)
	if !strings.HasPrefix(rest, "{") {
		return false
	}
	rest = skipBlanks(rest[1:])
	for count := 0; ; count++ {
		if strings.HasPrefix(rest, "}") && count == 0 {
			break
		}
		key, after, ok := cutString(rest)
		if after = skipBlanks(after); !ok || !strings.HasPrefix(after, ":") {
			return false
		}
		value, after, ok := cutValue(skipBlanks(after[1:]))
		if !ok {
			return false
		}
		visit(key, value)
		if rest = skipBlanks(after); !strings.HasPrefix(rest, ",") {
			break
		}
		rest = skipBlanks(rest[1:])
	}
	return strings.HasPrefix(rest, "}") && skipBlanks(rest[1:]) == ""
}

func skipBlanks(text string) string { return strings.TrimLeft(text, " \t\r\n") }

// cutString cuts a string off from the front of a text, and decodes it.
func cutString(text string) (decoded, rest string, ok bool) {
	end := stringEnd(text)
	if end < 0 {
		return "", "", false
	}
	if raw := text[1 : end-1]; strings.IndexByte(raw, '\\') < 0 {
		return raw, text[end:], true
	}
	return decoded, text[end:], json.Unmarshal([]byte(text[:end]), &decoded) == nil
}

// stringEnd is where the string ends that a text begins with; -1 if it begins with none.
func stringEnd(text string) int {
	if !strings.HasPrefix(text, `"`) {
		return -1
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// cutValue cuts a value off from the front of a text.
func cutValue(text string) (value, rest string, ok bool) {
	end, depth := 0, 0
	for end < len(text) {
		switch text[end] {
		case '"':
			length := stringEnd(text[end:])
			if length < 0 {
				return "", "", false
			}
			end += length
		case '{', '[':
			depth++
			end++
		case '}', ']':
			if depth--; depth >= 0 {
				end++
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth > 0 {
				end++
				continue
			}
			return text[:end], text[end:], end > 0
		default:
			end++
			continue
		}
		if depth <= 0 {
			return text[:end], text[end:], end > 0
		}
	}
	return text[:end], "", false // an object goes on behind each of its values
}
