package cli

import (
	"encoding/csv"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// commandAgain is the command line of publish that a shell takes, with the flags that this one was given.
func (a *app) commandAgain(flags *publishFlags, args []string) string {
	words := []string{"hyperlake", "publish"}
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") { // which would be a flag
			arg = "./" + arg
		}
		words = append(words, arg)
	}
	if a.flags.runner != "" {
		words = append(words, "--runner", a.flags.runner)
	}
	if a.flags.date != "" {
		words = append(words, "--date", a.flags.date)
	}
	for _, set := range a.flags.sets {
		words = append(words, "--set", set)
	}
	for _, value := range a.flags.vars {
		words = append(words, "--var", value)
	}
	if flags != nil {
		flags.set.Visit(func(flag *pflag.Flag) {
			switch {
			case flag.Name == "match":
				words = append(words, "--match", matchWord(flags.match))
			case flag.Name == "force" || !isPublishFlag(flag.Name):
			case flag.Value.String() == "true" && flag.Value.Type() == "bool":
				words = append(words, "--"+flag.Name)
			case flag.Value.Type() == "bool":
				words = append(words, "--"+flag.Name+"="+flag.Value.String())
			default:
				words = append(words, "--"+flag.Name, flag.Value.String())
			}
		})
	}
	for i, word := range words {
		words[i] = shellWord(word)
	}
	return strings.Join(words, " ")
}

func isPublishFlag(name string) bool {
	for _, key := range append(publishKeys, publishSwitches...) {
		if key.flag == name {
			return true
		}
	}
	return false
}

// matchWord is the value of --match that names these columns.
func matchWord(columns []string) string {
	var text strings.Builder
	writer := csv.NewWriter(&text)
	_ = writer.Write(columns) // into memory
	writer.Flush()
	return strings.TrimSuffix(text.String(), "\n")
}

// plainWord matches words that no shell changes.
var plainWord = regexp.MustCompile(`^[\pL\pN_@%+:,./-][\pL\pN_@%+=:,./-]*$`)

// shellWord writes a word so that a shell takes it as it is, on one line as far as it can be.
func shellWord(word string) string {
	switch {
	case plainWord.MatchString(word):
		return word
	case printable(word, "") == word, strings.HasSuffix(word, "\n"): // which the other form would lose
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	var format strings.Builder
	for i := 0; i < len(word); {
		r, size := utf8.DecodeRuneInString(word[i:])
		switch text := word[i : i+size]; {
		case text == `\`, text == "%":
			format.WriteString(text + text)
		case text == "'":
			format.WriteString(`'\''`)
		case text == "\n":
			format.WriteString(`\n`)
		case r == utf8.RuneError && size == 1, printable(text, "") != text:
			for _, b := range []byte(text) {
				fmt.Fprintf(&format, `\%03o`, b)
			}
		default:
			format.WriteString(text)
		}
		i += size
	}
	return `"$(printf '` + format.String() + `')"`
}
