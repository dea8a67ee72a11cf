package expr

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v17/arrow"
)

// bitset has one bit per row, in words. A nil bitset has no bit set; bits beyond the
// last row are not set.
type bitset []uint64

func newBitset(rows int) bitset { return make(bitset, (rows+63)/64) }

// fullBitset has the bit of every row set.
func fullBitset(rows int) bitset {
	b := newBitset(rows)
	for i := range b {
		b[i] = ^uint64(0)
	}
	return b.cut(rows)
}

// cut clears the bits beyond the last row.
func (b bitset) cut(rows int) bitset {
	if rest := rows % 64; rest > 0 && len(b) > 0 {
		b[len(b)-1] &= 1<<rest - 1
	}
	return b
}

func (b bitset) get(i int) bool { return b != nil && b[i/64]>>(i%64)&1 == 1 }

func (b bitset) set(i int) { b[i/64] |= 1 << (i % 64) }

// union is a | b; it may be one of them.
func union(a, b bitset) bitset {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	return combine(a, b, func(x, y uint64) uint64 { return x | y })
}

// without is a &^ b; it may be a.
func without(a, b bitset) bitset {
	if a == nil || b == nil {
		return a
	}
	return combine(a, b, func(x, y uint64) uint64 { return x &^ y })
}

// intersect is a & b.
func intersect(a, b bitset) bitset {
	if a == nil || b == nil {
		return nil
	}
	return combine(a, b, func(x, y uint64) uint64 { return x & y })
}

func combine(a, b bitset, word func(x, y uint64) uint64) bitset {
	out := make(bitset, len(a))
	for i := range out {
		out[i] = word(a[i], b[i])
	}
	return out
}

// complement has the bits of the rows that b has not.
func complement(b bitset, rows int) bitset {
	if b == nil {
		return fullBitset(rows)
	}
	out := make(bitset, len(b))
	for i := range out {
		out[i] = ^b[i]
	}
	return out.cut(rows)
}

// copyBits reads length bits of an Arrow bitmap.
func copyBits(bytes []byte, offset, length int) bitset {
	out := newBitset(length)
	for i := range out {
		at := offset + 64*i
		from, shift := bytes[at/8:], at%8
		if len(from) < 9 { // the end of the buffer: read from a copy that is long enough
			var tail [9]byte
			copy(tail[:], from)
			from = tail[:]
		}
		out[i] = binary.LittleEndian.Uint64(from)>>shift | uint64(from[8])<<(64-shift)
	}
	return out.cut(length)
}

// nullBits has the rows that are NULL by an array's own bitmap, or is nil.
func nullBits(column arrow.Array) bitset {
	if column.NullN() == 0 || len(column.NullBitmapBytes()) == 0 {
		return nil
	}
	return complement(copyBits(column.NullBitmapBytes(), column.Data().Offset(), column.Len()), column.Len())
}
