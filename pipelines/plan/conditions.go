package plan

import (
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/expr"
	"hyperlake/pipelines/config"
	"hyperlake/transforms/parquetread"
)

// condition is one of those that rows are read under: a row for which it is not true is left out.
type condition struct {
	text    string
	undated string // the same on whatever date
	program *expr.Program
	isFixed bool // it speaks of partition columns alone, so that a file has one answer
}

// addCondition adds a condition on mapped columns, with what it is on whatever date; an empty one is none.
func (m *mapping) addCondition(text, undated string, mapped *arrow.Schema) error {
	if text == "" {
		return nil
	}
	program, err := expr.Compile(text, mapped, m.table.Today)
	if err == nil {
		m.conditions = append(m.conditions, condition{text: text, undated: undated, program: program})
	}
	return err
}

// alwaysTrue holds, and stands for conditions whose answers are in the versions of units.
const alwaysTrue = "true"

// allOf is a condition that is true where all are.
func allOf(conditions []condition) string {
	switch len(conditions) {
	case 0:
		return ""
	case 1:
		return conditions[0].text
	}
	var texts []string
	for _, c := range conditions {
		texts = append(texts, "("+c.text+"\n)") // the line ends a comment
	}
	return strings.Join(texts, " && ")
}

// setFixed notes which conditions speak of columns alone that have one value in each file, those that are what they are in the lake.
func (m *mapping) setFixed(constants []unitConstant, columns map[string]config.ColumnConfig) {
	isConstant := func(column string) bool {
		asked := columns[column]
		return asked.Type == "" && asked.Default == nil &&
			slices.ContainsFunc(constants, func(c unitConstant) bool { return c.column == column })
	}
	for i := range m.conditions {
		c := &m.conditions[i]
		names := c.program.Columns()
		c.isFixed = len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return !isConstant(name) })
	}
}

// answers are what conditions on partition columns say of a file.
type answers struct {
	isLeftOut bool   // no row of the file is read, and none can break a rule by that
	text      string // what they are, if not all are true
}

// answersFor asks the conditions on partition columns for a file, by its index.
func (m *mapping) answersFor(constants []unitConstant, file int) (answers, error) {
	var found answers
	isOpen := len(m.conditions) == 0 // whether other conditions have a say
	for _, c := range m.conditions {
		if !c.isFixed {
			isOpen = true
			continue
		}
		truth, err := m.ask(c, constants, file)
		if err != nil {
			return answers{}, err
		}
		found.text += truth
		found.isLeftOut = found.isLeftOut || truth == isFalse
	}
	hasNull, hasFailed := strings.Contains(found.text, isNull), strings.Contains(found.text, isFailed)
	found.isLeftOut = found.isLeftOut || hasNull && !hasFailed && !isOpen
	if strings.Trim(found.text, isTrue) == "" {
		found.text = ""
	}
	return found, nil
}

// What a condition can say.
const (
	isTrue   = "t"
	isFalse  = "f"
	isNull   = "n"
	isFailed = "e"
)

// ask evaluates a condition for the values that partition columns have in a file.
//
// A value that is none of its column is nothing to ask for: reading the file fails.
func (m *mapping) ask(c condition, constants []unitConstant, file int) (string, error) {
	var fields []arrow.Field
	var columns []arrow.Array
	for _, constant := range constants {
		if !slices.Contains(c.program.Columns(), constant.column) {
			continue
		}
		field := m.field(constant.column)
		value, err := parquetread.PartitionValue(field, constant.values[file])
		if err != nil {
			return isFailed, nil //nolint:nilerr // see above
		}
		fields, columns = append(fields, field), append(columns, value)
	}
	record := array.NewRecord(arrow.NewSchema(fields, nil), columns, 1)
	truth, err := c.program.Eval(record)
	if err != nil {
		return "", err
	}
	has := func(bits []uint64) bool { return len(bits) > 0 && bits[0]&1 != 0 }
	switch {
	case has(truth.True):
		return isTrue, nil
	case has(truth.Null):
		return isNull, nil
	case has(truth.Failed):
		return isFailed, nil
	}
	return isFalse, nil
}
