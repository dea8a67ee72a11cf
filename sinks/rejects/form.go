package rejects

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	mostQuoted = 200 // characters of a text that a reason holds, its quotes among them
	mostForm   = 80  // characters of a form
	mostRun    = 8   // characters of one kind that a form repeats; more are counted
)

// Form is what the values look like that a reason, as batch.Rejects has it, found: 1234 EUR is 9999 AAA. Digits are 9, letters a
// or A, ASCII's other characters stay, and all else is ·; a{12} are twelve of them. Of a reason about several columns it has the
// names that are among columns. It holds no value and no more than some 80 characters; it is empty where a reason has no values.
func Form(reason string, columns []string) string {
	rest, found := strings.CutPrefix(reason, "found ")
	if !found {
		return ""
	}
	var form strings.Builder
	for {
		if name := namedFirst(rest, columns); name != "" {
			form.WriteString(name + " = ")
			rest = rest[len(name+" = "):]
		}
		value, after, isKnown := cutValue(rest)
		if !isKnown {
			form.WriteString("…")
			break
		}
		form.WriteString(shape(value))
		if rest, found = strings.CutPrefix(after, ", "); !found || namedFirst(rest, columns) == "" {
			break
		}
		form.WriteString(", ")
	}
	return cutOff(form.String())
}

func cutOff(form string) string {
	if utf8.RuneCountInString(form) <= mostForm {
		return form
	}
	return string([]rune(form)[:mostForm]) + "…"
}

// namedFirst is the column, the longest name of all, whose value the text begins with; empty if there is none.
func namedFirst(text string, columns []string) string {
	longest := ""
	for _, name := range columns {
		if len(name) > len(longest) && strings.HasPrefix(text, name+" = ") {
			longest = name
		}
	}
	return longest
}

// cutValue cuts the value off that a text begins with. It is not known where one ends that is made of several.
func cutValue(text string) (value, after string, isKnown bool) {
	switch {
	case strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{"):
		return "", "", false
	case strings.HasPrefix(text, `"`):
		return cutQuoted(text)
	}
	if end := strings.Index(text, ", "); end >= 0 {
		return text[:end], text[end:], true
	}
	return text, "", true
}

// cutQuoted cuts a text in quotes off, of which a reason holds no more than its first characters.
func cutQuoted(text string) (value, after string, isKnown bool) {
	most := len(text)
	n := 0
	for i := range text {
		if n == mostQuoted {
			most = i
			break
		}
		n++
	}
	quoted, err := strconv.QuotedPrefix(text[:most])
	if err != nil { // it goes on
		return strings.TrimPrefix(text[:most], `"`), strings.TrimPrefix(text[most:], "…"), true
	}
	value, err = strconv.Unquote(quoted)
	if value == "" {
		value = quoted // which is to be seen
	}
	return value, text[len(quoted):], err == nil
}

// shape is a value in kinds of characters.
func shape(value string) string {
	if value == "NULL" {
		return value
	}
	var shaped strings.Builder
	var last rune
	n := 0
	end := func() {
		if n > mostRun {
			fmt.Fprintf(&shaped, "%c{%d}", last, n)
			return
		}
		for range n {
			shaped.WriteRune(last)
		}
	}
	for _, r := range value {
		if kind := kindOf(r); kind != last {
			end()
			last, n = kind, 0
		}
		n++
	}
	end()
	return shaped.String()
}

// kindOf is the character that stands for others like it.
func kindOf(r rune) rune {
	switch {
	case unicode.IsDigit(r):
		return '9'
	case unicode.IsUpper(r):
		return 'A'
	case unicode.IsLetter(r), unicode.IsMark(r):
		return 'a'
	case r < unicode.MaxASCII && unicode.IsPrint(r):
		return r
	}
	return '·'
}
