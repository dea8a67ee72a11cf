package column

import (
	"encoding/binary"
	"fmt"

	"hyperlake/transforms/parquetread/internal/format"
)

// levels splits the levels of a page's values off, each of the given number of bits, and
// returns them in RLE. Levels of no bits are not stored.
func levels(data []byte, encoding format.Encoding, width, count int) (levels, rest []byte, err error) {
	switch {
	case width == 0:
		return nil, data, nil
	case encoding == format.RLE:
		return prefixed(data)
	case encoding != format.BitPacked:
		return nil, nil, fmt.Errorf("levels encoded as %s are %w", encoding, ErrUnsupported)
	}
	size := (count*width + 7) / 8
	if size > len(data) {
		return nil, nil, errShortPage()
	}
	return repack(data[:size], width, count), data[size:], nil
}

// repack makes one packed run of levels in BIT_PACKED, the encoding of old writers: those
// are packed from the highest bit of each byte on, and no length stands before them.
func repack(data []byte, width, count int) []byte {
	head := binary.AppendUvarint(nil, uint64((count+7)/8)<<1|1)
	run := append(head, make([]byte, len(data))...)
	packed := run[len(head):]
	for bit := range count * width {
		value, within := bit/width, bit%width
		to := value*width + width - 1 - within
		packed[to/8] |= data[bit/8] >> (7 - bit%8) & 1 << (to % 8)
	}
	return run
}

// levelStep is how many levels are decoded at a time.
const levelStep = 1024

// window is levels of a chunk that were decoded and not taken yet.
type window struct {
	column      Column
	last        uint8   // definition level before the window
	definitions []uint8 // in buffers[0]
	repetitions []uint8 // in buffers[1]
	buffers     [2][levelStep]uint8
}

func (w *window) open(column Column) {
	w.column, w.last, w.definitions, w.repetitions = column, 0, nil, nil
}

// fill decodes count levels of each kind, at most levelStep, into a window that is empty.
func (w *window) fill(definitions, repetitions *runs, count int) error {
	w.definitions, w.repetitions = w.buffers[0][:count], w.buffers[1][:count]
	if err := definitions.readLevels(w.definitions, int(w.column.Definition)); err != nil {
		return err
	}
	if err := repetitions.readLevels(w.repetitions, len(w.column.Repeated)); err != nil {
		return err
	}
	return w.check()
}

// check makes sure that what repeats was there, also for the value before.
func (w *window) check() error {
	last := w.last
	for i, definition := range w.definitions {
		if repetition := w.repetitions[i]; repetition > 0 {
			if needed := w.column.Repeated[repetition-1]; definition < needed || last < needed {
				return fmt.Errorf("%w: an item of a list follows where there is no list", errMalformed)
			}
		}
		last = definition
	}
	w.last = last
	return nil
}

// drop takes n levels out of the window.
func (w *window) drop(n int) {
	w.definitions, w.repetitions = w.definitions[n:], w.repetitions[n:]
}

// readLevels fills out with levels up to the highest one.
func (r *runs) readLevels(out []uint8, highest int) error {
	if highest == 0 {
		clear(out)
		return nil
	}
	var wide [levelStep]uint32
	levels := wide[:len(out)]
	if err := r.read(levels); err != nil {
		return err
	}
	for i, level := range levels {
		if level > uint32(highest) {
			return fmt.Errorf("%w: level %d where %d is the highest", errMalformed, level, highest)
		}
		out[i] = uint8(level)
	}
	return nil
}
