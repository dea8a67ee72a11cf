package validate

import (
	"cmp"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/decimal256"
)

// min, max and in are all the same question for a column whose values have an order: does
// a value lie in one of some closed spans? A literal becomes an end of a span once, when
// the rules are compiled: the nearest value that the column can hold on the right side.

// span is the values from lo to hi, both included.
type span[T any] struct{ lo, hi T }

// placement is where a literal stands among the values of a column.
type placement[T any] struct {
	ceil, floor  T    // the nearest values that are not below and not above it
	above, below bool // it is above, below all values: then ceil, floor do not exist
}

// domain is the values that a column of one type can hold.
type domain[T any] struct {
	least, greatest T
	finite          []span[T] // the values that are finite; nil if all are
	compare         func(a, b T) int
	place           func(Literal) (placement[T], error)

	values  func(arrow.ArrayData) []T
	outside func(values []T, spans []span[T]) uint64 // bit i: values[i] is in none of spans; at most 64 values
}

// between is what passes min and max, of which one may be nil: one span, or none.
func (d domain[T]) between(least, greatest *Literal) ([]span[T], error) {
	all := span[T]{d.least, d.greatest}
	none := false
	if least != nil {
		at, err := d.place(*least)
		if err != nil {
			return nil, err
		}
		if none = at.above; !at.below {
			all.lo = at.ceil
		}
	}
	if greatest != nil {
		at, err := d.place(*greatest)
		if err != nil {
			return nil, err
		}
		if none = none || at.below; !at.above {
			all.hi = at.floor
		}
	}
	if none {
		return nil, nil
	}
	if d.compare(all.lo, all.hi) > 0 {
		return nil, fmt.Errorf("no value lies between min %s and max %s", least, greatest)
	}
	return []span[T]{all}, nil
}

// among is what passes a set: spans in ascending order, without overlaps. A literal that
// the column cannot hold adds none.
func (d domain[T]) among(set []Literal) ([]span[T], error) {
	var spans []span[T]
	for _, l := range set {
		at, err := d.place(l)
		if err != nil {
			return nil, err
		}
		if !at.above && !at.below && d.compare(at.ceil, at.floor) <= 0 {
			spans = append(spans, span[T]{at.ceil, at.floor})
		}
	}
	slices.SortFunc(spans, func(a, b span[T]) int { return d.compare(a.lo, b.lo) })
	return slices.CompactFunc(spans, func(a, b span[T]) bool { return d.compare(a.lo, b.lo) == 0 }), nil
}

// spanChecks are the checks of the min, max, in, in_file and finite of a rule.
func spanChecks[T any](d domain[T], rule Rule) ([]columnCheck, error) {
	var checks []columnCheck
	add := func(spans []span[T]) { checks = append(checks, spanCheck[T]{spans, d.values, d.outside}) }
	if rule.Min != nil || rule.Max != nil {
		spans, err := d.between(rule.Min, rule.Max)
		if err != nil {
			return nil, err
		}
		add(spans)
	}
	if set := rule.set(); set != nil {
		spans, err := d.among(set)
		if err != nil {
			return nil, err
		}
		add(spans)
	}
	if rule.Finite && d.finite != nil {
		add(d.finite)
	}
	return checks, nil
}

// spanCheck is broken by values in none of its spans. NULLs pass.
type spanCheck[T any] struct {
	spans   []span[T]
	values  func(arrow.ArrayData) []T
	outside func(values []T, spans []span[T]) uint64
}

func (c spanCheck[T]) mark(arr arrow.Array, broken *rowSet) {
	valid := validity(arr)
	i := 0
	for word := range slices.Chunk(c.values(arr.Data()), 64) {
		if outside := c.outside(word, c.spans); outside != 0 {
			broken.addWord(i, outside&valid.word(i))
		}
		i++
	}
}

// integers is the domain of a column that stores integers of some bits, whatever a unit
// of them means. from makes one of an integer that fits.
func integers[T any](a axis, least, greatest *big.Int, from func(*big.Int) T) domain[T] {
	place := func(l Literal) (placement[T], error) {
		point, ok := a.place(l)
		if !ok {
			return placement[T]{}, fmt.Errorf("%s is not %s", l, a.wanted)
		}
		lo, hi := ceil(point), floor(point)
		hi.Add(hi, big.NewInt(a.extent))
		at := placement[T]{above: lo.Cmp(greatest) > 0, below: hi.Cmp(least) < 0}
		at.ceil, at.floor = from(clamp(lo, least, greatest)), from(clamp(hi, least, greatest))
		return at, nil
	}
	return domain[T]{least: from(least), greatest: from(greatest), place: place}
}

func clamp(n, least, greatest *big.Int) *big.Int {
	switch {
	case n.Cmp(least) < 0:
		return least
	case n.Cmp(greatest) > 0:
		return greatest
	default:
		return n
	}
}

// signedRange is the least and the greatest integer of so many bits.
func signedRange(bits uint) (least, greatest *big.Int) {
	half := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return new(big.Int).Neg(half), new(big.Int).Sub(half, big.NewInt(1))
}

func signed[T arrow.IntType](a axis, bits uint) domain[T] {
	least, greatest := signedRange(bits)
	d := integers(a, least, greatest, func(n *big.Int) T { return T(n.Int64()) })
	d.compare, d.values, d.outside = cmp.Compare[T], values[T], outside[T]
	return d
}

func unsigned[T arrow.UintType](a axis, bits uint) domain[T] {
	greatest := new(big.Int).Lsh(big.NewInt(1), bits)
	greatest.Sub(greatest, big.NewInt(1))
	d := integers(a, new(big.Int), greatest, func(n *big.Int) T { return T(n.Uint64()) })
	d.compare, d.values, d.outside = cmp.Compare[T], values[T], outside[T]
	return d
}

func decimals128(a axis) domain[decimal128.Num] {
	least, greatest := signedRange(128)
	d := integers(a, least, greatest, func(n *big.Int) decimal128.Num {
		return decimal128.New(int64(wordOf(n, 1)), wordOf(n, 0))
	})
	d.compare, d.values, d.outside = decimal128.Num.Cmp, values[decimal128.Num], outsideDecimal[decimal128.Num]
	return d
}

func decimals256(a axis) domain[decimal256.Num] {
	least, greatest := signedRange(256)
	d := integers(a, least, greatest, func(n *big.Int) decimal256.Num {
		return decimal256.New(wordOf(n, 3), wordOf(n, 2), wordOf(n, 1), wordOf(n, 0))
	})
	d.compare, d.values, d.outside = decimal256.Num.Cmp, values[decimal256.Num], outsideDecimal[decimal256.Num]
	return d
}

// wordOf is 64 bits of n in two's complement, counted from the least significant ones.
func wordOf(n *big.Int, i uint) uint64 {
	shifted := new(big.Int).Rsh(n, 64*i)
	return shifted.And(shifted, new(big.Int).SetUint64(1<<64-1)).Uint64()
}

// floats is the domain of a column of floats. A literal is rounded to the column's type,
// but one beyond its finite values stays there: max 1e400 refuses +Inf.
func floats[T float32 | float64](a axis, greatestFinite, infinity T, round func(*big.Rat) T) domain[T] {
	place := func(l Literal) (placement[T], error) {
		if sign, ok := parseInfinity(l.Text); ok {
			return placement[T]{ceil: T(sign) * infinity, floor: T(sign) * infinity}, nil
		}
		point, ok := a.place(l)
		if !ok {
			return placement[T]{}, fmt.Errorf("%s is not %s", l, a.wanted)
		}
		switch f := round(point); f {
		case infinity:
			return placement[T]{ceil: infinity, floor: greatestFinite}, nil
		case -infinity:
			return placement[T]{ceil: -greatestFinite, floor: -infinity}, nil
		default:
			return placement[T]{ceil: f, floor: f}, nil
		}
	}
	return domain[T]{
		least: -infinity, greatest: infinity, finite: []span[T]{{-greatestFinite, greatestFinite}},
		compare: cmp.Compare[T], place: place, values: values[T], outside: outside[T],
	}
}

func doubles(a axis) domain[float64] {
	return floats(a, math.MaxFloat64, math.Inf(1), round64)
}

func singles(a axis) domain[float32] {
	return floats(a, math.MaxFloat32, float32(math.Inf(1)), round32)
}

// halves is the domain of a float16 column, whose values are widened.
func halves(a axis) domain[float32] {
	d := floats(a, halfMax, float32(math.Inf(1)), round16)
	d.values = halfValues
	return d
}
