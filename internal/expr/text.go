package expr

import (
	"errors"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// textFunctions are those of CEL's standard library and of its extension for strings
// that make sense for one row. Positions count code points.
var textFunctions = []function{
	predicate("startsWith", strings.HasPrefix),
	predicate("endsWith", strings.HasSuffix),
	predicate("contains", strings.Contains),
	{
		name: "matches", member: true, params: []kind{kindText, kindText}, typ: boolType, total: true,
		prepare: compilePattern, apply: applyPattern, kernel: patternKernel,
	},
	sizeOf(false, kindText), sizeOf(true, kindText), sizeOf(false, kindBytes), sizeOf(true, kindBytes),
	onText("lowerAscii", lowerASCII), onText("upperAscii", upperASCII),
	onText("trim", func(s string) string { return strings.TrimFunc(s, unicode.IsSpace) }),
	{name: "substring", member: true, params: []kind{kindText, kindInt}, typ: textType, apply: substring},
	{name: "substring", member: true, params: []kind{kindText, kindInt, kindInt}, typ: textType, apply: substring},
	{name: "charAt", member: true, params: []kind{kindText, kindInt}, typ: textType, apply: charAt},
	{name: "indexOf", member: true, params: []kind{kindText, kindText}, typ: intType, apply: indexOf},
	{name: "indexOf", member: true, params: []kind{kindText, kindText, kindInt}, typ: intType, apply: indexOf},
	{name: "lastIndexOf", member: true, params: []kind{kindText, kindText}, typ: intType, apply: lastIndexOf},
	{name: "replace", member: true, params: []kind{kindText, kindText, kindText}, typ: textType, apply: replace},
	{name: "replace", member: true, params: []kind{kindText, kindText, kindText, kindInt}, typ: textType, apply: replace},
}

// maxText bounds what one call can make of one row.
const maxText = 16 << 20

func predicate(name string, test func(s, part string) bool) function {
	return function{
		name: name, member: true, params: []kind{kindText, kindText}, typ: boolType, total: true,
		apply: func(_ *node, args []value) value { return boolValue(test(args[0].s, args[1].s)) },
		kernel: func(n *node) *kernel {
			part := n.args[1]
			if !part.isConstant() || part.value.state != known {
				return nil
			}
			return testText(n.args[0], func(s string) bool { return test(s, part.value.s) })
		},
	}
}

func onText(name string, convert func(string) string) function {
	return function{
		name: name, member: true, params: []kind{kindText}, typ: textType, total: true,
		apply: func(_ *node, args []value) value { return value{s: convert(args[0].s)} },
	}
}

// sizeOf counts the code points of a text, or bytes.
func sizeOf(member bool, k kind) function {
	count := utf8.RuneCountInString
	if k == kindBytes {
		count = func(s string) int { return len(s) }
	}
	return function{
		name: "size", member: member, params: []kind{k}, typ: intType, total: true,
		apply:  func(_ *node, args []value) value { return value{i: int64(count(args[0].s))} },
		kernel: func(n *node) *kernel { return measureText(n.args[0], count) },
	}
}

func compilePattern(args []*node) (any, error) {
	pattern := args[1]
	if !pattern.isConstant() || pattern.value.state != known {
		return nil, errors.New("the pattern is not a constant")
	}
	return regexp.Compile(pattern.value.s)
}

func applyPattern(n *node, args []value) value {
	pattern, ok := n.prepared.(*regexp.Regexp)
	if !ok {
		return failedValue
	}
	return boolValue(pattern.MatchString(args[0].s))
}

func patternKernel(n *node) *kernel {
	pattern, ok := n.prepared.(*regexp.Regexp)
	if !ok {
		return nil
	}
	return testText(n.args[0], pattern.MatchString)
}

func lowerASCII(s string) string {
	return mapASCII(s, 'A', 'Z', 'a'-'A')
}

func upperASCII(s string) string {
	return mapASCII(s, 'a', 'z', 'Z'-'z')
}

// mapASCII moves the bytes from…to by a distance and leaves all others as they are.
func mapASCII(s string, from, to byte, distance int) string {
	b := []byte(s)
	for i, c := range b {
		if c >= from && c <= to {
			b[i] = byte(int(c) + distance)
		}
	}
	return string(b)
}

// byteOffset is where the code point at a position begins; false outside the text.
func byteOffset(s string, position int64) (int, bool) {
	if position < 0 || position > int64(len(s)) {
		return 0, false
	}
	at := 0
	for ; position > 0; position-- {
		if at >= len(s) {
			return 0, false
		}
		_, width := utf8.DecodeRuneInString(s[at:])
		at += width
	}
	return at, true
}

func substring(_ *node, args []value) value {
	s := args[0].s
	from, ok := byteOffset(s, args[1].i)
	if !ok {
		return failedValue
	}
	if len(args) == 2 {
		return value{s: s[from:]}
	}
	to, ok := byteOffset(s, args[2].i)
	if !ok || to < from {
		return failedValue
	}
	return value{s: s[from:to]}
}

func charAt(_ *node, args []value) value {
	at, ok := byteOffset(args[0].s, args[1].i)
	if !ok {
		return failedValue
	}
	_, width := utf8.DecodeRuneInString(args[0].s[at:])
	return value{s: args[0].s[at : at+width]}
}

func indexOf(_ *node, args []value) value {
	from := 0
	if len(args) == 3 {
		at, ok := byteOffset(args[0].s, args[2].i)
		if !ok {
			return failedValue
		}
		from = at
	}
	found := strings.Index(args[0].s[from:], args[1].s)
	if found < 0 {
		return value{i: -1}
	}
	return value{i: int64(utf8.RuneCountInString(args[0].s[:from+found]))}
}

func lastIndexOf(_ *node, args []value) value {
	found := strings.LastIndex(args[0].s, args[1].s)
	if found < 0 {
		return value{i: -1}
	}
	return value{i: int64(utf8.RuneCountInString(args[0].s[:found]))}
}

func replace(_ *node, args []value) value {
	times := int64(-1)
	if len(args) == 4 {
		times = max(args[3].i, -1)
	}
	s, old, replacement := args[0].s, args[1].s, args[2].s
	occurrences := int64(strings.Count(s, old))
	if times >= 0 {
		occurrences = min(occurrences, times)
	}
	if int64(len(s))+occurrences*int64(len(replacement)) > maxText {
		return failedValue
	}
	return value{s: strings.Replace(s, old, replacement, int(occurrences))}
}
