package column

import "encoding/binary"

// unpacker reads unsigned integers of a fixed number of bits, packed from the lowest bit
// of each byte on.
type unpacker struct {
	data  []byte
	width int // bits, at most 64
	bit   int // where the next value starts
	left  int // values left; data holds all that are asked for, and may go on behind them
}

func newUnpacker(data []byte, width, count int) unpacker {
	return unpacker{data: data, width: width, left: count}
}

// read32 reads as many values as fit into out or are left, of at most 32 bits each.
func (u *unpacker) read32(out []uint32) int {
	n := min(u.left, len(out))
	u.left -= n
	mask := uint64(1)<<u.width - 1
	i := 0
	for ; i < n && u.bit>>3+8 <= len(u.data); i++ {
		word := binary.LittleEndian.Uint64(u.data[u.bit>>3:])
		out[i] = uint32(word >> (u.bit & 7) & mask)
		u.bit += u.width
	}
	for ; i < n; i++ {
		out[i] = uint32(u.tail() & mask)
	}
	return n
}

// pass leaves values behind that are left.
func (u *unpacker) pass(n int) {
	u.left -= n
	u.bit += n * u.width
}

// read64 reads one value.
func (u *unpacker) read64() uint64 {
	u.left--
	start := u.bit >> 3
	if u.width <= 56 && start+8 <= len(u.data) {
		word := binary.LittleEndian.Uint64(u.data[start:]) >> (u.bit & 7)
		u.bit += u.width
		return word & (1<<u.width - 1)
	}
	if u.width == 64 {
		return u.tail()
	}
	return u.tail() & (1<<u.width - 1)
}

// tail reads one value, and bits behind it, where there may be fewer than eight bytes
// left or the value may reach into a ninth.
func (u *unpacker) tail() uint64 {
	var near [16]byte
	start, shift := u.bit>>3, u.bit&7
	if start < len(u.data) {
		copy(near[:9], u.data[start:])
	}
	u.bit += u.width
	return binary.LittleEndian.Uint64(near[:])>>shift | uint64(near[8])<<(64-shift)
}
