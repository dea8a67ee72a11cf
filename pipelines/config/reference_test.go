package config_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/referencetest"
	"hyperlake/pipelines/config"
)

// TestReferenceOfConfigurations holds docs/reference/configuration.md against the schema, which is made of the types and their comments.
func TestReferenceOfConfigurations(t *testing.T) {
	t.Parallel()
	var schema keySchema
	require.NoError(t, json.Unmarshal([]byte(config.Schema), &schema))
	var page strings.Builder
	page.WriteString("# Keys of configurations\n\nThe same as `hyperlake schema` says to editors. `[]` stands for each item of a list, " +
		"NAME for a name of your own. Where a number, a truth or a word is due, a text with `${NAME}` may stand, too.\n\n" +
		"| key | value | meaning |\n|---|---|---|\n")
	schema.write(&page, "")
	referencetest.Page(t, "configuration", page.String())
}

// keySchema is what the page has of a JSON Schema.
type keySchema struct {
	Description string                `json:"description"`
	Properties  map[string]*keySchema `json:"properties"`
	Items       *keySchema            `json:"items"`
	Additional  json.RawMessage       `json:"additionalProperties"` // false, or a schema
	AnyOf       []*keySchema          `json:"anyOf"`
	Enum        []any                 `json:"enum"`
	Required    []string              `json:"required"`
	Wanted      string                `json:"patternErrorMessage"` // "must be …, or hold a ${VARIABLE}"
}

// write writes the keys below a path.
func (s *keySchema) write(page *strings.Builder, path string) {
	for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
		of := s.Properties[key]
		value := of.value()
		if slices.Contains(s.Required, key) {
			value += ", required"
		}
		meaning := strings.ReplaceAll(of.Description, "|", `\|`)
		fmt.Fprintf(page, "| `%s` | %s | %s |\n", path+key, value, meaning)
		of.below(page, path+key)
	}
}

// below writes the keys of what is in a list, or under names.
func (s *keySchema) below(page *strings.Builder, path string) {
	s.write(page, path+".")
	if s.Items != nil {
		s.Items.below(page, path+"[]")
	}
	if named := s.named(); named != nil {
		named.below(page, path+".NAME")
	}
}

// named is the schema of values under names of one's own; nil if there are none.
func (s *keySchema) named() *keySchema {
	var named keySchema
	if json.Unmarshal(s.Additional, &named) != nil { // false, or nothing
		return nil
	}
	return &named
}

// value says what kind of value a key takes.
func (s *keySchema) value() string {
	var words []string
	for _, one := range s.AnyOf {
		for _, word := range one.Enum {
			if text := fmt.Sprintf("`%v`", word); !slices.Contains(words, text) {
				words = append(words, text)
			}
		}
	}
	if len(words) > 0 {
		return strings.Join(words, ", ")
	}
	switch wanted := strings.TrimPrefix(strings.TrimSuffix(s.Wanted, ", or hold a ${VARIABLE}"), "must be "); {
	case s.Items != nil:
		return "list"
	case s.named() != nil:
		return "names"
	case len(s.Properties) > 0:
		return "section"
	case len(s.AnyOf) > 0:
		return "text, or a list"
	case wanted != "":
		return wanted
	}
	return "text"
}
