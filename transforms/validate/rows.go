package validate

import (
	"math/bits"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/take"
)

// rowSet is a set of row positions of one batch: row i is bit i%64 of word i/64. The words
// are made when the first row is added, so that an empty set, the usual one, costs nothing.
type rowSet struct {
	rows  int // of the batch
	words []uint64
}

func newRowSet(rows int) rowSet { return rowSet{rows: rows} }

// addWord adds rows 64*i … 64*i+63 whose bits are set.
func (s *rowSet) addWord(i int, word uint64) {
	if word == 0 {
		return
	}
	if s.words == nil {
		s.words = make([]uint64, (s.rows+63)/64)
	}
	s.words[i] |= word
}

func (s *rowSet) add(row int) { s.addWord(row/64, 1<<(row%64)) }

func (s *rowSet) union(other rowSet) {
	for i, word := range other.words {
		s.addWord(i, word)
	}
}

// remove takes the rows of other out of the set.
func (s *rowSet) remove(other rowSet) {
	if s.words == nil || other.words == nil {
		return
	}
	left := make([]uint64, len(s.words))
	var some uint64
	for i, word := range s.words {
		left[i] = word &^ other.words[i]
		some |= left[i]
	}
	s.words = left
	if some == 0 {
		s.words = nil
	}
}

func (s rowSet) clone() rowSet { return rowSet{s.rows, slices.Clone(s.words)} }

func (s rowSet) empty() bool { return s.words == nil }

func (s rowSet) has(row int) bool {
	return row/64 < len(s.words) && s.words[row/64]>>(row%64)&1 == 1
}

func (s rowSet) count() int {
	n := 0
	for _, word := range s.words {
		n += bits.OnesCount64(word)
	}
	return n
}

// positions are the rows of the set, ascending.
func (s rowSet) positions() []int {
	positions := make([]int, 0, s.count())
	for i, word := range s.words {
		for ; word != 0; word &= word - 1 {
			positions = append(positions, 64*i+bits.TrailingZeros64(word))
		}
	}
	return positions
}

// first is the least row of a set that is not empty.
func (s rowSet) first() int { return s.positions()[0] }

// split makes selections of the rows outside the set and of those in it.
func (s rowSet) split() (outside, inside take.Selection) {
	next := 0
	for _, row := range s.positions() {
		outside.Add(next, row-next)
		inside.Add(row, 1)
		next = row + 1
	}
	outside.Add(next, s.rows-next)
	return outside, inside
}

// bitmap is a range of an Arrow bitmap. Without bytes, every bit of it is set.
type bitmap struct {
	bytes  []byte
	offset int // of the first bit
	length int // in bits
}

// validity has the bits of the rows of arr that are not NULL by arr's own bitmap.
func validity(arr arrow.Array) bitmap {
	return bitmap{arr.NullBitmapBytes(), arr.Data().Offset(), arr.Len()}
}

func (b bitmap) get(i int) bool { return b.word(i/64)>>(i%64)&1 == 1 }

// words is how many words the bits fill, the last perhaps in part.
func (b bitmap) words() int { return (b.length + 63) / 64 }

// mask has the bits of word i that belong to the bitmap.
func (b bitmap) mask(i int) uint64 {
	if n := b.length - 64*i; n < 64 {
		return 1<<n - 1
	}
	return ^uint64(0)
}

// word is bits 64*i … 64*i+63; those beyond the length are 0.
func (b bitmap) word(i int) uint64 {
	if len(b.bytes) == 0 {
		return b.mask(i)
	}
	return take.Word(b.bytes, b.offset+64*i) & b.mask(i)
}
