package hyperd

import (
	"regexp"
	"strings"
)

// token is a part of a statement that means something.
type token struct {
	text string // as it stands there
	kind tokenKind
}

type tokenKind int

const (
	symbol  tokenKind = iota
	word              // a key word, or a name without quotes
	name              // in double quotes
	escaped           // the same with characters that are written as numbers
	text              // a constant
	blank             // or a comment
)

// lexemes are what statements are made of, as hyperd reads them: comments are not nested,
// and end with the line, which a carriage return ends, too. What none of them matches is a
// symbol. One that has no end goes on to the end of the statement.
var lexemes = []struct {
	kind    tokenKind
	pattern *regexp.Regexp
}{
	{blank, regexp.MustCompile(`^(\s+|--[^\r\n]*|(?s:/\*.*?(\*/|$)))`)},
	{escaped, regexp.MustCompile(`^[uU]&"([^"]|"")*("|$)`)},
	{name, regexp.MustCompile(`^"([^"]|"")*("|$)`)},
	{text, regexp.MustCompile(`^[eE]'(?s:\\.|''|[^'\\])*('|$)`)},
	{text, regexp.MustCompile(`^([uU]&|[bBxXnN])?'([^']|'')*('|$)`)},
	{word, regexp.MustCompile(`^[\pL_\x{80}-\x{10ffff}][\pL\pN_$\x{80}-\x{10ffff}]*`)},
}

// dollars matches the beginning of a constant that ends in the same way.
var dollars = regexp.MustCompile(`^\$([\pL_][\pL\pN_]*)?\$`)

// significant splits a statement into tokens, and leaves out those that mean nothing.
func significant(sql string) []token {
	var tokens []token
	for sql != "" {
		t := nextToken(sql)
		sql = sql[len(t.text):]
		if t.kind != blank {
			tokens = append(tokens, t)
		}
	}
	return tokens
}

func nextToken(sql string) token {
	if quote := dollars.FindString(sql); quote != "" {
		inside, _, ended := strings.Cut(sql[len(quote):], quote)
		if !ended {
			return token{sql, text}
		}
		return token{sql[:len(inside)+2*len(quote)], text}
	}
	for _, lexeme := range lexemes {
		if found := lexeme.pattern.FindString(sql); found != "" {
			return token{found, lexeme.kind}
		}
	}
	return token{sql[:1], symbol}
}

// isOpen says whether a constant or a name in quotes has no end.
func (t token) isOpen() bool {
	if quote := dollars.FindString(t.text); quote != "" {
		return len(t.text) < 2*len(quote) || !strings.HasSuffix(t.text, quote)
	}
	switch t.kind {
	case name, escaped:
		return strings.Count(t.text, `"`)%2 != 0
	case text:
		inside := t.text
		if strings.HasPrefix(strings.ToLower(inside), "e'") {
			inside = backslashes.ReplaceAllString(inside, "")
		}
		return strings.Count(inside, "'")%2 != 0
	}
	return false
}

// backslashes match what stands for one character in a constant that begins with E.
var backslashes = regexp.MustCompile(`(?s)\\.`)

// is says whether a token is that symbol.
func (t token) is(s string) bool { return t.kind == symbol && t.text == s }

// isWord says whether a token is that word, in whatever case.
func (t token) isWord(w string) bool { return t.kind == word && strings.EqualFold(t.text, w) }

// mayName says whether a token is, or can be, that name.
func (t token) mayName(n string) bool {
	return t.isWord(n) || t.kind == escaped || t.kind == name && strings.EqualFold(t.text, `"`+n+`"`)
}
