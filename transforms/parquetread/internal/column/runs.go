package column

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow/bitutil"
)

// runs decodes Parquet's hybrid of run-length encoding and bit packing: definition
// levels, dictionary indexes, and booleans.
type runs struct {
	data  []byte // what follows the current run
	width int    // bits of a value, at most 32

	repeats int    // values left in a run of one value
	value   uint32 // that value
	packed  unpacker
}

func newRuns(data []byte, width int) runs { return runs{data: data, width: width} }

// advance makes sure that the current run has a value left.
func (r *runs) advance() (err error) {
	for r.repeats == 0 && r.packed.left == 0 {
		head, n := binary.Uvarint(r.data)
		if n <= 0 {
			return fmt.Errorf("%w: a page ends before its values", errMalformed)
		}
		r.data = r.data[n:]
		if head&1 == 0 {
			err = r.startRepeat(head >> 1)
		} else {
			r.startPacked(head >> 1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// startPacked starts a run of groups of eight values. The last group may be cut off
// behind the last value that it is needed for.
func (r *runs) startPacked(groups uint64) {
	if r.width == 0 {
		r.packed = newUnpacker(nil, 0, int(min(groups, maxRun))*8)
		return
	}
	count := int(min(groups, uint64(len(r.data)))) * 8
	size := min(count/8*r.width, len(r.data))
	r.packed = newUnpacker(r.data, r.width, min(count, size*8/r.width))
	r.data = r.data[size:]
}

// maxRun bounds the count of a run, which takes no space in the page.
const maxRun = 1 << 31

func (r *runs) startRepeat(count uint64) error {
	size := (r.width + 7) / 8
	if size > len(r.data) {
		return fmt.Errorf("%w: a page ends inside a run", errMalformed)
	}
	var value [4]byte
	copy(value[:], r.data[:size])
	r.data = r.data[size:]
	r.value, r.repeats = binary.LittleEndian.Uint32(value[:]), int(min(count, maxRun))
	if uint64(r.value)>>r.width != 0 {
		return fmt.Errorf("%w: a run of the value %d, which has more than %d bits", errMalformed, r.value, r.width)
	}
	return nil
}

// read fills out.
func (r *runs) read(out []uint32) error {
	for len(out) > 0 {
		if err := r.advance(); err != nil {
			return err
		}
		if r.repeats == 0 {
			out = out[r.packed.read32(out):]
			continue
		}
		n := min(r.repeats, len(out))
		for i := range out[:n] {
			out[i] = r.value
		}
		r.repeats -= n
		out = out[n:]
	}
	return nil
}

// skip passes over values.
func (r *runs) skip(n int) error {
	for n > 0 {
		if err := r.advance(); err != nil {
			return err
		}
		n -= r.pass(n)
	}
	return nil
}

// skipBits passes over n values of one bit, and returns how many of them are ones.
func (r *runs) skipBits(n int) (ones int, err error) {
	for n > 0 {
		if err := r.advance(); err != nil {
			return 0, err
		}
		count := min(n, max(r.repeats, r.packed.left))
		if r.repeats > 0 {
			ones += count * int(r.value&1)
		} else {
			ones += bitutil.CountSetBits(r.packed.data, r.packed.bit, count)
		}
		n -= r.pass(count)
	}
	return ones, nil
}

// pass leaves values of the current run behind, at most n, and returns how many.
func (r *runs) pass(n int) int {
	if r.repeats > 0 {
		n = min(n, r.repeats)
		r.repeats -= n
		return n
	}
	n = min(n, r.packed.left)
	r.packed.pass(n)
	return n
}

// readBits sets n bits of bitmap, from bit offset on, to values of one bit, and returns
// how many of them are ones.
func (r *runs) readBits(bitmap []byte, offset, n int) (ones int, err error) {
	for n > 0 {
		if err := r.advance(); err != nil {
			return 0, err
		}
		count := min(n, max(r.repeats, r.packed.left))
		if r.repeats > 0 {
			bitutil.SetBitsTo(bitmap, int64(offset), int64(count), r.value&1 == 1)
			ones += count * int(r.value&1)
			r.repeats -= count
		} else {
			bitutil.CopyBitmap(r.packed.data, r.packed.bit, count, bitmap, offset)
			ones += bitutil.CountSetBits(bitmap, offset, count)
			r.packed.bit += count
			r.packed.left -= count
		}
		offset += count
		n -= count
	}
	return ones, nil
}

// prefixed splits off a block that stands behind its length.
func prefixed(data []byte) (block, rest []byte, err error) {
	if len(data) < 4 {
		return nil, nil, fmt.Errorf("%w: a page ends inside a length", errMalformed)
	}
	size := binary.LittleEndian.Uint32(data)
	data = data[4:]
	if uint64(size) > uint64(len(data)) {
		return nil, nil, fmt.Errorf("%w: a block of %d bytes in a page with %d left", errMalformed, size, len(data))
	}
	return data[:size], data[size:], nil
}
