package validate

import (
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/expr"
)

// expression is broken by rows for which a CEL condition is false, and by those for which
// it cannot be evaluated, such as a division by zero. Rows for which it is NULL pass.
type expression struct{ program *expr.Program }

// addExpression adds the expression of a rule as its condition.
func (c *compiledRule) addExpression(schema *arrow.Schema, today time.Time) error {
	program, err := expr.Compile(c.Expr, schema, today)
	if err != nil {
		return err
	}
	c.columns = program.Columns()
	c.conditions = append(c.conditions, expression{program})
	return nil
}

func (e expression) mark(record arrow.Record, broken *rowSet) error {
	truth, err := e.program.Eval(record)
	if err != nil {
		return err
	}
	all := bitmap{length: truth.Rows}
	for i := range all.words() {
		broken.addWord(i, all.mask(i)&^(wordAt(truth.True, i)|wordAt(truth.Null, i)))
	}
	return nil
}

// UsesToday says whether where or a rule asks for today().
func (v *Validator) UsesToday() bool {
	if v.where != nil && v.where.program.UsesToday() {
		return true
	}
	return v.RulesUseToday()
}

// RulesUseToday says whether a rule asks for today().
func (v *Validator) RulesUseToday() bool {
	return slices.ContainsFunc(v.rules, func(r compiledRule) bool {
		return slices.ContainsFunc(r.conditions, func(c condition) bool {
			e, ok := c.(expression)
			return ok && e.program.UsesToday()
		})
	})
}

// RowByRow are the parts of where and of the rules' expressions that have no columnar
// form, each once.
func (v *Validator) RowByRow() []string {
	var parts []string
	if v.where != nil {
		parts = v.where.program.RowByRow()
	}
	for _, rule := range v.rules {
		for _, c := range rule.conditions {
			if e, ok := c.(expression); ok {
				parts = append(parts, e.program.RowByRow()...)
			}
		}
	}
	slices.Sort(parts)
	return slices.Compact(parts)
}

// Columns are the mapped columns that where and the rules of the table read, each once.
func (v *Validator) Columns() []string {
	var columns []string
	if v.where != nil {
		columns = slices.Clone(v.where.columns)
	}
	for _, rule := range v.rules {
		for _, column := range rule.columns {
			if !slices.Contains(columns, column) {
				columns = append(columns, column)
			}
		}
	}
	return columns
}
