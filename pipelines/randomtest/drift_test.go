package randomtest

import (
	"math/big"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
)

// drift makes the columns of some file of a lake differ from those of the others.
func (l lake) drift(r *dice) {
	f := pick(r, l.files...)
	at := r.IntN(len(f.columns))
	switch name := f.columns[at].name; {
	case chance(r, 30) && len(f.columns) > 1: // missing
		*f = *lake{files: []*file{f}}.without(name).files[0]
	case chance(r, 30): // only here
		f.columns = append(f.columns, column{name: "only in " + f.name, kind: pick(r, plainKinds...)})
		f.fill(r, len(f.rows))
	default:
		f.columns[at].kind = pick(r, driftsOf(f.columns[at].kind)...)
		f.columns[at].required = false
		f.fill(r, len(f.rows))
	}
}

var integerKinds = []*kind{int8Kind, uint8Kind, int16Kind, uint16Kind, int32Kind, uint32Kind, int64Kind, uint64Kind} // ascending

// driftsOf are kinds that a column can have in another file; most have something in common.
func driftsOf(k *kind) []*kind {
	switch k.class {
	case integers, decimals:
		return append(slices.Clone(integerKinds), decimalKind(9, 2), decimalKind(18, 0), decimalKind(38, 20), float32Kind, float64Kind)
	case floats:
		return []*kind{float32Kind, float64Kind, int8Kind, uint16Kind, int32Kind, int64Kind}
	default:
		return []*kind{k, nullKind, int32Kind}
	}
}

// union is the kind that holds all values of two, if there is one.
func union(a, b *kind) (*kind, bool) {
	switch {
	case arrow.TypeEqual(a.arrow, b.arrow), b.class == none:
		return a, true
	case a.class == none:
		return b, true
	case a.class == floats || b.class == floats:
		return unionFloat(a, b)
	case a.class == integers && b.class == integers:
		for _, k := range integerKinds {
			if holds(k, a) && holds(k, b) {
				return k, true
			}
		}
	}
	if !a.isExact() || !b.isExact() {
		return nil, false
	}
	beforeA, behindA := digits(a)
	beforeB, behindB := digits(b)
	before, behind := max(beforeA, beforeB), max(behindA, behindB)
	if before+behind > 38 {
		return nil, false
	}
	return decimalKind(before+behind, behind), true
}

// unionFloat is that of a float and another kind: a float holds integers of half its bits.
func unionFloat(a, b *kind) (*kind, bool) {
	if a.class != floats {
		a, b = b, a
	}
	switch {
	case b.class == floats:
		return float64Kind, true
	case b.class != integers || !holds(int32Kind, b) && !holds(uint32Kind, b):
		return nil, false
	case holds(int16Kind, b) || holds(uint16Kind, b):
		return a, true
	}
	return float64Kind, true
}

// holds says whether one kind of integers has all values of another.
func holds(k, other *kind) bool {
	low, high := bounds(k)
	otherLow, otherHigh := bounds(other)
	return low.Cmp(otherLow) <= 0 && high.Cmp(otherHigh) >= 0
}

// bounds are the least and the greatest value of a kind of integers.
func bounds(k *kind) (low, high *big.Rat) {
	bits := uint(k.arrow.(arrow.FixedWidthDataType).BitWidth())
	power := func(n uint) *big.Rat { return new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), n)) }
	if arrow.IsUnsignedInteger(k.arrow.ID()) {
		return whole(0), power(bits).Sub(power(bits), whole(1))
	}
	return power(bits - 1).Neg(power(bits - 1)), power(bits-1).Sub(power(bits-1), whole(1))
}

// isExact says whether values are numbers that are written out.
func (k *kind) isExact() bool { return k.class == integers || k.class == decimals }

// digits are those before and behind the point that a kind of such numbers needs.
func digits(k *kind) (before, behind int32) {
	if k.class == decimals {
		t := k.arrow.(*arrow.Decimal128Type)
		return t.Precision - t.Scale, t.Scale
	}
	_, high := bounds(k)
	return int32(len(high.RatString())), 0
}

// as is a value of another kind that holds it.
func (k *kind) as(v any) any {
	if n, ok := v.(*big.Rat); ok && k.class == floats {
		f, _ := n.Float64()
		return f
	}
	return v
}
