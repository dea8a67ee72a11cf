package column

import (
	"encoding/binary"
	"fmt"

	"hyperlake/transforms/parquetread/internal/format"
)

// indexBatch is how many dictionary indexes are decoded at a time.
const indexBatch = 512

// newIndexes decodes the indexes of a page: their width in a byte, then runs.
func newIndexes(data []byte) (runs, error) {
	if len(data) == 0 { // a page of nulls
		return newRuns(nil, 0), nil
	}
	switch {
	case data[0] > 32:
		return runs{}, fmt.Errorf("%w: dictionary indexes of %d bits", errMalformed, data[0])
	case data[0] == 0: // all of them are the first, whatever runs may follow
		return runs{repeats: maxRun}, nil
	}
	return newRuns(data[1:], int(data[0])), nil
}

func checkDictionary(p page) error {
	if p.encoding != format.Plain && p.encoding != format.PlainDictionary {
		return fmt.Errorf("a dictionary encoded as %s is %w", p.encoding, ErrUnsupported)
	}
	return nil
}

var errNoDictionary = fmt.Errorf("%w: a page refers to a dictionary that is not there", errMalformed)

func errIndex(index uint32, size int) error {
	return fmt.Errorf("%w: index %d into a dictionary of %d", errMalformed, index, size)
}

// fixedDictionary holds the entries of a dictionary of fixed-width values.
type fixedDictionary struct {
	isLoaded bool
	entries  []byte // and a word behind them
	width    int
}

// word is how many bytes are copied at once where entries are shorter.
const word = 8

func (d *fixedDictionary) load(p page) error {
	if err := checkDictionary(p); err != nil {
		return err
	}
	size := p.values * d.width
	if size > len(p.data) {
		return errShortPage()
	}
	d.entries = append(d.entries[:0], p.data[:size]...)
	d.entries, d.isLoaded = append(d.entries, make([]byte, word)...), true
	return nil
}

func (d *fixedDictionary) decode(data []byte) (fixedValues, error) {
	if !d.isLoaded {
		return nil, errNoDictionary
	}
	indexes, err := newIndexes(data)
	return &fixedEntries{indexes, d.entries, d.width}, err
}

type fixedEntries struct {
	indexes runs
	entries []byte
	width   int
}

func (f *fixedEntries) read(out []byte) error {
	var batch [indexBatch]uint32
	size := (len(f.entries) - word) / f.width
	for len(out) > 0 {
		indexes := batch[:min(indexBatch, len(out)/f.width)]
		if err := f.indexes.read(indexes); err != nil {
			return err
		}
		for _, index := range indexes {
			if int(index) >= size {
				return errIndex(index, size)
			}
		}
		f.gather(out, indexes)
		out = out[len(indexes)*f.width:]
	}
	return nil
}

func (f *fixedEntries) skip(n int) error { return f.indexes.skip(n) }

// gather copies the entries at indexes to out.
func (f *fixedEntries) gather(out []byte, indexes []uint32) {
	switch f.width {
	case 4:
		for i, index := range indexes {
			binary.NativeEndian.PutUint32(out[i*4:], binary.NativeEndian.Uint32(f.entries[index*4:]))
		}
	case 8:
		for i, index := range indexes {
			binary.NativeEndian.PutUint64(out[i*8:], binary.NativeEndian.Uint64(f.entries[index*8:]))
		}
	case 1, 2, 3, 5, 6, 7: // each with bytes behind it, which the next one overwrites
		whole := min(len(indexes), max(len(out)-word, 0)/f.width)
		for i, index := range indexes[:whole] {
			binary.NativeEndian.PutUint64(out[i*f.width:], binary.NativeEndian.Uint64(f.entries[int(index)*f.width:]))
		}
		for i := whole; i < len(indexes); i++ {
			copy(out[i*f.width:(i+1)*f.width], f.entries[int(indexes[i])*f.width:])
		}
	default:
		for i, index := range indexes {
			copy(out[i*f.width:(i+1)*f.width], f.entries[int(index)*f.width:])
		}
	}
}

// byteDictionary holds the entries of a dictionary of byte arrays.
type byteDictionary struct {
	isLoaded bool
	entries  byteArrays // with a leading offset of 0
	longest  int        // bytes
}

func (d *byteDictionary) load(p page) error {
	if err := checkDictionary(p); err != nil {
		return err
	}
	d.entries.data, d.entries.offsets = d.entries.data[:0], append(d.entries.offsets[:0], 0)
	if err := (&plainBytes{p.data}).read(&d.entries, p.values); err != nil {
		return err
	}
	d.isLoaded, d.longest = true, 0
	for i := range p.values {
		d.longest = max(d.longest, int(d.entries.offsets[i+1]-d.entries.offsets[i]))
	}
	return nil
}

func (d *byteDictionary) decode(data []byte) (byteValues, error) {
	if !d.isLoaded {
		return nil, errNoDictionary
	}
	indexes, err := newIndexes(data)
	return &byteEntries{indexes, &d.entries}, err
}

type byteEntries struct {
	indexes runs
	entries *byteArrays
}

func (b *byteEntries) skip(n int) error { return b.indexes.skip(n) }

func (b *byteEntries) read(out *byteArrays, n int) error {
	var batch [indexBatch]uint32
	ends, entries := b.entries.offsets, b.entries.data
	data, offsets := out.data, out.offsets
	for n > 0 {
		indexes := batch[:min(indexBatch, n)]
		if err := b.indexes.read(indexes); err != nil {
			return err
		}
		for _, index := range indexes {
			if int(index) >= len(ends)-1 {
				return errIndex(index, len(ends)-1)
			}
			data = append(data, entries[ends[index]:ends[index+1]]...)
			offsets = append(offsets, int32(len(data)))
		}
		if len(data) > maxData {
			return errLargeArray()
		}
		n -= len(indexes)
	}
	out.data, out.offsets = data, offsets
	return nil
}
