package validate

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// OnFail says what happens to a row that breaks a rule.
type OnFail string

// What can happen to a row that breaks a rule.
const (
	Reject OnFail = "reject" // it goes to the rejects; the default
	Fail   OnFail = "fail"   // the run ends
	Warn   OnFail = "warn"   // it is counted and kept
)

// Rule is one entry of a table's rules: one or more conditions on a column, all of which a
// row must meet. NULL meets all but NotNull. Rules travel to workers as JSON.
type Rule struct {
	Name    string    `yaml:"name" json:"name,omitempty"`         // default: the column and the conditions in words
	Column  string    `yaml:"column" json:"column,omitempty"`     // source column; required
	NotNull bool      `yaml:"not_null" json:"not_null,omitempty"` // NULL breaks the rule
	Min     *Literal  `yaml:"min" json:"min,omitempty"`           // the least value that passes
	Max     *Literal  `yaml:"max" json:"max,omitempty"`           // the greatest value that passes
	In      []Literal `yaml:"in" json:"in,omitempty"`             // the only values that pass
	OnFail  OnFail    `yaml:"on_fail" json:"on_fail,omitempty"`   // default: Reject

	// Builtin marks a rule that hyperlake made, not a user: what a sink can hold, or what
	// this package adds itself.
	Builtin bool `yaml:"-" json:"builtin,omitempty"`
}

// UnmarshalYAML reads a rule. It refuses a null where a value is due: the library takes it
// for a key that is not there.
func (r *Rule) UnmarshalYAML(unmarshal func(any) error) error {
	type fields Rule // without this method
	if err := unmarshal((*fields)(r)); err != nil {
		return err
	}
	var nodes map[string]ast.Node
	if err := unmarshal(&nodes); err != nil {
		return err
	}
	for _, key := range []string{"min", "max", "in"} {
		if node, ok := nodes[key]; ok && (node == nil || node.Type() == ast.NullType) {
			return fmt.Errorf("rule %q: %s", r.title(), nullHint(key))
		}
	}
	return nil
}

func nullHint(key string) string {
	return fmt.Sprintf("%s cannot be null: NULL passes every rule but not_null, so write not_null: true to refuse it", key)
}

// title is the name that reports and messages use.
func (r Rule) title() string {
	if r.Name != "" {
		return r.Name
	}
	return r.words()
}

// maxWords is how many members of a set a default name spells out.
const maxWords = 10

// words is the column and the conditions as a phrase, such as "l_quantity >= 1 and <= 50".
func (r Rule) words() string {
	var conditions []string
	if r.NotNull {
		conditions = append(conditions, "not null")
	}
	if r.Min != nil {
		conditions = append(conditions, ">= "+r.Min.String())
	}
	if r.Max != nil {
		conditions = append(conditions, "<= "+r.Max.String())
	}
	if len(r.In) > 0 {
		conditions = append(conditions, "in ["+setWords(r.In)+"]")
	}
	return strings.TrimSpace(r.Column + " " + strings.Join(conditions, " and "))
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
