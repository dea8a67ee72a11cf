package column

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/bitutil"

	"hyperlake/transforms/parquetread/internal/format"
)

// fixedStore collects values that all take the same number of bytes.
type fixedStore struct {
	column     Column
	dictionary fixedDictionary
	values     fixedValues
	data       []byte // of the batch
	used       int    // bytes of data
}

func (s *fixedStore) open(column Column) {
	s.column = column
	s.dictionary.width, s.dictionary.isLoaded = column.Width(), false
}

func (s *fixedStore) setDictionary(p page) error {
	if s.dictionary.isLoaded {
		return errSecondDictionary
	}
	return s.dictionary.load(p)
}

var errSecondDictionary = fmt.Errorf("%w: a column has two dictionaries", errMalformed)

func (s *fixedStore) setPage(p page) (err error) {
	if s.column.Physical == format.Boolean {
		s.values, err = newBooleans(p)
	} else {
		s.values, err = newFixedValues(p, s.column, &s.dictionary)
	}
	return err
}

func (s *fixedStore) release() {
	s.dictionary, s.values = fixedDictionary{width: s.column.Width()}, nil
}

func (s *fixedStore) begin(rows int) {
	s.data, s.used = make([]byte, min(rows*s.column.Width(), batchData)), 0
}

func (s *fixedStore) skip(present int) error { return s.values.skip(present) }

func (s *fixedStore) fit(rows int) int { return rows }

func (s *fixedStore) read(rows, present int, validity []byte, offset int) error {
	width := s.column.Width()
	end := s.used + rows*width
	if end > len(s.data) { // of a nested column, whose rows have any number of values, or of very long ones
		s.data = resize(s.data, max(end, 2*len(s.data)))
	}
	out := s.data[s.used:end]
	s.used = end
	if err := s.values.read(out[:present*width]); err != nil {
		return err
	}
	if present < rows {
		spreadFixed(out, width, present, validity, offset)
	}
	return nil
}

// spreadFixed moves the values at the start of out to the rows whose bits are set, and
// makes the others zero.
func spreadFixed(out []byte, width, present int, validity []byte, offset int) {
	for row := len(out)/width - 1; row >= present || present > 0; row-- {
		slot := out[row*width : (row+1)*width]
		if !bitutil.BitIsSet(validity, offset+row) {
			clear(slot)
			continue
		}
		present--
		if present == row {
			return // all rows before this one have values, in their places
		}
		copy(slot, out[present*width:(present+1)*width])
	}
}

func (s *fixedStore) size() int { return s.used }

func (s *fixedStore) array(v validity) (arrow.Array, error) {
	return fixedArray(s.column, s.data[:s.used], v)
}

const (
	// batchData is how many bytes of byte arrays make a batch full.
	batchData = 8 << 20
	// rowStep is how many rows of byte arrays are read before their size is looked at.
	rowStep = 1024
)

// byteStore collects byte arrays.
type byteStore struct {
	column     Column
	dictionary byteDictionary
	values     byteValues
	isIndexed  bool // whether the values are entries of the dictionary
	perValue   int  // bytes of a value of the page, about; at least 1
	batch      byteArrays
	perRow     float64 // bytes of a row of the batch before
}

func (s *byteStore) open(column Column) {
	s.column, s.dictionary.isLoaded = column, false
}

func (s *byteStore) setDictionary(p page) error {
	if s.dictionary.isLoaded {
		return errSecondDictionary
	}
	return s.dictionary.load(p)
}

func (s *byteStore) setPage(p page) (err error) {
	s.isIndexed = p.encoding == format.PlainDictionary || p.encoding == format.RLEDictionary
	s.perValue = max(1, len(p.data)/max(p.values, 1))
	s.values, err = newByteValues(p, &s.dictionary)
	return err
}

func (s *byteStore) release() {
	s.dictionary, s.values = byteDictionary{}, nil
}

func (s *byteStore) begin(rows int) {
	s.batch = byteArrays{
		offsets: append(make([]int32, 0, rows+1), 0),
		data:    make([]byte, 0, int(min(s.perRow*float64(rows)*1.05, batchData))),
	}
}

func (s *byteStore) skip(present int) error { return s.values.skip(present) }

// fit stops at the limit; before that, it keeps the step small where values are long, or a
// small page can grow large because it refers to long entries.
func (s *byteStore) fit(rows int) int {
	room := batchData - len(s.batch.data)
	if room <= 0 {
		return 0
	}
	if s.isIndexed && s.dictionary.longest > 0 {
		return min(rows, max(1, room/s.dictionary.longest))
	}
	return min(rows, rowStep, max(1, room/s.perValue))
}

func (s *byteStore) read(rows, present int, validity []byte, offset int) error {
	start := len(s.batch.offsets)
	if err := s.values.read(&s.batch, present); err != nil {
		return err
	}
	if present < rows {
		s.batch.offsets = spreadOffsets(s.batch.offsets, start, rows, validity, offset)
	}
	return nil
}

// spreadOffsets moves the ends of values, which begin at start, to the rows that have a
// value, and lets every other row end where the row before it does.
func spreadOffsets(offsets []int32, start, rows int, validity []byte, offset int) []int32 {
	next := len(offsets) - 1
	offsets = slices.Grow(offsets, start+rows-len(offsets))[:start+rows]
	for row := rows - 1; row >= 0; row-- {
		offsets[start+row] = offsets[next]
		if bitutil.BitIsSet(validity, offset+row) {
			next--
		}
	}
	return offsets
}

func (s *byteStore) size() int { return len(s.batch.data) + len(s.batch.offsets)*arrow.Int32SizeBytes }

func (s *byteStore) array(v validity) (arrow.Array, error) {
	batch := s.batch
	s.batch, s.perRow = byteArrays{}, float64(len(batch.data))/float64(max(v.rows, 1))
	return byteArray(s.column, batch, v)
}
