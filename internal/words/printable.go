package words

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable writes out what a terminal would obey or hide: control characters, but for those
// of keep, characters that turn the direction of the text around, and bytes that are none.
func Printable(s, keep string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, obeyed) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		_, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(s[i]), 16))
		case r == unicode.MaxASCII:
			b.WriteString(`\u007f`) // as JSON has it
		case obeyed(r) && !strings.ContainsRune(keep, r):
			escaped := strconv.QuoteRuneToASCII(r)
			b.WriteString(escaped[1 : len(escaped)-1])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func obeyed(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}
