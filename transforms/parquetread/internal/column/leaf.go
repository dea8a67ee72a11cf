package column

import (
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
)

// Leaf is rows of a leaf of a nested column, in the form in which they are stored: an
// entry for each value, and for each null or empty list above one.
type Leaf struct {
	Rows        int
	Definitions []uint8     // of each entry
	Repetitions []uint8     // of each entry; 0 where a row begins
	Values      arrow.Array // of the entries that stand for an item of the innermost list around the leaf
	slot        uint8       // definition level of those entries
}

// Cut returns the first rows and the others.
func (l Leaf) Cut(rows int) (head, tail Leaf) {
	if rows == l.Rows {
		return l, Leaf{}
	}
	entry, slots := 0, 0
	for begun := 0; entry < len(l.Definitions); entry++ {
		if l.Repetitions[entry] == 0 {
			if begun == rows {
				break
			}
			begun++
		}
		if l.Definitions[entry] >= l.slot {
			slots++
		}
	}
	head, tail = l, l
	head.Rows, tail.Rows = rows, l.Rows-rows
	head.Definitions, tail.Definitions = l.Definitions[:entry], l.Definitions[entry:]
	head.Repetitions, tail.Repetitions = l.Repetitions[:entry], l.Repetitions[entry:]
	head.Values = array.NewSlice(l.Values, 0, int64(slots))
	tail.Values = array.NewSlice(l.Values, int64(slots), int64(l.Values.Len()))
	return head, tail
}

// LeafReader decodes the chunks of leaves of nested columns, one after another. Its zero
// value is ready. It is not safe for concurrent use.
type LeafReader struct {
	source
	window window
	slot   uint8 // definition level of an item of the innermost list
	rows   int64 // not read yet
	batch  Leaf
	slots  validity // of the batch
	isOpen bool     // the batch was begun, and memory ran out

	mostValues int // that fill a batch by themselves; for values of variable size, any number
}

// Open starts a chunk of src, of which readAhead bytes are read at once when a page
// header is looked for. It fails as [Reader.Open] does.
func (r *LeafReader) Open(src io.ReaderAt, column Column, chunk Chunk, readAhead int) error {
	r.window.open(column)
	r.slot, r.rows, r.mostValues, r.isOpen = 0, chunk.Rows, batchData, false
	if width := column.Width(); width > 0 {
		r.mostValues = max(1, batchData/width)
	}
	if n := len(column.Repeated); n > 0 {
		r.slot = column.Repeated[n-1]
	}
	return r.open(src, column, chunk, readAhead)
}

// Next returns the next rows of the chunk, at least one and at most the given number. It
// returns fewer when they take much memory; a single row is returned whole, or refused
// when it does not fit an array. After ErrMemory, it can be called again, for as many rows.
func (r *LeafReader) Next(rows int) (Leaf, error) {
	if err := r.resume(); err != nil {
		return Leaf{}, err
	}
	rows = int(min(int64(rows), r.rows))
	if !r.isOpen {
		r.store.begin(min(rows, r.mostValues))
		r.batch, r.slots = Leaf{slot: r.slot}, validity{}
	}
	r.isOpen = false
	for isDone := false; !isDone; {
		if err := r.ensureLevels(); err != nil {
			r.isOpen = errors.Is(err, ErrMemory)
			return Leaf{}, err
		}
		if len(r.window.definitions) == 0 {
			break
		}
		var n int
		n, isDone = r.whatFits(rows)
		if err := r.take(n); err != nil {
			return Leaf{}, err
		}
	}
	r.rows -= int64(r.batch.Rows)
	if err := r.checkEnd(); err != nil {
		return Leaf{}, err
	}
	values, err := r.store.array(r.slots)
	r.batch.Values = values
	return r.batch, err
}

// ensureLevels makes sure that the window has levels, unless the chunk has no more.
func (r *LeafReader) ensureLevels() error {
	if len(r.window.definitions) > 0 || r.left == 0 {
		return nil
	}
	if err := r.ensurePage(); err != nil {
		return err
	}
	n := min(r.inPage, levelStep)
	r.inPage -= n
	r.left -= int64(n)
	return r.window.fill(&r.definitions, &r.repetitions, n)
}

// whatFits says how many entries of the window to take, and whether the batch ends there:
// before the row that would be one too many, or the first one after the batch is full.
func (r *LeafReader) whatFits(rows int) (n int, isDone bool) {
	step := r.store.fit(min(len(r.window.repetitions), r.mostValues))
	isFull := r.size() >= batchData || step == 0
	if step == 0 {
		step = min(len(r.window.repetitions), r.mostValues)
	}
	for _, repetition := range r.window.repetitions[:step] {
		if repetition == 0 {
			if r.batch.Rows >= rows || isFull && r.batch.Rows > 0 {
				return n, true
			}
			r.batch.Rows++
		}
		n++
	}
	return n, false
}

// size is how many bytes the batch takes.
func (r *LeafReader) size() int { return r.store.size() + 2*len(r.batch.Definitions) }

// take moves n entries of the window, and their values, to the batch.
func (r *LeafReader) take(n int) error {
	if r.size() > maxData {
		return errLargeArray()
	}
	definitions := r.window.definitions[:n]
	first, present := r.slots.rows, 0
	r.slots.bits = append(r.slots.bits, make([]byte, max(0, (first+n+7)/8-len(r.slots.bits)))...)
	for _, definition := range definitions {
		if definition < r.slot {
			continue
		}
		if definition == r.window.column.Definition {
			bitutil.SetBit(r.slots.bits, r.slots.rows)
			present++
		}
		r.slots.rows++
	}
	slots := r.slots.rows - first
	r.slots.nulls += slots - present
	r.batch.Definitions = append(r.batch.Definitions, definitions...)
	r.batch.Repetitions = append(r.batch.Repetitions, r.window.repetitions[:n]...)
	r.window.drop(n)
	return r.readValues(slots, present, r.slots.bits, first)
}

// checkEnd makes sure that the last row and the last entry come together.
func (r *LeafReader) checkEnd() error {
	hasEntries := r.left > 0 || len(r.window.definitions) > 0
	switch {
	case r.rows > 0 && !hasEntries:
		return fmt.Errorf("%w: the column ends %d rows early", errMalformed, r.rows)
	case r.rows == 0 && hasEntries:
		return fmt.Errorf("%w: the column has more rows than the footer says", errMalformed)
	case !hasEntries && r.pages.hasValues():
		return errMoreValues
	}
	return nil
}
