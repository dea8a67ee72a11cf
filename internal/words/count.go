package words

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

// Count is a number with the noun of what is counted, which takes an s: 1 row, 1,000 rows.
func Count(n int64, noun string) string { return Plural(n, "1 "+noun, noun+"s") }

// Plural is one for 1, and for any other number the number and many.
func Plural(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return humanize.Comma(n) + " " + many
}

// OneLine is a text with single spaces for whatever white space is in it.
func OneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// Shorten quotes text for a message that stays readable: what is beyond 60 characters is left out.
func Shorten(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return fmt.Sprintf("%q…", string(runes[:most]))
	}
	return fmt.Sprintf("%q", text)
}
