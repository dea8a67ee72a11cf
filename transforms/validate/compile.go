package validate

import (
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/convert"
	"hyperlake/internal/words"
)

// PartError is what is wrong with a rule of a table, or with its where.
type PartError struct {
	Rule int // its index; -1 for where
	Err  error
}

func (e *PartError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *PartError) Unwrap() error { return e.Err }

// Compile checks what a table asks for against the columns of its source. Its errors name
// the rule or the column and its type, and say what to do. Of rules and where, all that is wrong
// is told: one [PartError] for each, joined.
func Compile(table Ruleset, source *arrow.Schema) (*Validator, error) {
	mapping, err := convert.Compile(source, table.Nested, table.Columns)
	if err != nil {
		return nil, err
	}
	v := &Validator{source: source, mapping: mapping}
	var wrong []error
	for i, rule := range table.Rules {
		compiled, err := compile(rule, mapping.Schema(), table.Today)
		if err != nil {
			wrong = append(wrong, &PartError{i, fmt.Errorf("rule %q: %w", rule.title(), err)})
		}
		v.rules = append(v.rules, compiled)
	}
	if table.Where != "" {
		if v.where, err = newFilter(table.Where, mapping.Schema(), table.Today); err != nil {
			wrong = append(wrong, &PartError{-1, fmt.Errorf("where: %w", err)})
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	v.addBuiltins()
	return v, nil
}

// addBuiltins adds the rules that no table has to ask for.
func (v *Validator) addBuiltins() {
	columns := v.mapping.Schema().Fields()
	v.conversion = make([]int, len(columns))
	for i, column := range columns {
		v.conversion[i] = noRule
		if !v.mapping.Shared(i) {
			v.conversion[i] = v.addBuiltin(column.Name + " " + v.mapping.Reason(i))
		}
	}
	if v.where != nil {
		v.evaluation = v.addBuiltin("where cannot be evaluated")
	}
	v.rules = append(v.rules, validUTF8(v.mapping.Schema()))
}

// addBuiltin adds a rule whose broken rows are known otherwise than by conditions.
func (v *Validator) addBuiltin(name string) int {
	v.rules = append(v.rules, compiledRule{Rule: Rule{Name: name, OnFail: Reject, Builtin: true}})
	return len(v.rules) - 1
}

func compile(rule Rule, schema *arrow.Schema, today time.Time) (compiledRule, error) {
	if _, err := rule.Check(); err != nil {
		return compiledRule{}, err
	}
	compiled := compiledRule{Rule: rule}
	compiled.Name = rule.title()
	compiled.Values = nil // the conditions have them
	compiled.expected = rule.words()
	if rule.Expr != "" {
		compiled.expected = onOneLine(rule.Expr)
	}
	if compiled.OnFail == "" {
		compiled.OnFail = Reject
	}
	var err error
	if rule.Expr != "" {
		err = compiled.addExpression(schema, today)
	} else {
		err = compiled.addChecks(rule, schema)
	}
	return compiled, err
}

// addChecks adds the conditions of a rule on its column.
func (c *compiledRule) addChecks(rule Rule, schema *arrow.Schema) error {
	column, err := findColumn(schema, rule.Column)
	if err != nil {
		return err
	}
	checks, err := rule.checks(schema.Field(column).Type)
	if err != nil {
		return fmt.Errorf("column %s of type %s: %w", rule.Column, schema.Field(column).Type, err)
	}
	c.columns = []string{rule.Column}
	for _, check := range checks {
		c.conditions = append(c.conditions, onColumn{column, check})
	}
	return nil
}

// checks are what a value of type t must pass.
func (r Rule) checks(t arrow.DataType) ([]columnCheck, error) {
	if r.InFile != "" && r.Values == nil {
		return nil, fmt.Errorf("in_file %s was not read", r.InFile)
	}
	var checks []columnCheck
	if r.NotNull {
		found, err := nullChecks(t)
		if err != nil {
			return nil, err
		}
		checks = found
	}
	if len(r.valueConditions()) == 0 {
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
	var names []string
	for _, f := range schema.Fields() {
		names = append(names, f.Name)
	}
	nearest := words.Closest(name, names)
	if nearest == "" {
		return ""
	}
	return "; did you mean " + nearest + "?"
}
