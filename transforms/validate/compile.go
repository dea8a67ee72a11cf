package validate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/apache/arrow/go/v17/arrow"
)

// Compile type-checks rules against the source columns of a table. Its errors name the
// rule, the column and its type, and say what to do.
func Compile(rules []Rule, schema *arrow.Schema) (*Validator, error) {
	v := &Validator{schema: schema}
	for _, rule := range rules {
		compiled, err := compile(rule, schema)
		if err != nil {
			return nil, fmt.Errorf("rule %q: %w", rule.title(), err)
		}
		v.rules = append(v.rules, compiled)
	}
	v.rules = append(v.rules, validUTF8(schema))
	return v, nil
}

func compile(rule Rule, schema *arrow.Schema) (compiledRule, error) {
	if err := rule.check(); err != nil {
		return compiledRule{}, err
	}
	column, err := findColumn(schema, rule.Column)
	if err != nil {
		return compiledRule{}, err
	}
	checks, err := rule.checks(schema.Field(column).Type)
	if err != nil {
		return compiledRule{}, fmt.Errorf("column %s of type %s: %w", rule.Column, schema.Field(column).Type, err)
	}
	rule.Name = rule.title()
	if rule.OnFail == "" {
		rule.OnFail = Reject
	}
	compiled := compiledRule{Rule: rule}
	for _, check := range checks {
		compiled.conditions = append(compiled.conditions, onColumn{column, check})
	}
	return compiled, nil
}

// check finds what is wrong with a rule whatever the column.
func (r Rule) check() error {
	switch r.OnFail {
	case "", Reject, Fail, Warn:
	default:
		return fmt.Errorf("on_fail is %q; write %s, %s or %s", r.OnFail, Reject, Fail, Warn)
	}
	if r.Column == "" {
		return errors.New("it names no column; add column: NAME")
	}
	if !r.NotNull && r.Min == nil && r.Max == nil && r.In == nil {
		return errors.New("it has no condition; add not_null: true, min, max or in")
	}
	if r.In != nil && len(r.In) == 0 {
		return errors.New("in is empty, so that no value passes; list the values that do")
	}
	if r.Min != nil && r.Min.isNull() {
		return errors.New(nullHint("min"))
	}
	if r.Max != nil && r.Max.isNull() {
		return errors.New(nullHint("max"))
	}
	if slices.ContainsFunc(r.In, Literal.isNull) {
		return errors.New(nullHint("a value of in"))
	}
	return nil
}

// checks are what a value of type t must pass.
func (r Rule) checks(t arrow.DataType) ([]columnCheck, error) {
	var checks []columnCheck
	if r.NotNull {
		found, err := nullChecks(t)
		if err != nil {
			return nil, err
		}
		checks = found
	}
	if r.Min == nil && r.Max == nil && r.In == nil {
		return checks, nil
	}
	found, err := valueChecks(t, r)
	return append(checks, found...), err
}

func findColumn(schema *arrow.Schema, name string) (int, error) {
	switch found := schema.FieldIndices(name); len(found) {
	case 1:
		return found[0], nil
	case 0:
		return 0, fmt.Errorf("there is no column %s%s", name, didYouMean(schema, name))
	default:
		return 0, fmt.Errorf("there are %d columns %s; names must be unique", len(found), name)
	}
}

// didYouMean names the column whose name is the nearest to a wrong one.
func didYouMean(schema *arrow.Schema, name string) string {
	nearest, least := "", 0
	for _, f := range schema.Fields() {
		distance := levenshtein.ComputeDistance(strings.ToLower(f.Name), strings.ToLower(name))
		if nearest == "" || distance < least {
			nearest, least = f.Name, distance
		}
	}
	if nearest == "" {
		return ""
	}
	return "; did you mean " + nearest + "?"
}
