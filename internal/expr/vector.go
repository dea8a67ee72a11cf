package expr

import (
	"math/big"

	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

// vector holds the values of an expression for the rows of a batch. Its type says which
// of the slices is in use; what they hold for rows that are NULL or failed means nothing.
type vector struct {
	typ    valueType
	rows   int
	null   bitset
	failed bitset // has no bit in common with null

	trues    bitset // booleans: true, and neither NULL nor failed; not nil
	ints     []int64
	narrow   []int32 // instead of ints
	uints    []uint64
	doubles  []float64
	decimals []decimal128.Num
	bigs     []*big.Int // decimals that are wide
	text     texts      // text and bytes
}

// texts are strings that lie in a buffer of Arrow, or anywhere.
type texts struct {
	offsets []int32
	data    string
	views   []string // instead of offsets and data
	entries []int32  // if there are any: the string of each row, by its number
}

// distinct is how many strings there are; rows may share them.
func (t texts) distinct() int {
	if t.views != nil || len(t.offsets) == 0 {
		return len(t.views)
	}
	return len(t.offsets) - 1
}

// entry is one of the distinct strings.
func (t texts) entry(i int) string {
	if t.views != nil {
		return t.views[i]
	}
	return t.data[t.offsets[i]:t.offsets[i+1]]
}

// row is the string of a row that is not NULL.
func (t texts) row(i int) string {
	if t.entries != nil {
		return t.entry(int(t.entries[i]))
	}
	return t.entry(i)
}

// settle makes the bits of a boolean vector those of rows that are neither NULL nor failed.
func (v *vector) settle() {
	v.trues = without(without(v.trues, v.null), v.failed)
}

// falses are the rows of a boolean vector that are false.
func (v *vector) falses() bitset {
	return complement(union(v.trues, union(v.null, v.failed)), v.rows)
}

// at is the value of a row.
func (v *vector) at(i int) value {
	if v.failed.get(i) {
		return failedValue
	}
	if v.null.get(i) {
		return nullValue
	}
	switch v.typ.kind {
	case kindNull:
		return nullValue
	case kindBool:
		return boolValue(v.trues.get(i))
	case kindUint:
		return value{i: int64(v.uints[i])}
	case kindDouble:
		return value{f: v.doubles[i]}
	case kindDecimal:
		if v.typ.wide() {
			return value{d: v.bigs[i]}
		}
		return value{d: v.decimals[i].BigInt()}
	case kindText, kindBytes:
		return value{s: v.text.row(i)}
	}
	if v.ints == nil {
		return value{i: int64(v.narrow[i])}
	}
	return value{i: v.ints[i]}
}

// wide are the values of everything that counts.
func (v *vector) wide() []int64 {
	if v.narrow != nil && v.ints == nil {
		v.ints = widen(v.narrow)
	}
	return v.ints
}

// newVector has room for the values of a type.
func newVector(t valueType, rows int) *vector {
	v := &vector{typ: t, rows: rows}
	switch t.kind {
	case kindNull:
	case kindBool:
		v.trues = newBitset(rows)
	case kindUint:
		v.uints = make([]uint64, rows)
	case kindDouble:
		v.doubles = make([]float64, rows)
	case kindDecimal:
		if t.wide() {
			v.bigs = make([]*big.Int, rows)
		} else {
			v.decimals = make([]decimal128.Num, rows)
		}
	case kindText, kindBytes:
		v.text.views = make([]string, rows)
	default:
		v.ints = make([]int64, rows)
	}
	return v
}

// put sets the value of a row of a new vector.
func (v *vector) put(i int, x value) {
	if x.state != known {
		v.putState(i, x.state)
		return
	}
	switch v.typ.kind {
	case kindNull:
	case kindBool:
		if x.isTrue() {
			v.trues.set(i)
		}
	case kindUint:
		v.uints[i] = uint64(x.i)
	case kindDouble:
		v.doubles[i] = x.f
	case kindDecimal:
		switch {
		case v.typ.wide():
			v.bigs[i] = x.d
		case x.d.BitLen() < 128:
			v.decimals[i] = decimal128.FromBigInt(x.d)
		default: // only of columns whose values have more digits than their type
			v.putState(i, failed)
		}
	case kindText, kindBytes:
		v.text.views[i] = x.s
	default:
		v.ints[i] = x.i
	}
}

func (v *vector) putState(i int, s state) {
	which := &v.null
	if s == failed {
		which = &v.failed
	}
	if *which == nil {
		*which = newBitset(v.rows)
	}
	which.set(i)
}

// repeat has one value in every row.
func repeat(t valueType, x value, rows int) *vector {
	v := newVector(t, rows)
	switch {
	case rows == 0:
		return v
	case x.state == null:
		v.null = fullBitset(rows)
		return v
	case x.state == failed:
		v.failed = fullBitset(rows)
		return v
	case t.kind == kindBool && x.isTrue():
		v.trues = fullBitset(rows)
		return v
	}
	v.put(0, x)
	fill(v.ints)
	fill(v.uints)
	fill(v.doubles)
	fill(v.decimals)
	fill(v.bigs)
	fill(v.text.views)
	return v
}

// fill copies the first value to all others.
func fill[T any](values []T) {
	for i := range values {
		values[i] = values[0]
	}
}
