package column

import (
	"encoding/binary"
	"fmt"
	"math"

	"hyperlake/transforms/parquetread/internal/format"
)

// byteArrays is a sequence of byte arrays: offsets holds where each ends in data.
type byteArrays struct {
	offsets []int32
	data    []byte
}

func (b *byteArrays) append(value []byte) {
	b.data = append(b.data, value...)
	b.offsets = append(b.offsets, int32(len(b.data)))
}

// byteValues decodes byte arrays. It appends n of them to out, passes over n, or fails.
type byteValues interface {
	read(out *byteArrays, n int) error
	skip(n int) error
}

// newByteValues decodes the values of a page of data.
func newByteValues(p page, dictionary *byteDictionary) (byteValues, error) {
	switch p.encoding {
	case format.PlainDictionary, format.RLEDictionary:
		return dictionary.decode(p.data)
	case format.Plain:
		return &plainBytes{p.data}, nil
	case format.DeltaLengthByteArray:
		return newDeltaLengths(p.data)
	case format.DeltaByteArray:
		return newDeltaBytes(p.data)
	}
	return nil, errEncoding(format.ByteArray, p.encoding)
}

// maxData bounds the data of one array, whose offsets are of 32 bits.
const maxData = math.MaxInt32

func errLargeArray() error {
	return fmt.Errorf("a value or a batch of more than %d bytes is %w", maxData, ErrUnsupported)
}

type plainBytes struct{ data []byte }

func (p *plainBytes) read(out *byteArrays, n int) error {
	from, data, offsets := p.data, out.data, out.offsets
	for range n {
		if len(from) < 4 {
			return errShortPage()
		}
		size := int(binary.LittleEndian.Uint32(from))
		if size > len(from)-4 {
			return errShortPage()
		}
		if len(data) > maxData-size {
			return errLargeArray()
		}
		data = append(data, from[4:4+size]...)
		offsets = append(offsets, int32(len(data)))
		from = from[4+size:]
	}
	p.data, out.data, out.offsets = from, data, offsets
	return nil
}

func (p *plainBytes) skip(n int) error {
	from := p.data
	for range n {
		if len(from) < 4 {
			return errShortPage()
		}
		size := int(binary.LittleEndian.Uint32(from))
		if size > len(from)-4 {
			return errShortPage()
		}
		from = from[4+size:]
	}
	p.data = from
	return nil
}

// deltaLengths decodes DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes.
type deltaLengths struct {
	lengths *deltas
	data    []byte
}

func newDeltaLengths(data []byte) (*deltaLengths, error) {
	lengths, err := newDeltas(data)
	if err != nil {
		return nil, err
	}
	rest, err := lengths.rest()
	return &deltaLengths{lengths, rest}, err
}

func (d *deltaLengths) next() ([]byte, error) {
	size, err := d.lengths.next()
	if err != nil {
		return nil, err
	}
	if size < 0 || size > int64(len(d.data)) {
		return nil, fmt.Errorf("%w: a value of %d bytes in a page with %d left", errMalformed, size, len(d.data))
	}
	value := d.data[:size]
	d.data = d.data[size:]
	return value, nil
}

func (d *deltaLengths) skip(n int) error { return skipEach(d.next, n) }

// skipEach passes over values one by one.
func skipEach(next func() ([]byte, error), n int) error {
	for range n {
		if _, err := next(); err != nil {
			return err
		}
	}
	return nil
}

func (d *deltaLengths) read(out *byteArrays, n int) error {
	for range n {
		value, err := d.next()
		if err != nil {
			return err
		}
		if len(out.data) > maxData-len(value) {
			return errLargeArray()
		}
		out.append(value)
	}
	return nil
}

// deltaBytes decodes DELTA_BYTE_ARRAY: how much each value shares with the start of the
// one before it, then what follows that.
type deltaBytes struct {
	prefixes *deltas
	suffixes *deltaLengths
	last     []byte
}

func newDeltaBytes(data []byte) (*deltaBytes, error) {
	prefixes, err := newDeltas(data)
	if err != nil {
		return nil, err
	}
	rest, err := prefixes.rest()
	if err != nil {
		return nil, err
	}
	suffixes, err := newDeltaLengths(rest)
	return &deltaBytes{prefixes: prefixes, suffixes: suffixes}, err
}

// next returns the next value, valid until the one after it.
func (d *deltaBytes) next() ([]byte, error) {
	shared, err := d.prefixes.next()
	if err != nil {
		return nil, err
	}
	if shared < 0 || shared > int64(len(d.last)) {
		return nil, fmt.Errorf("%w: a value shares %d bytes with one of %d", errMalformed, shared, len(d.last))
	}
	suffix, err := d.suffixes.next()
	if err != nil {
		return nil, err
	}
	d.last = append(d.last[:shared], suffix...)
	return d.last, nil
}

func (d *deltaBytes) skip(n int) error { return skipEach(d.next, n) }

func (d *deltaBytes) read(out *byteArrays, n int) error {
	for range n {
		value, err := d.next()
		if err != nil {
			return err
		}
		if len(out.data)+len(value) > maxData {
			return errLargeArray()
		}
		out.append(value)
	}
	return nil
}
