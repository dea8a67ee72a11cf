// Package take copies chosen rows out of Arrow records.
//
// Rows are moved a whole run of neighbours at a time, which makes leaving out a few rows
// cheap, and gathering scattered ones still much cheaper than the filter of arrow/compute,
// which takes 30 times longer. What is taken is new memory that shares nothing with its
// source but dictionaries and the data of views.
package take

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Selection is the rows to take out of a record, as runs in ascending order. The zero value
// is empty and ready. Reading one is safe for concurrent use.
type Selection struct {
	runs []run
	rows int // in all runs
}

type run struct{ first, rows int }

// Add appends rows, of which the first is after all those of the selection so far.
func (s *Selection) Add(first, rows int) {
	if rows == 0 {
		return
	}
	s.rows += rows
	if last := len(s.runs) - 1; last >= 0 && s.runs[last].first+s.runs[last].rows == first {
		s.runs[last].rows += rows
		return
	}
	s.runs = append(s.runs, run{first, rows})
}

// Rows is how many rows are selected.
func (s Selection) Rows() int { return s.rows }

// Reset empties the selection and keeps its memory.
func (s *Selection) Reset() { s.runs, s.rows = s.runs[:0], 0 }

// Record copies the selected rows of in. An error names the column whose type has no
// kernel: unions and run-end encoded ones.
func (s Selection) Record(in arrow.Record) (arrow.Record, error) {
	columns := make([]arrow.Array, in.NumCols())
	for i := range columns {
		data, err := s.column(in.Column(i).Data())
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", in.ColumnName(i), err)
		}
		columns[i] = array.MakeFromData(data)
	}
	return array.NewRecord(in.Schema(), columns, int64(s.rows)), nil
}

// column copies the selected rows of an array of any type but unions and run-end encoded
// ones. Rows count from the array's offset.
func (s Selection) column(in arrow.ArrayData) (arrow.ArrayData, error) {
	valid, nulls := s.validity(in)
	buffers := []*memory.Buffer{valid}
	var children []arrow.ArrayData
	var err error
	switch t := StorageType(in.DataType()).(type) {
	case *arrow.NullType:
		nulls = s.rows
	case *arrow.BooleanType:
		buffers = append(buffers, s.bits(in.Buffers()[1], in.Offset()))
	case *arrow.StructType:
		children, err = s.shift(in.Offset()).columns(in.Children())
	case *arrow.FixedSizeListType:
		children, err = s.shift(in.Offset()).times(int(t.Len())).columns(in.Children())
	case *arrow.ListType, *arrow.MapType:
		offsets, elements := pickOffsets[int32](s, in)
		buffers = append(buffers, offsets)
		children, err = elements.columns(in.Children())
	case *arrow.LargeListType:
		offsets, elements := pickOffsets[int64](s, in)
		buffers = append(buffers, offsets)
		children, err = elements.columns(in.Children())
	case *arrow.ListViewType:
		buffers = append(buffers, s.fixed(in.Buffers()[1], in.Offset(), 4), s.fixed(in.Buffers()[2], in.Offset(), 4))
		children = in.Children()
	case *arrow.LargeListViewType:
		buffers = append(buffers, s.fixed(in.Buffers()[1], in.Offset(), 8), s.fixed(in.Buffers()[2], in.Offset(), 8))
		children = in.Children()
	case arrow.BinaryViewDataType:
		buffers = append(buffers, s.fixed(in.Buffers()[1], in.Offset(), arrow.ViewHeaderSizeBytes))
		buffers = append(buffers, in.Buffers()[2:]...)
	case *arrow.StringType, *arrow.BinaryType:
		buffers = append(buffers, pickBytes[int32](s, in)...)
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		buffers = append(buffers, pickBytes[int64](s, in)...)
	case arrow.FixedWidthDataType: // also dictionaries: their indices
		buffers = append(buffers, s.fixed(in.Buffers()[1], in.Offset(), t.Bytes()))
	default:
		err = fmt.Errorf("rows of a column of type %s cannot be set aside; leave the column out with select", t)
	}
	if err != nil {
		return nil, err
	}
	out := array.NewData(in.DataType(), s.rows, buffers, children, nulls, 0)
	out.SetDictionary(in.Dictionary())
	return out, nil
}

func (s Selection) columns(in []arrow.ArrayData) ([]arrow.ArrayData, error) {
	out := make([]arrow.ArrayData, len(in))
	for i, child := range in {
		var err error
		if out[i], err = s.column(child); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// shift is the selection for children that do not know the offset of their parent.
func (s Selection) shift(offset int) Selection {
	var out Selection
	for _, r := range s.runs {
		out.Add(r.first+offset, r.rows)
	}
	return out
}

// times is the selection of the elements of lists that all have n.
func (s Selection) times(n int) Selection {
	var out Selection
	for _, r := range s.runs {
		out.Add(r.first*n, r.rows*n)
	}
	return out
}

// validity is nil when no row is NULL, as most often. NULLs are counted here: an array
// that counts them when it is first asked would not be safe to share.
func (s Selection) validity(in arrow.ArrayData) (valid *memory.Buffer, nulls int) {
	if len(in.Buffers()) == 0 || in.Buffers()[0] == nil || in.Buffers()[0].Len() == 0 {
		return nil, 0
	}
	valid = s.bits(in.Buffers()[0], in.Offset())
	if nulls = s.rows - bitutil.CountSetBits(valid.Bytes(), 0, s.rows); nulls == 0 {
		return nil, 0
	}
	return valid, nulls
}

// bits copies the selected bits of a bitmap. (bitutil.CopyBitmap allocates for each run.)
func (s Selection) bits(in *memory.Buffer, offset int) *memory.Buffer {
	if in == nil || in.Len() == 0 {
		return nil
	}
	out := make([]uint64, (s.rows+63)/64+1) // one to spill into
	at := 0
	for _, r := range s.runs {
		for i := 0; i < r.rows; i += 64 {
			word, to := Word(in.Bytes(), offset+r.first+i)&mask(r.rows-i), at+i
			out[to/64] |= word << (to % 64)
			out[to/64+1] |= word >> (64 - to%64)
		}
		at += r.rows
	}
	bytes := make([]byte, 8*len(out))
	for i, word := range out {
		binary.LittleEndian.PutUint64(bytes[8*i:], word)
	}
	return memory.NewBufferBytes(bytes[:bitutil.BytesForBits(int64(s.rows))])
}

// fixed copies the selected elements of a buffer whose elements are width bytes.
func (s Selection) fixed(in *memory.Buffer, offset, width int) *memory.Buffer {
	if in == nil {
		return nil
	}
	switch width {
	case 4:
		return pickValues[uint32](s, in, offset)
	case 8:
		return pickValues[uint64](s, in, offset)
	case 16:
		return pickValues[decimal128.Num](s, in, offset)
	}
	out := memory.DefaultAllocator.Allocate(s.rows * width)
	at := 0
	for _, r := range s.runs {
		from := (offset + r.first) * width
		at += copy(out[at:], in.Bytes()[from:from+r.rows*width])
	}
	return memory.NewBufferBytes(out)
}

// pickValues is fixed for the usual widths: a scattered row is no call of memmove.
func pickValues[T uint32 | uint64 | decimal128.Num](s Selection, in *memory.Buffer, offset int) *memory.Buffer {
	values := arrow.GetData[T](in.Bytes())[offset:]
	out := make([]T, s.rows)
	at := 0
	for _, r := range s.runs {
		if r.rows == 1 {
			out[at] = values[r.first]
			at++
			continue
		}
		at += copy(out[at:], values[r.first:r.first+r.rows])
	}
	return memory.NewBufferBytes(arrow.GetBytes(out))
}

// pickBytes copies the selected texts or bytes, with new offsets.
func pickBytes[O int32 | int64](s Selection, in arrow.ArrayData) []*memory.Buffer {
	out := make([]O, s.rows+1)
	if s.rows == 0 { // an empty array need not have offsets
		return []*memory.Buffer{memory.NewBufferBytes(arrow.GetBytes(out)), memory.NewBufferBytes(nil)}
	}
	old, size := arrow.GetOffsets[O](in, 1), O(0)
	for _, r := range s.runs {
		size += old[r.first+r.rows] - old[r.first]
	}
	var from []byte
	if in.Buffers()[2] != nil { // else all are empty
		from = in.Buffers()[2].Bytes()
	}
	to := make([]byte, 0, size)
	row := 0
	for _, r := range s.runs {
		shift := O(len(to)) - old[r.first]
		to = append(to, from[old[r.first]:old[r.first+r.rows]]...)
		for _, o := range old[r.first+1 : r.first+r.rows+1] {
			row++
			out[row] = o + shift
		}
	}
	return []*memory.Buffer{memory.NewBufferBytes(arrow.GetBytes(out)), memory.NewBufferBytes(to)}
}

// pickOffsets makes the offsets of the selected rows, and the selection of what they
// point at: for a run of rows that is one run, too.
func pickOffsets[O int32 | int64](s Selection, in arrow.ArrayData) (*memory.Buffer, Selection) {
	var old []O
	if s.rows > 0 { // an empty array need not have offsets
		old = arrow.GetOffsets[O](in, 1)
	}
	out := make([]O, 1, s.rows+1)
	var elements Selection
	for _, r := range s.runs {
		shift := out[len(out)-1] - old[r.first]
		for _, o := range old[r.first+1 : r.first+r.rows+1] {
			out = append(out, o+shift)
		}
		elements.Add(int(old[r.first]), int(old[r.first+r.rows]-old[r.first]))
	}
	return memory.NewBufferBytes(arrow.GetBytes(out)), elements
}

// Word is the 64 bits of a bitmap from a bit on, those beyond its end as zeros.
func Word(bits []byte, first int) uint64 {
	from, shift := bits[first/8:], first%8
	if len(from) < 9 { // the end of the bitmap: read from a copy that is long enough
		var tail [9]byte
		copy(tail[:], from)
		from = tail[:]
	}
	return binary.LittleEndian.Uint64(from)>>shift | uint64(from[8])<<(64-shift)
}

// mask has the lowest bits set, of which there may be more than 64.
func mask(bits int) uint64 {
	if bits < 64 {
		return 1<<bits - 1
	}
	return ^uint64(0)
}

// StorageType is what an array of type t holds: t itself unless t is an extension type.
func StorageType(t arrow.DataType) arrow.DataType {
	for t.ID() == arrow.EXTENSION {
		t = t.(arrow.ExtensionType).StorageType()
	}
	return t
}
