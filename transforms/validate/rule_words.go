package validate

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"hyperlake/internal/words"
)

const (
	maxWords = 10  // members of a set that a default name spells out
	maxTitle = 200 // characters of an expression that a default name has
)

// title is the name that reports and messages use.
func (r Rule) title() string {
	switch {
	case r.Name != "":
		return r.Name
	case r.Expr != "":
		return onOneLine(r.Expr)
	case r.Column == "":
		return r.words()
	default:
		return r.Column + " " + r.words()
	}
}

// words is the conditions as a phrase, such as ">= 1 and <= 50".
func (r Rule) words() string {
	var conditions []string
	add := func(format string, args ...any) { conditions = append(conditions, fmt.Sprintf(format, args...)) }
	if r.NotNull {
		add("not null")
	}
	if r.Min != nil {
		add(">= %s", r.Min)
	}
	if r.Max != nil {
		add("<= %s", r.Max)
	}
	if len(r.In) > 0 {
		add("in [%s]", setWords(r.In))
	}
	if r.InFile != "" {
		add("in file %s", filepath.Base(r.InFile))
	}
	if r.MinLength != nil {
		add("at least %s", characters(*r.MinLength))
	}
	if r.MaxLength != nil {
		add("at most %s", characters(*r.MaxLength))
	}
	if r.Matches != "" {
		add("matches %s", r.Matches)
	}
	if r.Finite {
		add("finite")
	}
	return strings.Join(conditions, " and ")
}

func setWords(members []Literal) string {
	var words []string
	for _, m := range members[:min(len(members), maxWords)] {
		words = append(words, m.String())
	}
	if more := len(members) - maxWords; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}

func characters(n int) string {
	if n == 1 {
		return "1 character"
	}
	return fmt.Sprintf("%d characters", n)
}

// onOneLine is an expression as a name: without line ends, and not too long.
func onOneLine(expression string) string {
	line := words.OneLine(expression)
	if utf8.RuneCountInString(line) <= maxTitle {
		return line
	}
	return string([]rune(line)[:maxTitle]) + "…"
}
