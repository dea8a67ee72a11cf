package convert

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// kernel converts the values of an array. The rows that do not convert are listed and NULL.
type kernel func(in arrow.Array) (out arrow.Array, failed []int, err error)

var errTooLong = errors.New("the text of one batch is longer than 2 GiB; write smaller row groups")

// null is the position of a value that is NULL.
const null = -1

// cells are the values of an array without its encodings.
type cells struct {
	values    arrow.Array
	positions []int // by row: where in values, or null; nil if row n is value n
}

// at is the position of a row's value, or null.
func (c cells) at(row int) int {
	if c.positions != nil {
		row = c.positions[row]
	}
	if row != null && c.values.IsNull(row) {
		return null
	}
	return row
}

// cellsOf looks through extensions, dictionaries and runs, as many as there are.
func cellsOf(in arrow.Array) (cells, error) {
	switch v := in.(type) {
	case array.ExtensionArray:
		return cellsOf(v.Storage())
	case *array.Dictionary:
		// Not v.Dictionary(): it writes to the array, which others may be reading.
		return through(array.MakeFromData(v.Data().Dictionary()), v.Len(), func(row int) int {
			if v.IsNull(row) {
				return null
			}
			return v.GetValueIndex(row)
		})
	case *array.Null:
		return cells{in, slices.Repeat([]int{null}, v.Len())}, nil
	case *array.RunEndEncoded:
		return through(v.Values(), v.Len(), v.GetPhysicalIndex)
	}
	return cells{values: in}, nil
}

// through is the cells of an array whose values are elsewhere.
func through(values arrow.Array, rows int, position func(row int) int) (cells, error) {
	inner, err := cellsOf(values)
	if err != nil {
		return cells{}, err
	}
	positions := make([]int, rows)
	for row := range positions {
		at := position(row)
		if at < null || at >= values.Len() {
			return cells{}, fmt.Errorf("row %d refers to value %d of %d", row, at, values.Len())
		}
		if at != null {
			at = inner.at(at)
		}
		positions[row] = at
	}
	return cells{inner.values, positions}, nil
}

// child is a field of a structure, NULL where the structure is.
func child(parent arrow.Array, field int) arrow.Array {
	if extension, ok := parent.(array.ExtensionArray); ok {
		parent = extension.Storage()
	}
	values := parent.(*array.Struct).Field(field)
	outer := parent.NullBitmapBytes()
	if len(outer) == 0 || values.DataType().ID() == arrow.NULL {
		return values
	}
	in, from, rows := values.Data(), parent.Data().Offset(), parent.Len()
	valid := make([]byte, bitutil.BytesForBits(int64(in.Offset()+rows)))
	if inner := values.NullBitmapBytes(); len(inner) == 0 {
		bitutil.CopyBitmap(outer, from, rows, valid, in.Offset())
	} else {
		bitutil.BitmapAnd(outer, inner, int64(from), int64(in.Offset()), valid, int64(in.Offset()), int64(rows))
	}
	buffers := append([]*memory.Buffer{memory.NewBufferBytes(valid)}, in.Buffers()[1:]...)
	nulls := rows - bitutil.CountSetBits(valid, in.Offset(), rows)
	out := array.NewData(in.DataType(), rows, buffers, in.Children(), nulls, in.Offset())
	out.SetDictionary(in.Dictionary())
	return array.MakeFromData(out)
}

// validity is the bitmap of an array in the making.
type validity struct {
	bits  []byte
	nulls int
}

func allValid(rows int) *validity {
	bits := make([]byte, bitutil.BytesForBits(int64(rows)))
	bitutil.SetBitsTo(bits, 0, int64(rows), true)
	return &validity{bits: bits}
}

func (v *validity) clear(row int) {
	bitutil.ClearBit(v.bits, row)
	v.nulls++
}

// finish makes the array.
func (v *validity) finish(t arrow.DataType, rows int, buffers ...*memory.Buffer) arrow.Array {
	var bitmap *memory.Buffer
	if v.nulls > 0 {
		bitmap = memory.NewBufferBytes(v.bits)
	}
	return array.MakeFromData(array.NewData(t, rows, append([]*memory.Buffer{bitmap}, buffers...), nil, v.nulls, 0))
}

// walk calls convert with the position of the value of each row that is not NULL.
func walk(in arrow.Array, bind func(values arrow.Array) func(row, at int) bool) (valid *validity, failed []int, err error) {
	source, err := cellsOf(in)
	if err != nil {
		return nil, nil, err
	}
	valid = allValid(in.Len())
	convert := bind(source.values)
	for row := range in.Len() {
		at := source.at(row)
		switch {
		case at == null:
			valid.clear(row)
		case !convert(row, at):
			valid.clear(row)
			failed = append(failed, row)
		}
	}
	return valid, failed, nil
}

// toFixed is a kernel that makes values of fixed width. What bind returns is called for one
// value after the other, and says whether it converts.
func toFixed[T arrow.FixedWidthType](t arrow.DataType, bind func(values arrow.Array) func(at int) (T, bool)) kernel {
	return func(in arrow.Array) (arrow.Array, []int, error) {
		out := make([]T, in.Len())
		valid, failed, err := walk(in, func(values arrow.Array) func(row, at int) bool {
			get := bind(values)
			return func(row, at int) (ok bool) {
				out[row], ok = get(at)
				return ok
			}
		})
		if err != nil {
			return nil, nil, err
		}
		return valid.finish(t, in.Len(), memory.NewBufferBytes(arrow.GetBytes(out))), failed, nil
	}
}

// toBoolean is a kernel that makes booleans.
func toBoolean(bind func(values arrow.Array) func(at int) (value, ok bool)) kernel {
	return func(in arrow.Array) (arrow.Array, []int, error) {
		bits := make([]byte, bitutil.BytesForBits(int64(in.Len())))
		valid, failed, err := walk(in, func(values arrow.Array) func(row, at int) bool {
			get := bind(values)
			return func(row, at int) bool {
				value, ok := get(at)
				bitutil.SetBitTo(bits, row, value)
				return ok
			}
		})
		if err != nil {
			return nil, nil, err
		}
		return valid.finish(arrow.FixedWidthTypes.Boolean, in.Len(), memory.NewBufferBytes(bits)), failed, nil
	}
}

// appender appends the text or bytes of a value. If the value does not convert, what was
// appended does not count.
type appender func(dst []byte, at int) (out []byte, ok bool)

// toBytes is a kernel that makes texts or binaries.
func toBytes(t arrow.DataType, bind func(values arrow.Array) appender) kernel {
	return func(in arrow.Array) (arrow.Array, []int, error) {
		var out []byte
		offsets := make([]int32, in.Len()+1)
		long := false
		valid, failed, err := walk(in, func(values arrow.Array) func(row, at int) bool {
			appendTo := bind(values)
			return func(row, at int) bool {
				offsets[row] = int32(len(out))
				longer, ok := appendTo(out, at)
				if long = long || len(longer) > math.MaxInt32; ok && !long {
					out = longer
				}
				return ok
			}
		})
		switch {
		case err != nil:
			return nil, nil, err
		case long:
			return nil, nil, errTooLong
		}
		closeOffsets(offsets, len(out), valid)
		return valid.finish(t, in.Len(), memory.NewBufferBytes(arrow.GetBytes(offsets)), memory.NewBufferBytes(out)), failed, nil
	}
}

// closeOffsets sets the last offset, and those of NULLs, which were not visited.
func closeOffsets(offsets []int32, end int, valid *validity) {
	last := len(offsets) - 1
	offsets[last] = int32(end)
	for row := last - 1; row >= 0; row-- {
		if bitutil.BitIsNotSet(valid.bits, row) {
			offsets[row] = offsets[row+1]
		}
	}
}
