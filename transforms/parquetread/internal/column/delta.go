package column

import (
	"encoding/binary"
	"fmt"
)

// deltas decodes DELTA_BINARY_PACKED: blocks of differences, each less the smallest of
// its block, in miniblocks of their own width.
type deltas struct {
	data      []byte // what follows the current miniblock
	perBlock  int    // values
	perMini   int    // values
	total     int    // values in the stream
	left      int    // values not read yet
	value     int64  // read last; before that, the first one
	least     int64  // of the current block
	widths    []byte // of the miniblocks of the current block that were not started
	mini      unpacker
	isStarted bool
}

func newDeltas(data []byte) (*deltas, error) {
	var head [4]uint64
	for i := range head {
		value, n := binary.Uvarint(data)
		if n <= 0 {
			return nil, errShortPage()
		}
		head[i], data = value, data[n:]
	}
	block, minis, total := head[0], head[1], head[2]
	if block == 0 || block > maxBlock || minis == 0 || block%minis != 0 || block/minis%8 != 0 || total > maxRun {
		return nil, fmt.Errorf("%w: a block of %d differences in %d parts, %d values in all", errMalformed, block, minis, total)
	}
	return &deltas{
		data: data, perBlock: int(block), perMini: int(block / minis),
		total: int(total), left: int(total), value: unzigzag(head[3]),
	}, nil
}

// maxBlock bounds the values of a block; writers use 128 or 256.
const maxBlock = 1 << 20

func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// next returns the next value.
func (d *deltas) next() (int64, error) {
	if d.left == 0 {
		return 0, errShortPage()
	}
	d.left--
	if !d.isStarted {
		d.isStarted = true
		return d.value, nil
	}
	if d.mini.left == 0 {
		if err := d.startMini(); err != nil {
			return 0, err
		}
	}
	d.value += int64(d.mini.read64()) + d.least
	return d.value, nil
}

// skip passes over values, of which each is the base of the next one.
func (d *deltas) skip(n int) error {
	for range n {
		if _, err := d.next(); err != nil {
			return err
		}
	}
	return nil
}

// startMini starts the next miniblock, and the next block where one ends. The last
// miniblock may be cut off behind the last value.
func (d *deltas) startMini() error {
	if len(d.widths) == 0 {
		least, n := binary.Uvarint(d.data)
		end := n + d.perBlock/d.perMini
		if n <= 0 || end > len(d.data) {
			return errShortPage()
		}
		d.least, d.widths, d.data = unzigzag(least), d.data[n:end], d.data[end:]
	}
	width := int(d.widths[0])
	d.widths = d.widths[1:]
	size := min(d.perMini/8*width, len(d.data))
	if width > 64 || size*8 < min(d.perMini, d.left+1)*width {
		return fmt.Errorf("%w: differences of %d bits in %d bytes", errMalformed, width, size)
	}
	d.mini = newUnpacker(d.data, width, d.perMini)
	d.data = d.data[size:]
	return nil
}

// rest returns what follows the stream, as seen from its start: d must not be used after.
func (d deltas) rest() ([]byte, error) {
	for differences := d.total - 1; differences > 0; differences -= d.perMini {
		d.left = differences - 1
		if err := d.startMini(); err != nil {
			return nil, err
		}
	}
	return d.data, nil
}
