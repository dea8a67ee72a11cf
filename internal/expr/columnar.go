package expr

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
)

// kernel evaluates an operator for all rows of a batch.
type kernel struct {
	operands []*node // what run is given: the arguments, but for constants that it knows
	// run fills out from vectors of the operands, for rows that have no value too, and
	// returns the rows in which the operator fails, or nil.
	run func(operands []*vector, out *vector) bitset
}

// choose gives a node its kernel, if there is one.
func (n *node) choose() {
	switch n.op {
	case opEqual, opNotEqual, opLess, opLessEqual, opGreater, opGreaterEqual:
		n.kernel = comparisonKernel(n)
	case opIn:
		n.kernel = membershipKernel(n)
	case opAdd, opSubtract, opMultiply, opDivide, opModulo:
		n.kernel = arithmeticKernel(n)
	case opNegate:
		n.kernel = negationKernel(n)
	case opCast:
		n.kernel = castKernel(n)
	case opCall:
		if n.function.kernel != nil {
			n.kernel = n.function.kernel(n)
		}
	}
}

// rowByRow tells whether an operator is evaluated for one row after the other.
func (n *node) rowByRow() bool { return n.op >= opEqual && n.kernel == nil }

// evaluation is that of one record.
type evaluation struct {
	record  arrow.Record
	rows    int
	columns map[string]*vector
}

func newEvaluation(record arrow.Record) *evaluation {
	return &evaluation{record: record, rows: int(record.NumRows()), columns: map[string]*vector{}}
}

// column loads a column once.
func (e *evaluation) column(n *node) (*vector, error) {
	if v, ok := e.columns[n.column]; ok {
		return v, nil
	}
	found := e.record.Schema().FieldIndices(n.column)
	if len(found) != 1 {
		return nil, fmt.Errorf("column %s: the record has %d columns of that name", n.column, len(found))
	}
	v, err := load(e.record.Column(found[0]))
	if err != nil {
		return nil, fmt.Errorf("column %s: %w", n.column, err)
	}
	if v.typ != n.typ {
		return nil, fmt.Errorf("column %s: the expression was made for %s, but the record has %s", n.column, n.typ, v.typ)
	}
	e.columns[n.column] = v
	return v, nil
}

// eval evaluates a node for all rows.
func (e *evaluation) eval(n *node) (*vector, error) {
	switch n.op {
	case opConstant:
		return repeat(n.typ, n.value, e.rows), nil
	case opColumn:
		return e.column(n)
	}
	operands := n.args
	if n.kernel != nil {
		operands = n.kernel.operands
	}
	vectors := make([]*vector, len(operands))
	for i, operand := range operands {
		v, err := e.eval(operand)
		if err != nil {
			return nil, err
		}
		vectors[i] = v
	}
	switch n.op {
	case opNot:
		v := vectors[0]
		return &vector{typ: boolType, rows: e.rows, trues: v.falses(), null: v.null, failed: v.failed}, nil
	case opIsNull:
		v := vectors[0]
		return &vector{typ: boolType, rows: e.rows, trues: union(newBitset(e.rows), v.null), failed: v.failed}, nil
	case opAnd:
		return conjunction(vectors[0], vectors[1]), nil
	case opOr:
		return disjunction(vectors[0], vectors[1]), nil
	case opIf:
		return branch(vectors[0], vectors[1], vectors[2]), nil
	}
	if n.kernel == nil {
		return e.strictRows(n, vectors), nil
	}
	return e.strictBatch(n, vectors), nil
}

// strictRows evaluates an operator without a kernel.
func (e *evaluation) strictRows(n *node, vectors []*vector) *vector {
	out := newVector(n.typ, e.rows)
	args := make([]value, len(vectors))
	for i := range e.rows {
		for j, v := range vectors {
			args[j] = v.at(i)
		}
		out.put(i, n.strict(args))
	}
	return out
}

// strictBatch runs a kernel.
func (e *evaluation) strictBatch(n *node, vectors []*vector) *vector {
	out := newVector(n.typ, e.rows)
	for _, v := range vectors {
		out.null, out.failed = union(out.null, v.null), union(out.failed, v.failed)
	}
	out.null = without(out.null, out.failed)
	fails := n.kernel.run(vectors, out)
	out.failed = union(out.failed, without(fails, out.null))
	if n.typ.kind == kindBool {
		out.settle()
	}
	return out
}

// conjunction is a && b.
func conjunction(a, b *vector) *vector {
	out := &vector{typ: boolType, rows: a.rows, trues: intersect(a.trues, b.trues)}
	if a.null == nil && b.null == nil && a.failed == nil && b.failed == nil {
		return out
	}
	falses := union(a.falses(), b.falses())
	out.failed = without(union(a.failed, b.failed), falses)
	out.null = without(without(union(a.null, b.null), falses), out.failed)
	return out
}

// disjunction is a || b.
func disjunction(a, b *vector) *vector {
	out := &vector{typ: boolType, rows: a.rows, trues: union(a.trues, b.trues)}
	out.failed = without(union(a.failed, b.failed), out.trues)
	out.null = without(without(union(a.null, b.null), out.trues), out.failed)
	return out
}

// branch is condition ? a : b.
func branch(condition, a, b *vector) *vector {
	yes, no := condition.trues, condition.falses()
	out := newVector(a.typ, a.rows)
	out.null = union(condition.null, union(intersect(yes, a.null), intersect(no, b.null)))
	out.failed = union(condition.failed, union(intersect(yes, a.failed), intersect(no, b.failed)))
	switch a.typ.kind {
	case kindNull:
	case kindBool:
		out.trues = union(intersect(yes, a.trues), intersect(no, b.trues))
	case kindUint:
		mix(out.uints, a.uints, b.uints, yes)
	case kindDouble:
		mix(out.doubles, a.doubles, b.doubles, yes)
	case kindDecimal:
		mix(out.decimals, a.decimals, b.decimals, yes)
		mix(out.bigs, a.bigs, b.bigs, yes)
	case kindText, kindBytes:
		for i := range out.text.views {
			if !out.null.get(i) && !out.failed.get(i) {
				out.text.views[i] = pick(yes.get(i), a, b).text.row(i)
			}
		}
	default:
		mix(out.ints, a.wide(), b.wide(), yes)
	}
	return out
}

func pick(first bool, a, b *vector) *vector {
	if first {
		return a
	}
	return b
}

// mix takes from a where a bit is set and from b where it is not.
func mix[T any](out, a, b []T, bits bitset) {
	copy(out, b)
	for i := range out {
		if bits.get(i) {
			out[i] = a[i]
		}
	}
}
