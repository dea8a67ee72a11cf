package validate

import "github.com/apache/arrow/go/v17/arrow"

// The kernels look at the values of 64 rows at once, also at what lies under NULLs: masking
// a word afterwards is cheaper than asking for each row. They are written by hand because
// arrow/compute has no sets, and comparing decimals there panics where nobody can recover.

// values are the values of a column of fixed width, those under NULLs included.
func values[T arrow.FixedWidthType](data arrow.ArrayData) []T {
	return arrow.GetValues[T](data, 1)
}

// halfValues widens the values of a float16 column.
func halfValues(data arrow.ArrayData) []float32 {
	halves := arrow.GetValues[uint16](data, 1)
	wide := make([]float32, len(halves))
	for i, bits := range halves {
		wide[i] = halfToFloat(bits)
	}
	return wide
}

type native interface {
	arrow.IntType | arrow.UintType | ~float32 | ~float64
}

// outside has the bits of the values that lie in none of spans. NaN lies in none.
func outside[T native](values []T, spans []span[T]) uint64 {
	var word uint64
	if len(spans) == 1 {
		lo, hi := spans[0].lo, spans[0].hi
		for i, v := range values {
			inside := lo <= v && v <= hi // not the same as !(v < lo || v > hi): NaN is not inside
			if !inside {
				word |= 1 << i
			}
		}
		return word
	}
	for i, v := range values {
		first, last := 0, len(spans) // binary search for the first span that does not end before v
		for first < last {
			if middle := (first + last) / 2; spans[middle].hi < v {
				first = middle + 1
			} else {
				last = middle
			}
		}
		inside := first < len(spans) && spans[first].lo <= v
		if !inside {
			word |= 1 << i
		}
	}
	return word
}

// outsideDecimal is outside for decimals, which have no operators.
func outsideDecimal[T interface{ Less(T) bool }](values []T, spans []span[T]) uint64 {
	var word uint64
	for i, v := range values {
		first, last := 0, len(spans)
		for first < last {
			if middle := (first + last) / 2; spans[middle].hi.Less(v) {
				first = middle + 1
			} else {
				last = middle
			}
		}
		if first == len(spans) || v.Less(spans[first].lo) {
			word |= 1 << i
		}
	}
	return word
}
