package convert

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/internal/failure"
)

// defaultValue is an array of the one value that replaces NULLs.
func defaultValue(to target, c Column) (arrow.Array, error) {
	way, ok := conversions[text][to.kind]
	if !ok {
		return nil, failure.New(failure.Config, "column %q: a default cannot be written as %s", c.Source, to.sql).
			WithHint("leave the default out")
	}
	zone, err := c.location()
	if err != nil {
		return nil, err
	}
	convert, err := way.build(request{field: arrow.Field{Name: c.Source, Type: arrow.BinaryTypes.String}, to: to, zone: zone})
	if err != nil {
		return nil, err
	}
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	builder.Append(*c.Default)
	one, failed, err := convert(builder.NewArray())
	if err == nil && len(failed) > 0 {
		err = failure.New(failure.Config, "column %q: the default %q does not convert to %s", c.Source, *c.Default, to.sql).
			WithHint("write it as the text of a %s value", to.sql)
	}
	return one, err
}

// fillNulls replaces the NULLs of an array by the one value of another of the same type. Rows
// that failed, in ascending order, stay NULL.
func fillNulls(values, one arrow.Array, failed []int) (arrow.Array, error) {
	bitmap, rows := values.NullBitmapBytes(), values.Len()
	if len(bitmap) == 0 || bitutil.CountSetBits(bitmap, values.Data().Offset(), rows) == rows-len(failed) {
		return values, nil
	}
	valid := allValid(rows)
	for _, row := range failed {
		valid.clear(row)
	}
	positions := make([]int, rows) // null: the value that replaces
	for row := range positions {
		positions[row] = row
		if values.IsNull(row) {
			positions[row] = null
		}
	}
	switch v := values.(type) {
	case *array.Boolean:
		return valid.finish(v.DataType(), rows, fillBits(v, one.(*array.Boolean).Value(0), positions)), nil
	case *array.String, *array.Binary:
		return fillBytes(values, bytesOf(one)(0), positions, valid)
	}
	width := values.DataType().(arrow.FixedWidthDataType).Bytes()
	filler := one.Data().Buffers()[1].Bytes()[one.Data().Offset()*width:]
	out := append([]byte(nil), values.Data().Buffers()[1].Bytes()[values.Data().Offset()*width:][:rows*width]...)
	for row, at := range positions {
		if at == null {
			copy(out[row*width:(row+1)*width], filler)
		}
	}
	return valid.finish(values.DataType(), rows, memory.NewBufferBytes(out)), nil
}

func fillBits(values *array.Boolean, filler bool, positions []int) *memory.Buffer {
	bits := make([]byte, bitutil.BytesForBits(int64(len(positions))))
	for row, at := range positions {
		bitutil.SetBitTo(bits, row, at == null && filler || at != null && values.Value(at))
	}
	return memory.NewBufferBytes(bits)
}

func fillBytes(values arrow.Array, filler []byte, positions []int, valid *validity) (arrow.Array, error) {
	get := bytesOf(values)
	offsets := make([]int32, len(positions)+1)
	var out []byte
	for row, at := range positions {
		switch {
		case at != null:
			out = append(out, get(at)...)
		case bitutil.BitIsSet(valid.bits, row):
			out = append(out, filler...)
		}
		if len(out) > math.MaxInt32 {
			return nil, errTooLong
		}
		offsets[row+1] = int32(len(out))
	}
	return valid.finish(values.DataType(), len(positions), memory.NewBufferBytes(arrow.GetBytes(offsets)), memory.NewBufferBytes(out)), nil
}
