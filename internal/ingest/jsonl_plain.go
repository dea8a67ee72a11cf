package ingest

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// plain reads an object in the form in which most are written: texts without escapes, spaces for nothing but to set things apart, no key
// twice. It is false, and the columns may have parts of the row, of all else, for which read has to say whether it is an object at all. The
// line is known to be UTF-8.
func (r *jsonRowReader) plain(line []byte) bool {
	at := 0
	if len(line) == 0 || line[0] != '{' {
		return false
	}
	for {
		key, value, ok := plainKey(line, at+1)
		if !ok {
			return false
		}
		end := plainEnd(line, value)
		if end < 0 || !r.plainValue(key, line[value:end]) {
			return false
		}
		at = pastSpaces(line, end)
		if at == len(line) || line[at] != ',' && line[at] != '}' {
			return false
		}
		if line[at] == '}' {
			return pastSpaces(line, at+1) == len(line)
		}
	}
}

func pastSpaces(line []byte, at int) int {
	for at < len(line) && line[at] == ' ' {
		at++
	}
	return at
}

// plainKey reads a key, and says where its value begins.
func plainKey(line []byte, at int) (key []byte, value int, ok bool) {
	at = pastSpaces(line, at)
	end := plainTextEnd(line, at)
	if end < 0 {
		return nil, 0, false
	}
	value = pastSpaces(line, end)
	if value == len(line) || line[value] != ':' {
		return nil, 0, false
	}
	value = pastSpaces(line, value+1)
	return line[at+1 : end-1], value, value < len(line)
}

// plainValue adds the value of a key.
func (r *jsonRowReader) plainValue(key, raw []byte) bool {
	kind := jsontext.Value(raw).Kind()
	if kind == '{' && r.flatten {
		return false
	}
	at, flaw := r.keys.column(key, kind)
	if flaw != nil || at < 0 {
		return false
	}
	column, row := &r.texts.columns[at], len(r.texts.lines)
	if column.rows() > row {
		return false
	}
	column.padTo(row)
	switch kind {
	case 'n':
		column.appendNull()
	case '"':
		column.append(raw[1 : len(raw)-1])
	case '{', '[':
		if !jsontext.Value(raw).IsValid() {
			return false
		}
		column.begin(true)
		var err error
		column.data, err = jsontext.AppendFormat(column.data, raw)
		return err == nil
	default:
		column.append(raw)
	}
	return true
}

// plainEnd is where the value ends that begins at a place; negative if there is none, or none that is plain. What is within an object or an
// array is not looked at.
func plainEnd(line []byte, at int) int {
	switch line[at] {
	case '"':
		return plainTextEnd(line, at)
	case '{', '[':
		return nestedEnd(line, at)
	case 't':
		return wordEnd(line, at, "true")
	case 'f':
		return wordEnd(line, at, "false")
	case 'n':
		return wordEnd(line, at, "null")
	}
	return numberEnd(line, at)
}

// plainTextEnd is where a text ends that has no escapes.
func plainTextEnd(line []byte, at int) int {
	if at == len(line) || line[at] != '"' {
		return -1
	}
	for at++; at < len(line); at++ {
		switch c := line[at]; {
		case c == '"':
			return at + 1
		case c == '\\' || c < ' ':
			return -1
		}
	}
	return -1
}

func wordEnd(line []byte, at int, word string) int {
	if !bytes.HasPrefix(line[at:], []byte(word)) {
		return -1
	}
	return at + len(word)
}

// numberEnd is where a number ends.
func numberEnd(line []byte, at int) int {
	if line[at] == '-' {
		at++
	}
	whole := at
	if at = pastDigits(line, at); at == whole || line[whole] == '0' && at > whole+1 {
		return -1
	}
	if at < len(line) && line[at] == '.' {
		point := at + 1
		if at = pastDigits(line, point); at == point {
			return -1
		}
	}
	if at < len(line) && (line[at] == 'e' || line[at] == 'E') {
		return -1 // seldom
	}
	return at
}

func pastDigits(line []byte, at int) int {
	for at < len(line) && line[at]-'0' <= 9 {
		at++
	}
	return at
}

// nestedEnd is where an object or an array ends, if it is one.
func nestedEnd(line []byte, at int) int {
	for depth := 0; at < len(line); at++ {
		switch line[at] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		case '"':
			for at++; at < len(line) && line[at] != '"'; at++ {
				if line[at] == '\\' {
					at++
				}
			}
		}
	}
	return -1
}
