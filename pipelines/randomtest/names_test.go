package randomtest

import (
	"strconv"
	"strings"
)

// columnNames are names that SQL, YAML, CEL, globs or file systems could stumble over.
var columnNames = []string{
	"a", "b", "A", "id", "ID", "amount", "note", "a.b", "a.b.c", ".", "order by", "select", "Extract", "user", "table", "null", "true", "in", "size",
	`qu"ote`, `""`, "it's", "';--", " lead", "trail ", "\u00a0", "Straße", "naïve", "nai\u0308ve", "日本語", "😀", "new\nline", "tab\t", "\r", "back`tick", "back\\slash",
	"%41", "50%", "sl/ash", "col:on", ": ", "#hash", " # hash", "- dash", "{brace}", "[x]", "*", "?", "~", "1", "1.5", "2026-01-31", "$dollar", "${VAR}", "$${VAR}", "&anchor", "!tag",
	"a=b", "x,y", "\u200b", "\ufeff", "\u202e", "\x01", "\x7f", "a-b", "a b", "col(\"x\")", "count(*)", "@", "_",
	strings.Repeat("long", 80), strings.Repeat("é", 200),
}

// tableNames are such names of tables and schemas.
var tableNames = []string{"Extract", "extract", "t", "my table", `qu"ote`, "it's", "a.b", "Straße", "日本語", "😀", "public", "${t}", "select", "x\ny", "sl/ash", strings.Repeat("t", 200)}

// drawNames draws names that differ.
func drawNames(r *dice, count int, from []string) []string {
	var names []string
	for _, i := range r.Perm(len(from))[:count] {
		names = append(names, from[i])
	}
	return names
}

// someTexts are values of text: such as the names above, and what reads as something else.
var someTexts = []string{
	"", " ", "a", "A", "abc", "ab", "b", "zebra", "é", "e\u0301", "日本", "😀", "a😀b", "\U0010ffff", "NULL", "null", "true", "f", "0", "1", "-7", "007", "1.50", "1e3", "NaN", "inf", "99999999999999999999",
	"2026-01-31", "2026-02-30", "31.01.2026", "2026-01-31T12:00:00", "2026-01-31 12:00:00.25", "2026-01-31T12:00:00+01:00", "12:30", "a\x00b", "\x00", "line\nbreak", "\r\n", "tab\t", "it's", `qu"ote`, "back\\slash", "%", "_", "${x}", "\ufeff", "\u2028",
	"deadbeef", "POINT(1 2)", strings.Repeat("x", 300), strings.Repeat("é", 150),
}

// notUTF8 are values of text that are none.
var notUTF8 = []string{"\xff", "a\xc3", "\xed\xa0\x80", "\xf5\x80\x80\x80", "ok\x80"}

func drawText(r *dice) any {
	if chance(r, 4) {
		return pick(r, notUTF8...)
	}
	if chance(r, 30) {
		return pick(r, "a", "b", "ab", "abc", "")
	}
	return pick(r, someTexts...)
}

// yaml is a value in the double quotes of YAML, of which no part is taken for a variable.
func yaml(text string) string { return yamlKey(strings.ReplaceAll(text, "${", "$${")) }

// yamlKey is a key in the double quotes of YAML. Variables have no place there.
func yamlKey(text string) string {
	quoted := strings.Builder{}
	quoted.WriteByte('"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			quoted.WriteString(`\` + string(c))
		case c >= ' ' && c <= '~' || c >= 0xa1 && c < 0x2000 || c >= 0x3000 && c < 0xd800 || c >= 0x10000 && c < 0x20000:
			quoted.WriteRune(c)
		default:
			quoted.WriteString(`\U` + hex8(c))
		}
	}
	return quoted.String() + `"`
}

func hex8(c rune) string {
	digits := strconv.FormatInt(int64(c), 16)
	return strings.Repeat("0", 8-len(digits)) + digits
}

// cel is a text in the double quotes of CEL.
func cel(text string) string {
	quoted := strings.Builder{}
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			quoted.WriteString(`\` + string(c))
		case c >= ' ' && c <= '~':
			quoted.WriteRune(c)
		default:
			quoted.WriteString(`\U` + hex8(c))
		}
	}
	return `"` + quoted.String() + `"`
}

// shown is a literal as reports show it.
func shown(text string) string {
	if quoted := strconv.Quote(text); text == "" || strings.ContainsAny(text, " ,[]") || quoted != `"`+text+`"` {
		return quoted
	}
	return text
}
