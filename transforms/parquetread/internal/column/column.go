// Package column decodes the column chunks of Parquet files into Arrow arrays, of every
// physical type, encoding and codec that writers use: Reader those of flat columns,
// LeafReader the leaves of nested ones, with their levels.
//
// It exists because the reader of the Arrow module ends in panics, endless loops or
// silent zeros on damaged pages, leaves page checksums unread, loses timestamps outside
// of 1677 to 2262, and knows neither BYTE_STREAM_SPLIT nor LZ4. Here every read is
// checked against what the page holds, and memory is bounded by one page and one batch
// per column.
package column

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/transforms/parquetread/internal/format"
	"hyperlake/transforms/parquetread/internal/julian"
)

// ErrUnsupported says that a file is well formed but uses what is not implemented.
var ErrUnsupported = errors.New("not supported")

// errMalformed says that a file is damaged.
var errMalformed = errors.New("the file is damaged")

// Column is a leaf column.
type Column struct {
	Physical   format.Physical
	Length     int32          // bytes of a FixedLenByteArray
	Type       arrow.DataType // one that suits the physical type
	Definition uint8          // the highest definition level, that of a value
	Repeated   []uint8        // of each repetition level from 1 on: the definition level of what repeats at it
	Hybrid     *julian.Zone   // of dates and timestamps in the hybrid calendar: the zone of their writer; else nil
}

// Width is the bytes that a value takes while it is decoded; 0 for byte arrays.
func (c Column) Width() int {
	switch c.Physical {
	case format.Boolean:
		return 1
	case format.Int32, format.Float:
		return 4
	case format.Int64, format.Double:
		return 8
	case format.Int96:
		return 12
	case format.FixedLenByteArray:
		return int(c.Length)
	}
	return 0
}

// Chunk is where the values of a column are in a file.
type Chunk struct {
	Codec        format.Codec
	Offset       int64 // bytes
	Length       int64 // bytes
	Uncompressed int64 // bytes of all pages with their headers
	Rows         int64
	Values       int64 // with those that are null or stand for an empty list
	Data         int64 // offset that the footer gives the first page of values

	Memory *Memory // from which pages are taken; nil if there is no bound but that of a page
}

// maxWidth bounds values that all take the same number of bytes, also where they are null.
const maxWidth = 16 << 20

// source is the pages of a chunk and what collects their values. It keeps buffers and
// decompressors from one chunk to the next.
type source struct {
	pages       pages
	fixed       fixedStore
	bytes       byteStore
	store       store // one of the two
	left        int64 // values not read yet, of all pages
	inPage      int   // values of the current page not read yet
	definitions runs  // of the current page
	repetitions runs  // of the current page
	place       place
}

// place is what has to be read again after a source was suspended.
type place struct {
	isSuspended bool
	dictionary  int64 // offset of its page; -1 if there is none so far
	page        int64 // offset of the current page; -1 if there is none
	next        int64 // offset of what comes then; -1 where that is what stands behind the page or the dictionary
	present     int   // of these, that the store has read or passed
}

// open starts a chunk of src, of which readAhead bytes are read at once when a page
// header is looked for.
func (s *source) open(src io.ReaderAt, column Column, chunk Chunk, readAhead int) error {
	width := column.Width()
	if width == 0 && column.Physical != format.ByteArray || int64(width) > chunk.Uncompressed+sizeSlack {
		return fmt.Errorf("%w: values of %d bytes in a chunk of %d", errMalformed, width, chunk.Uncompressed)
	}
	if width > maxWidth {
		return fmt.Errorf("values of %d bytes each are %w", width, ErrUnsupported)
	}
	s.store = &s.fixed
	if column.Physical == format.ByteArray {
		s.store = &s.bytes
	}
	s.store.open(column)
	s.pages.open(src, column, chunk, readAhead)
	s.left, s.inPage = chunk.Values, 0
	s.place = place{dictionary: -1, page: -1, next: -1}
	return nil
}

// Suspend gives back the memory that the current page takes, until the next read. It returns
// how many bytes that was.
func (s *source) Suspend() int64 {
	if s.place.isSuspended || s.store == nil {
		return 0
	}
	bytes := s.pages.held + s.pages.dictionary
	if s.place.page < 0 && s.place.dictionary < 0 {
		return 0 // nothing was read
	}
	s.place.isSuspended = true
	s.release()
	return bytes
}

// release lets go of the page and of the dictionary.
func (s *source) release() {
	s.pages.forget()
	s.pages.packed, s.pages.unpacked = nil, nil
	s.pages.codecs = codecs{}                     // which may refer to what they have decompressed
	s.definitions, s.repetitions = runs{}, runs{} // which refer to the page
	s.store.release()
}

// resume reads again what was given back, up to where it was left. It can be tried again
// after ErrMemory.
func (s *source) resume() error {
	if !s.place.isSuspended {
		return nil
	}
	err := s.reread()
	if err != nil {
		s.release()
		return err
	}
	s.place.isSuspended = false
	return nil
}

func (s *source) reread() error {
	if s.place.dictionary >= 0 {
		s.pages.seek(s.place.dictionary)
		p, err := s.pages.next()
		if err == nil {
			err = s.store.setDictionary(p)
		}
		if err != nil {
			return err
		}
	}
	if s.place.page < 0 {
		if s.place.next >= 0 {
			s.pages.seek(s.place.next)
		}
		return nil
	}
	s.pages.seek(s.place.page)
	p, err := s.pages.next()
	if err == nil {
		err = s.setPage(p)
	}
	passed := p.values - s.inPage
	if err == nil && s.pages.definitionBits > 0 {
		err = s.definitions.skip(passed)
	}
	if err == nil && s.pages.repetitionBits > 0 {
		err = s.repetitions.skip(passed)
	}
	if err == nil && s.place.present > 0 {
		err = s.store.skip(s.place.present)
	}
	return err
}

// setPage makes a page the current one.
func (s *source) setPage(p page) error {
	s.definitions = newRuns(p.definitions, s.pages.definitionBits)
	s.repetitions = newRuns(p.repetitions, s.pages.repetitionBits)
	return s.store.setPage(p)
}

// readValues has the store read rows, of which present have a value.
func (s *source) readValues(rows, present int, validity []byte, offset int) error {
	s.place.present += present
	return s.store.read(rows, present, validity, offset)
}

// ensurePage makes sure that the current page has a value left.
func (s *source) ensurePage() error {
	for s.inPage == 0 {
		p, err := s.pages.next()
		switch {
		case errors.Is(err, io.EOF):
			return fmt.Errorf("%w: the column ends %d values early", errMalformed, s.left)
		case errors.Is(err, ErrMemory):
			s.place.page, s.place.next = -1, s.pages.offset()
			return err
		case err != nil:
			return err
		case p.isDictionary:
			s.place.dictionary, s.place.next = s.pages.start, -1
			err = s.store.setDictionary(p)
		case int64(p.values) > s.left:
			return fmt.Errorf("%w: a page has %d values where %d are left", errMalformed, p.values, s.left)
		default:
			s.inPage = p.values
			s.place.page, s.place.next, s.place.present = s.pages.start, -1, 0
			err = s.setPage(p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// store collects the values of a batch.
type store interface {
	// open starts a chunk.
	open(Column)
	// setDictionary and setPage start a page.
	setDictionary(page) error
	setPage(page) error
	// begin starts a batch of about the given number of rows.
	begin(rows int)
	// fit says how many of the next rows to read at once; 0 when the batch is full.
	fit(rows int) int
	// size is how many bytes the values of the batch take.
	size() int
	// skip passes over values.
	skip(present int) error
	// read appends rows rows, of which present have a value: those whose bits in
	// validity, from bit offset on, are set. All have when present equals rows.
	read(rows, present int, validity []byte, offset int) error
	// release drops the dictionary and the page, for both to be set anew.
	release()
	// array ends the batch.
	array(v validity) (arrow.Array, error)
}

// Reader decodes the chunks of flat columns, one after another: those that do not repeat
// and have definition levels up to 1. Its zero value is ready. It is not safe for
// concurrent use.
type Reader struct {
	source
	row int64 // of the chunk, the next one to read
}

// Open starts a chunk of src, of which readAhead bytes are read at once when a page
// header is looked for. Nothing is read yet. Values that are too wide for the chunk are an error, those that are
// too wide for a Reader [ErrUnsupported].
func (r *Reader) Open(src io.ReaderAt, column Column, chunk Chunk, readAhead int) error {
	r.row = 0
	return r.open(src, column, chunk, readAhead)
}

// Next returns the next rows of the chunk, at least one and at most the given number.
// It returns fewer when they take much memory. After ErrMemory, it can be called again; after any other error,
// such as damage, [ErrUnsupported] or one of src, the chunk is of no more use.
func (r *Reader) Next(rows int) (arrow.Array, error) {
	if err := r.resume(); err != nil {
		return nil, err
	}
	rows = int(min(int64(rows), r.left))
	v := r.begin(rows)
	for v.rows < rows {
		n, err := r.take(&v, rows-v.rows)
		if err != nil && (v.rows == 0 || !errors.Is(err, ErrMemory)) {
			return nil, err
		}
		if n == 0 {
			break
		}
	}
	return r.finish(v)
}

// Pick returns rows of the chunk, at least one and at most those whose 0-based numbers are
// given, which ascend and come after all that were read. Where it returns fewer, as they
// take much memory, the others are still to be read. It fails as Next does: after ErrMemory, it can be called again.
func (r *Reader) Pick(rows []int64) (arrow.Array, error) {
	if err := r.resume(); err != nil {
		return nil, err
	}
	v := r.begin(len(rows))
	for v.rows < len(rows) {
		n := 0
		err := r.skip(rows[v.rows] - r.row)
		if err == nil {
			n, err = r.take(&v, 1)
		}
		if err != nil && (v.rows == 0 || !errors.Is(err, ErrMemory)) {
			return nil, err
		}
		if n == 0 {
			break
		}
	}
	return r.finish(v)
}

// Skip passes over the given number of rows of the chunk, of which there must be as many, and returns how many it passed
// over: all, unless it fails, which it does as Next does.
func (r *Reader) Skip(rows int64) (skipped int64, err error) {
	if err := r.resume(); err != nil {
		return 0, err
	}
	from := r.row
	err = r.skip(rows)
	return r.row - from, err
}

// begin starts a batch.
func (r *Reader) begin(rows int) validity {
	r.store.begin(rows)
	if r.isOptional() {
		return validity{bits: make([]byte, (rows+7)/8)}
	}
	return validity{}
}

func (r *Reader) isOptional() bool { return r.pages.definitionBits > 0 }

// take adds rows of one page to the batch, at most the given number; none when it is full.
func (r *Reader) take(v *validity, rows int) (n int, err error) {
	if err := r.ensurePage(); err != nil {
		return 0, err
	}
	n = r.store.fit(min(rows, r.inPage))
	if n == 0 {
		return 0, nil
	}
	present := n
	if r.isOptional() {
		if present, err = r.definitions.readBits(v.bits, v.rows, n); err != nil {
			return 0, err
		}
	}
	if err := r.readValues(n, present, v.bits, v.rows); err != nil {
		return 0, err
	}
	v.rows += n
	v.nulls += n - present
	r.pass(n)
	return n, nil
}

// skip passes over rows.
func (r *Reader) skip(rows int64) (err error) {
	for rows > 0 {
		if err := r.ensurePage(); err != nil {
			return err
		}
		n := int(min(rows, int64(r.inPage)))
		present := n
		if r.isOptional() {
			if present, err = r.definitions.skipBits(n); err != nil {
				return err
			}
		}
		r.place.present += present
		if err := r.store.skip(present); err != nil {
			return err
		}
		rows -= int64(n)
		r.pass(n)
	}
	return nil
}

// pass leaves rows of the current page behind.
func (r *Reader) pass(n int) {
	r.inPage -= n
	r.left -= int64(n)
	r.row += int64(n)
}

// finish ends a batch, and makes sure that a chunk ends where it should.
func (r *Reader) finish(v validity) (arrow.Array, error) {
	if r.left == 0 && r.pages.hasValues() {
		return nil, errMoreValues
	}
	return r.store.array(v)
}

var errMoreValues = fmt.Errorf("%w: the column has more values than the footer says", errMalformed)
