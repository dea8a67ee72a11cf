package ingest

import (
	"errors"
	"slices"
	"strings"
)

var errNoLink = errors.New("the header Link cannot be read")

// nextLink is the address of the relation next in the values of the header Link, or empty where there is none. What is not written as
// RFC 8288 wants it is an error: it might be the link that is looked for.
func nextLink(values []string) (string, error) {
	rest := strings.TrimLeft(strings.Join(values, ","), " \t,")
	for rest != "" {
		address, after, found := strings.Cut(strings.TrimPrefix(rest, "<"), ">")
		if rest[0] != '<' || !found {
			return "", errNoLink
		}
		relations, left, err := linkRelations(after)
		if err != nil {
			return "", err
		}
		if slices.ContainsFunc(relations, func(relation string) bool { return strings.EqualFold(relation, "next") }) {
			return address, nil
		}
		rest = strings.TrimLeft(left, " \t,")
	}
	return "", nil
}

// linkRelations reads the parameters of a link: its relations, and what follows the link.
func linkRelations(text string) (relations []string, rest string, err error) {
	for {
		text = strings.TrimLeft(text, " \t")
		if text == "" || text[0] == ',' {
			return relations, text, nil
		}
		if text[0] != ';' {
			return nil, "", errNoLink
		}
		name, value := strings.TrimLeft(text[1:], " \t"), ""
		if end := strings.IndexAny(name, "=;, \t"); end >= 0 {
			name, text = name[:end], strings.TrimLeft(name[end:], " \t")
		} else {
			text = ""
		}
		if strings.HasPrefix(text, "=") {
			if value, text, err = linkValue(strings.TrimLeft(text[1:], " \t")); err != nil {
				return nil, "", err
			}
		}
		if strings.EqualFold(name, "rel") && relations == nil { // further ones do not count
			relations = strings.Fields(value)
		}
	}
}

// linkValue reads the value of a parameter, which may be quoted.
func linkValue(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ";, \t")
		if end < 0 {
			return text, "", nil
		}
		return text[:end], text[end:], nil
	}
	var unquoted strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return unquoted.String(), text[i+1:], nil
		case '\\':
			i++
		}
		if i < len(text) {
			unquoted.WriteByte(text[i])
		}
	}
	return "", "", errNoLink
}
