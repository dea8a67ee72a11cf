package words

import (
	"regexp"
	"strings"
)

// plainWord matches words that no shell changes.
var plainWord = regexp.MustCompile(`^[\pL\pN_@%+:,./-][\pL\pN_@%+=:,./-]*$`)

// ShellWord writes a word so that a POSIX shell takes it as it is: in single quotes, unless no shell changes it.
func ShellWord(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
