package cli

import (
	"encoding/csv"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"hyperlake/internal/words"
)

// commandAgain is the command line of publish that a shell takes, with the flags that this one was given.
func (a *app) commandAgain(flags *publishFlags, args []string) string {
	command := []string{"hyperlake", "publish"}
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") { // which would be a flag
			arg = "./" + arg
		}
		command = append(command, arg)
	}
	command = append(command, a.configFlags()...)
	if flags != nil {
		flags.set.Visit(func(flag *pflag.Flag) {
			switch {
			case flag.Name == "match":
				command = append(command, "--match", matchWord(flags.match))
			case flag.Name == "force" || !isPublishFlag(flag.Name):
			case flag.Value.String() == "true" && flag.Value.Type() == "bool":
				command = append(command, "--"+flag.Name)
			case flag.Value.Type() == "bool":
				command = append(command, "--"+flag.Name+"="+flag.Value.String())
			default:
				command = append(command, "--"+flag.Name, flag.Value.String())
			}
		})
	}
	return shellLine(command)
}

// configFlags are the flags, as they were given, by which the configuration was read.
func (a *app) configFlags() []string {
	var words []string
	if a.flags.runner != "" {
		words = append(words, "--runner", a.flags.runner)
	}
	if a.flags.target != "" {
		words = append(words, "--target", a.flags.target)
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
	return words
}

// shellLine is the line of words that a shell takes.
func shellLine(words []string) string {
	line := make([]string, len(words))
	for i, word := range words {
		line[i] = shellWord(word)
	}
	return strings.Join(line, " ")
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

// shellWord writes a word so that a shell takes it as it is, on one line as far as it can be.
func shellWord(word string) string {
	if printable(word, "") == word || strings.HasSuffix(word, "\n") { // which the other form would lose
		return words.ShellWord(word)
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
