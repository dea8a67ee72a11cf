package validate

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// Problem is something that is wrong with a rule.
type Problem struct {
	Key string // the key to correct; empty for the rule as a whole
	Err error  // what to write; not which rule it is about
}

// Check is the first of [Rule.Problems].
func (r Rule) Check() (key string, err error) {
	if wrong := r.Problems(); len(wrong) > 0 {
		return wrong[0].Key, wrong[0].Err
	}
	return "", nil
}

// Problems are what is wrong with a rule whatever the columns of its table are.
func (r Rule) Problems() []Problem {
	var wrong []Problem
	for _, check := range []func() (string, error){
		r.checkOnFail, r.checkParts, r.checkSet, r.checkLengths, r.checkMatches, r.checkBounds,
	} {
		if key, err := check(); err != nil {
			wrong = append(wrong, Problem{key, err})
		}
	}
	return wrong
}

func (r Rule) checkOnFail() (key string, err error) {
	switch r.OnFail {
	case "", Reject, Fail, Warn:
		return "", nil
	}
	return "on_fail", fmt.Errorf("on_fail is %q; write %s, %s or %s", r.OnFail, Reject, Fail, Warn)
}

// checkParts is the part of Problems about what a rule is made of.
func (r Rule) checkParts() (key string, err error) {
	conditions := r.valueConditions()
	if r.NotNull {
		conditions = slices.Insert(conditions, 0, "not_null")
	}
	switch {
	case r.Expr != "" && r.Column != "":
		return "column", errors.New("expr names its columns itself; remove column")
	case r.Expr != "" && len(conditions) > 0:
		return conditions[0], fmt.Errorf("expr stands alone; move %s into a rule of its own", conditions[0])
	case r.Expr != "":
		return "", nil
	case r.Column == "":
		return "", errors.New("it names no column; add column: NAME, or write the condition as expr")
	case len(conditions) == 0:
		return "", errors.New("it has no condition; add not_null: true, min, max, in, in_file, min_length, max_length, matches or finite: true")
	}
	return "", nil
}

// checkBounds is the part of Problems about min and max.
func (r Rule) checkBounds() (key string, err error) {
	if r.Min != nil && r.Min.isNull() {
		return "min", errors.New(nullHint("min"))
	}
	if r.Max != nil && r.Max.isNull() {
		return "max", errors.New(nullHint("max"))
	}
	return "", nil
}

// checkSet is the part of Problems about in and in_file.
func (r Rule) checkSet() (key string, err error) {
	switch {
	case r.In != nil && r.InFile != "":
		return "in_file", errors.New("it has both in and in_file; move the values into one of them")
	case r.In != nil && len(r.In) == 0:
		return "in", errors.New("in is empty, so that no value passes; list the values that do")
	case slices.ContainsFunc(r.In, Literal.isNull):
		return "in", errors.New(nullHint("a value of in"))
	}
	return "", nil
}

// checkLengths is the part of Problems about the length of text.
func (r Rule) checkLengths() (key string, err error) {
	for _, length := range []struct {
		key   string
		value *int
	}{{"min_length", r.MinLength}, {"max_length", r.MaxLength}} {
		if length.value != nil && *length.value < 0 {
			return length.key, fmt.Errorf("%s is %d; lengths are 0 or more characters", length.key, *length.value)
		}
	}
	if r.MinLength != nil && r.MaxLength != nil && *r.MinLength > *r.MaxLength {
		return "max_length", fmt.Errorf("no text has at least %s and at most %s", characters(*r.MinLength), characters(*r.MaxLength))
	}
	return "", nil
}

// checkMatches is the part of Problems about the form of text.
func (r Rule) checkMatches() (key string, err error) {
	if _, err := regexp.Compile(r.Matches); err != nil {
		return "matches", fmt.Errorf("matches: %w; write a regular expression as RE2 knows them", err)
	}
	return "", nil
}
