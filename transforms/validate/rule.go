package validate

import (
	"fmt"

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
// row must meet, or an expression. NULL meets all but NotNull. Rules travel to workers as
// JSON, with the values of InFile.
type Rule struct {
	Name      string    `yaml:"name" json:"name,omitempty"`             // default: the column and the conditions in words, or the expression
	Column    string    `yaml:"column" json:"column,omitempty"`         // mapped column; required without Expr
	NotNull   bool      `yaml:"not_null" json:"not_null,omitempty"`     // NULL breaks the rule
	Min       *Literal  `yaml:"min" json:"min,omitempty"`               // the least value that passes
	Max       *Literal  `yaml:"max" json:"max,omitempty"`               // the greatest value that passes
	In        []Literal `yaml:"in" json:"in,omitempty"`                 // the only values that pass
	InFile    string    `yaml:"in_file" json:"in_file,omitempty"`       // the file with the only values that pass, see [ReadSets]
	MinLength *int      `yaml:"min_length" json:"min_length,omitempty"` // the fewest characters (code points) that pass
	MaxLength *int      `yaml:"max_length" json:"max_length,omitempty"` // the most characters (code points) that pass
	Matches   string    `yaml:"matches" json:"matches,omitempty"`       // RE2 that must match somewhere in the text; $ is its very end
	Finite    bool      `yaml:"finite" json:"finite,omitempty"`         // NaN and the infinities break the rule
	Expr      string    `yaml:"expr" json:"expr,omitempty"`             // CEL that must not be false, instead of Column and conditions
	OnFail    OnFail    `yaml:"on_fail" json:"on_fail,omitempty"`       // what becomes of a row that breaks it; default: reject

	// Values are the lines of InFile, once it was read.
	Values []string `yaml:"-" json:"values,omitempty"`

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
	for _, key := range []string{"min", "max", "in", "in_file", "min_length", "max_length", "matches", "expr"} {
		if node, ok := nodes[key]; ok && (node == nil || node.Type() == ast.NullType) {
			return fmt.Errorf("rule %q: %s", r.title(), nullHint(key))
		}
	}
	return nil
}

func nullHint(key string) string {
	return fmt.Sprintf("%s cannot be null: NULL passes every rule but not_null, so write not_null: true to refuse it", key)
}

// valueConditions are the keys of the conditions that a rule puts on values: all but
// not_null, which is on their absence.
func (r Rule) valueConditions() []string {
	var keys []string
	for _, condition := range []struct {
		key   string
		given bool
	}{
		{"min", r.Min != nil}, {"max", r.Max != nil},
		{"in", r.In != nil}, {"in_file", r.InFile != ""},
		{"min_length", r.MinLength != nil}, {"max_length", r.MaxLength != nil}, {"matches", r.Matches != ""},
		{"finite", r.Finite},
	} {
		if condition.given {
			keys = append(keys, condition.key)
		}
	}
	return keys
}

// set is the members of in or in_file; nil if the rule has neither.
func (r Rule) set() []Literal {
	if r.Values == nil {
		return r.In
	}
	set := make([]Literal, len(r.Values))
	for i, value := range r.Values {
		set[i] = Literal{Text: value, Quoted: true}
	}
	return set
}
