package validate

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// Check finds what is wrong with a rule whatever the columns of its table are. key is the
// key to correct, empty for the rule as a whole. The error says what to write; the caller
// adds which rule it is about.
func (r Rule) Check() (key string, err error) {
	switch r.OnFail {
	case "", Reject, Fail, Warn:
	default:
		return "on_fail", fmt.Errorf("on_fail is %q; write %s, %s or %s", r.OnFail, Reject, Fail, Warn)
	}
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
	if key, err := r.checkSet(); err != nil {
		return key, err
	}
	if key, err := r.checkText(); err != nil {
		return key, err
	}
	if r.Min != nil && r.Min.isNull() {
		return "min", errors.New(nullHint("min"))
	}
	if r.Max != nil && r.Max.isNull() {
		return "max", errors.New(nullHint("max"))
	}
	return "", nil
}

// checkSet is the part of Check about in and in_file.
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

// checkText is the part of Check about the length and the form of text.
func (r Rule) checkText() (key string, err error) {
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
	if _, err := regexp.Compile(r.Matches); err != nil {
		return "matches", fmt.Errorf("matches: %w; write a regular expression as RE2 knows them", err)
	}
	return "", nil
}
