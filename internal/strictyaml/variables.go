package strictyaml

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"hyperlake/internal/words"
)

// Variables are the values that fill ${NAME}, by name.
type Variables map[string]string

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// While YAML is parsed, each ${NAME} is written with characters that no text has, and that
// mean nothing to the parser: to it, a brace inside [ ] or { } would end the value. The
// length stays, and so do the columns in messages.
const (
	maskDollar = '\uFDD0'
	maskOpen   = '\uFDD1'
	maskClose  = '\uFDD2'
)

var (
	variablePattern = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)
	variableMask    = string(maskDollar) + string(maskOpen) + "${1}" + string(maskClose)
	variableUnmask  = strings.NewReplacer(string(maskDollar), "$", string(maskOpen), "{", string(maskClose), "}")
)

func maskVariables(text string) string { return variablePattern.ReplaceAllString(text, variableMask) }

func unmaskVariables(text string) string { return variableUnmask.Replace(text) }

// Check refuses names that cannot be filled in, and values that are no text, with a failure of kind Config.
func (v Variables) Check() error {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		at := Place{Flag: "--var " + name}
		if !variableName.MatchString(name) {
			return Problem(at, "a name is made of letters, digits and _, as in --var DATE=2026-01-31")
		}
		if !utf8.ValidString(v[name]) {
			return Problem(at, "the value is not UTF-8 text")
		}
	}
	return nil
}

// Fill replaces each ${NAME} in text by its value, and each $${ by ${. Values are taken
// as they are: what looks like a variable in one is not filled again. A ${ that begins no variable, and one without
// a value, are errors; the caller knows their place.
func (v Variables) Fill(text string) (string, error) {
	var filled strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		if !found {
			filled.WriteString(text)
			return filled.String(), nil
		}
		if escaped, ok := strings.CutSuffix(before, "$"); ok {
			filled.WriteString(escaped + "${")
			text = after
			continue
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed || !variableName.MatchString(name) {
			return "", errors.New("${ starts a variable, such as ${DATE}; write $${ for a plain ${")
		}
		value, known := v[name]
		if !known {
			return "", v.unknown(name)
		}
		filled.WriteString(before + value)
		text = rest
	}
}

// unknown says that a variable has no value, and which ones have.
func (v Variables) unknown(name string) error {
	names := slices.Sorted(maps.Keys(v))
	message := fmt.Sprintf("the variable ${%[1]s} has no value; give it one with --var %[1]s=VALUE", name)
	if near, ok := words.Nearest(name, names); ok {
		return fmt.Errorf("%s, or did you mean ${%s}?", message, near)
	}
	if len(names) > 0 {
		return fmt.Errorf("%s (known: %s)", message, strings.Join(names, ", "))
	}
	return errors.New(message)
}
