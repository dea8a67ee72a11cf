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

// Variables are what fills ${NAME}, and ${NAME:-DEFAULT}, which is DEFAULT where there is no value or an empty one.
type Variables struct {
	Values map[string]string // by name

	// Environment is the value of a variable of the environment, which fills ${env:NAME}; an error where it must not. If it is nil,
	// there are none.
	Environment func(name string) (value string, known bool, err error)

	// Date makes what fills ${date}, and what else begins so, of the text between the braces. If it is nil, that stays as it is.
	Date func(text string) (string, error)
}

// environmentPrefix begins the variables that [Variables.Environment] fills.
const environmentPrefix = "env:"

// dateName is the variable that [Variables.Date] fills.
const dateName = "date"

var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	datePattern  = regexp.MustCompile(`^date(?:[^A-Za-z0-9_]|$)`)
)

// While YAML is parsed, each ${NAME} is written with characters that no text has, and that
// mean nothing to the parser: to it, a brace inside [ ] or { } would end the value. The
// length stays, and so do the columns in messages.
const (
	maskDollar = '\uFDD0'
	maskOpen   = '\uFDD1'
	maskClose  = '\uFDD2'
)

var (
	variablePattern = regexp.MustCompile(`\$\{((?:env:)?[A-Za-z_][A-Za-z0-9_]*(?::-[^{}\r\n]*)?|date[^A-Za-z0-9_{}\r\n][^{}\r\n]*)\}`)
	variableMask    = string(maskDollar) + string(maskOpen) + "${1}" + string(maskClose)
	variableUnmask  = strings.NewReplacer(string(maskDollar), "$", string(maskOpen), "{", string(maskClose), "}")
)

func maskVariables(text string) string { return variablePattern.ReplaceAllString(text, variableMask) }

func unmaskVariables(text string) string { return variableUnmask.Replace(text) }

// Check refuses names that cannot be filled in, and values that are no text, with a failure of kind Config.
func (v Variables) Check() error {
	for _, name := range slices.Sorted(maps.Keys(v.Values)) {
		at := Place{Flag: "--var " + name}
		if name == dateName {
			return Problem(at, "${date} is the date of the run; give it by --date, as in --date 2026-01-31")
		}
		if !variableName.MatchString(name) {
			return Problem(at, "a name is made of letters, digits and _, as in --var DATE=2026-01-31")
		}
		if !utf8.ValidString(v.Values[name]) {
			return Problem(at, "the value is not UTF-8 text")
		}
	}
	return nil
}

// Fill replaces each ${NAME} in text by its value, ${date} and the like by what Date makes of it, and each $${ by ${. Values are taken
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
		if !closed {
			return "", errNoVariable
		}
		value, err := v.value(name)
		if err != nil {
			return "", err
		}
		filled.WriteString(before + value)
		text = rest
	}
}

var errNoVariable = errors.New("${ starts a variable, such as ${DATE}; write $${ for a plain ${")

// value is what fills a variable.
func (v Variables) value(name string) (string, error) {
	switch {
	case datePattern.MatchString(name) && v.Date == nil:
		return "${" + name + "}", nil
	case datePattern.MatchString(name):
		return v.Date(name)
	}
	name, byDefault, hasDefault := strings.Cut(name, ":-")
	inEnvironment, isOfEnvironment := strings.CutPrefix(name, environmentPrefix)
	if isOfEnvironment {
		name = inEnvironment
	}
	if !variableName.MatchString(name) {
		return "", errNoVariable
	}
	value, known := v.Values[name]
	if isOfEnvironment {
		var err error
		if value, known, err = v.environment(name); err != nil {
			return "", err
		}
	}
	switch {
	case hasDefault && value == "":
		return byDefault, nil
	case isOfEnvironment && !known:
		return "", fmt.Errorf("the environment has no variable %[1]s; set it, or give a default: ${%[2]s%[1]s:-VALUE}", name, environmentPrefix)
	case !known:
		return "", v.unknown(name)
	}
	return value, nil
}

// environment is the value of a variable of the environment.
func (v Variables) environment(name string) (value string, known bool, err error) {
	if v.Environment == nil {
		return "", false, nil
	}
	if value, known, err = v.Environment(name); err == nil && !utf8.ValidString(value) {
		err = fmt.Errorf("the value of %s in the environment is not UTF-8 text", name)
	}
	return value, known, err
}

// unknown says that a variable has no value, and which ones have.
func (v Variables) unknown(name string) error {
	names := slices.Sorted(maps.Keys(v.Values))
	message := fmt.Sprintf("the variable ${%[1]s} has no value; give it one with --var %[1]s=VALUE", name)
	if near, ok := words.Nearest(name, append(slices.Clip(names), dateName)); ok {
		return fmt.Errorf("%s, or did you mean ${%s}?", message, near)
	}
	if len(names) > 0 {
		return fmt.Errorf("%s (known: %s)", message, strings.Join(names, ", "))
	}
	return errors.New(message)
}
