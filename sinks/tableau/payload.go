package tableau

import (
	"fmt"
	"slices"
	"strings"
)

// The rules for the payload of a data update.
const (
	RulePayloadColumn Rule = "columns of the payload are columns of the data source"
	RulePayloadType   Rule = "columns have the types that they have in the data source"
	RuleMatchColumn   Rule = "the columns that identify a row are in the payload and in the data source"
	RuleDeleteKeys    Rule = "the payload of a delete holds the columns that identify a row, and no others"
	RuleNothingToSet  Rule = "the payload of an update holds columns besides those that identify a row"
	RuleMissingValue  Rule = "new rows have a value in every column that takes no NULL"
)

// Column is a column of a payload or of a published table.
type Column struct {
	Name     string `json:"name"`
	Type     string `json:"type"` // as in CREATE TABLE, without nullability
	Nullable bool   `json:"nullable"`
}

// CheckPayload says what is wrong with a payload of those columns for an action of that
// kind on a table of those columns, whose rows match identifies; nothing if it can be sent.
func CheckPayload(kind ActionKind, match []string, payload, target []Column) []Problem {
	var problems []Problem
	add := func(rule Rule, hint, format string, args ...any) {
		problems = append(problems, Problem{Rule: rule, Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	for _, name := range match {
		if at(payload, name) < 0 {
			add(RuleMatchColumn, "load the column, or correct match", "the payload lacks the column %q of match", name)
		}
		if at(target, name) < 0 {
			add(RuleMatchColumn, "correct match", "the data source lacks the column %q of match", name)
		}
	}
	others := 0
	for _, column := range payload {
		if slices.Contains(match, column.Name) {
			continue
		}
		others++
		if kind == Delete {
			add(RuleDeleteKeys, "load only the columns of match",
				"the payload of a delete holds the column %q, which match does not name", column.Name)
		}
	}
	if kind == UpdateRows && others == 0 {
		add(RuleNothingToSet, "load the columns that change", "the payload of the update holds nothing but the columns of match")
	}
	if kind != Delete {
		problems = append(problems, checkColumns(match, payload, target)...)
	}
	if kind == Insert || kind == Upsert || kind == ReplaceAll {
		problems = append(problems, checkMissing(payload, target)...)
	}
	return problems
}

// checkColumns compares the columns of the payload with those that the table has.
func checkColumns(match []string, payload, target []Column) []Problem {
	var problems []Problem
	for _, column := range payload {
		position := at(target, column.Name)
		switch {
		case position < 0 && slices.Contains(match, column.Name): // told already
		case position < 0:
			problems = append(problems, Problem{
				Rule: RulePayloadColumn, Message: fmt.Sprintf("the data source lacks the column %q of the payload", column.Name),
				Hint: "drop the column, rename it, or publish with mode overwrite",
			})
		case !strings.EqualFold(target[position].Type, column.Type):
			problems = append(problems, Problem{
				Rule: RulePayloadType,
				Message: fmt.Sprintf("column %q is %s in the payload, but %s in the data source",
					column.Name, column.Type, target[position].Type),
				Hint: "set its type in columns, or publish with mode overwrite",
			})
		}
	}
	return problems
}

// checkMissing finds columns that would be NULL in new rows and must not be.
func checkMissing(payload, target []Column) []Problem {
	var problems []Problem
	for _, column := range target {
		if !column.Nullable && at(payload, column.Name) < 0 {
			problems = append(problems, Problem{
				Rule: RuleMissingValue, Message: fmt.Sprintf("the payload lacks the column %q, which takes no NULL in the data source", column.Name),
				Hint: "load the column",
			})
		}
	}
	return problems
}

func at(columns []Column, name string) int {
	return slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
}
