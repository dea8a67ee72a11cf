package expr

import (
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
)

// Program is a checked condition. It does not change and is safe for concurrent use.
type Program struct {
	root      *node
	columns   []string
	perRow    bool // evaluate everything row by row
	usesToday bool
}

// Compile parses a condition and checks it against the columns of schema; today() is the date of today in UTC, and no date where that is
// zero. Its errors are of kind Config and say where in the text something is wrong, and what to write.
func Compile(text string, schema *arrow.Schema, today time.Time) (*Program, error) {
	p, err := parse(text)
	if err != nil {
		return nil, err
	}
	program := &Program{}
	c := checker{parsed: p, schema: schema, today: today, usesToday: &program.usesToday}
	root, err := c.check(p.root)
	if err != nil {
		return nil, err
	}
	if root.typ.kind == kindNull {
		return nil, c.at(p.root, "null is not a condition").WithHint("test for NULL with == null or != null")
	}
	if root.typ.kind != kindBool {
		return nil, c.notBoolean(p.root, root)
	}
	program.root = root
	root.walk(func(n *node) {
		n.choose()
		if n.op == opColumn {
			program.columns = append(program.columns, n.column)
		}
	})
	slices.Sort(program.columns)
	program.columns = slices.Compact(program.columns)
	return program, nil
}

// Columns are the names of the columns that the condition reads, sorted.
func (p *Program) Columns() []string { return slices.Clone(p.columns) }

// UsesToday says whether the condition asks for today().
func (p *Program) UsesToday() bool { return p.usesToday }

// RowByRow are the parts of the condition that have no columnar form and are evaluated
// for one row after the other.
func (p *Program) RowByRow() []string {
	var parts []string
	p.root.walk(func(n *node) {
		if n.rowByRow() {
			parts = append(parts, n.String())
		}
	})
	slices.Sort(parts)
	return slices.Compact(parts)
}

// Truth is what a condition is for the rows of a record. A row is true, false, NULL or
// failed; it is false if it is none of the others.
type Truth struct {
	Rows int
	// True, Null and Failed have the bit i%64 of the word i/64 set for row i. They have
	// no bit in common. A slice without words has no bit set.
	True, Null, Failed []uint64
}

// Eval evaluates the condition for every row of a record that has at least the columns
// that it reads, by name. The result shares no memory with the record. A record that lacks one of them, or has it
// in another type than [Compile] was told, is an error; a row that cannot be evaluated is not: it is in Failed.
func (p *Program) Eval(record arrow.Record) (Truth, error) {
	e := newEvaluation(record)
	evaluate := e.eval
	if p.perRow {
		evaluate = e.evalRows
	}
	v, err := evaluate(p.root)
	if err != nil {
		return Truth{}, fmt.Errorf("evaluating %s: %w", p.root, err)
	}
	return Truth{Rows: e.rows, True: v.trues, Null: v.null, Failed: v.failed}, nil
}

// evalRows evaluates a node for one row after the other.
func (e *evaluation) evalRows(n *node) (*vector, error) {
	columns := map[string]*vector{}
	var err error
	n.walk(func(part *node) {
		if part.op == opColumn && err == nil {
			columns[part.column], err = e.column(part)
		}
	})
	if err != nil {
		return nil, err
	}
	out := newVector(n.typ, e.rows)
	for i := range e.rows {
		out.put(i, n.evalRow(func(column string) value { return columns[column].at(i) }))
	}
	return out, nil
}
