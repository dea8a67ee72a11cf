package column

import (
	"encoding/binary"
	"fmt"

	"hyperlake/transforms/parquetread/internal/format"
)

// fixedValues decodes values that all take the same number of bytes. It fills out, whose
// length is a multiple of that number, passes over n of them, or fails.
type fixedValues interface {
	read(out []byte) error
	skip(n int) error
}

// newFixedValues decodes the values of a page of data, except booleans.
func newFixedValues(p page, column Column, dictionary *fixedDictionary) (fixedValues, error) {
	width := column.Width()
	switch p.encoding {
	case format.PlainDictionary, format.RLEDictionary:
		return dictionary.decode(p.data)
	case format.Plain:
		return &plainFixed{p.data, width}, nil
	case format.ByteStreamSplit:
		return &splitFixed{data: p.data, width: width, stride: len(p.data) / width}, nil
	case format.DeltaBinaryPacked:
		if column.Physical == format.Int32 || column.Physical == format.Int64 {
			integers, err := newDeltas(p.data)
			return &deltaFixed{integers, width}, err
		}
	case format.DeltaByteArray:
		if column.Physical == format.FixedLenByteArray {
			values, err := newDeltaBytes(p.data)
			return &deltaFixedBytes{values, width}, err
		}
	}
	return nil, errEncoding(column.Physical, p.encoding)
}

// newBooleans decodes the booleans of a page of data to a byte each.
func newBooleans(p page) (fixedValues, error) {
	switch p.encoding {
	case format.Plain:
		return &plainBooleans{newUnpacker(p.data, 1, 8*len(p.data))}, nil
	case format.RLE:
		block, _, err := prefixed(p.data)
		return &runBooleans{newRuns(block, 1)}, err
	}
	return nil, errEncoding(format.Boolean, p.encoding)
}

func errEncoding(physical format.Physical, encoding format.Encoding) error {
	return fmt.Errorf("%s values encoded as %s are %w", physical, encoding, ErrUnsupported)
}

// errShortPage says that a page holds fewer values than its header says.
func errShortPage() error { return fmt.Errorf("%w: a page ends before its values", errMalformed) }

type plainFixed struct {
	data  []byte
	width int
}

func (p *plainFixed) read(out []byte) error {
	if len(out) > len(p.data) {
		return errShortPage()
	}
	copy(out, p.data)
	p.data = p.data[len(out):]
	return nil
}

func (p *plainFixed) skip(n int) error {
	if n > len(p.data)/p.width {
		return errShortPage()
	}
	p.data = p.data[n*p.width:]
	return nil
}

// splitFixed decodes values whose first bytes stand together, then their second bytes,
// and so on.
type splitFixed struct {
	data          []byte
	width, stride int
	next          int // the value to read
}

func (s *splitFixed) read(out []byte) error {
	n := len(out) / s.width
	if n > s.stride-s.next {
		return errShortPage()
	}
	for b := range s.width {
		lane := s.data[b*s.stride+s.next:]
		for i := range n {
			out[i*s.width+b] = lane[i]
		}
	}
	s.next += n
	return nil
}

func (s *splitFixed) skip(n int) error {
	if n > s.stride-s.next {
		return errShortPage()
	}
	s.next += n
	return nil
}

type deltaFixed struct {
	*deltas
	width int
}

func (d *deltaFixed) read(out []byte) error {
	for ; len(out) > 0; out = out[d.width:] {
		value, err := d.next()
		if err != nil {
			return err
		}
		if d.width == 4 {
			binary.LittleEndian.PutUint32(out, uint32(value))
		} else {
			binary.LittleEndian.PutUint64(out, uint64(value))
		}
	}
	return nil
}

type deltaFixedBytes struct {
	*deltaBytes
	width int
}

func (d *deltaFixedBytes) read(out []byte) error {
	for ; len(out) > 0; out = out[d.width:] {
		value, err := d.next()
		if err != nil {
			return err
		}
		if len(value) != d.width {
			return fmt.Errorf("%w: a value of %d bytes instead of %d", errMalformed, len(value), d.width)
		}
		copy(out, value)
	}
	return nil
}

type plainBooleans struct{ unpacker }

func (p *plainBooleans) skip(n int) error {
	if n > p.left {
		return errShortPage()
	}
	p.pass(n)
	return nil
}

func (p *plainBooleans) read(out []byte) error {
	if len(out) > p.left {
		return errShortPage()
	}
	var bits [256]uint32
	for len(out) > 0 {
		out = out[narrow(out, bits[:p.read32(bits[:min(len(bits), len(out))])]):]
	}
	return nil
}

type runBooleans struct{ runs }

func (r *runBooleans) read(out []byte) error {
	var bits [256]uint32
	for len(out) > 0 {
		some := bits[:min(len(bits), len(out))]
		if err := r.runs.read(some); err != nil {
			return err
		}
		out = out[narrow(out, some):]
	}
	return nil
}

// narrow puts each value into a byte of out and returns how many there are.
func narrow(out []byte, values []uint32) int {
	for i, value := range values {
		out[i] = byte(value)
	}
	return len(values)
}
