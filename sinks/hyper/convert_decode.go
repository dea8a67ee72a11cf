package hyper

import (
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// decode makes plain values of extension, dictionary and run-end encoded arrays, or an
// array of type null if that is all there is. Others stay as they are.
func decode(values arrow.Array) (arrow.Array, error) {
	switch v := values.(type) {
	case array.ExtensionArray:
		return decode(v.Storage())
	case *array.Dictionary:
		if v.Len() == 0 || v.DataType().(*arrow.DictionaryType).ValueType.ID() == arrow.NULL {
			return array.NewNull(v.Len()), nil
		}
		// Not v.Dictionary(): it writes to the array, which others may be reading.
		return gather(array.MakeFromData(v.Data().Dictionary()), dictionaryPositions(v))
	case *array.RunEndEncoded:
		return gather(v.Values(), runPositions(v))
	}
	return values, nil
}

// null is the position of a value that is NULL.
const null = -1

// dictionaryPositions says for each row where in the dictionary its value is.
func dictionaryPositions(values *array.Dictionary) []int {
	positions := make([]int, values.Len())
	for i := range positions {
		positions[i] = null
		if values.IsValid(i) {
			positions[i] = values.GetValueIndex(i)
		}
	}
	return positions
}

// runPositions says for each row which run it belongs to.
func runPositions(values *array.RunEndEncoded) []int {
	ends := runEnds(values.RunEndsArr())
	positions := make([]int, values.Len())
	run := values.GetPhysicalOffset()
	for i := range positions {
		for run < len(ends) && ends[run] <= int64(values.Offset()+i) {
			run++
		}
		positions[i] = run
	}
	return positions
}

func runEnds(ends arrow.Array) []int64 {
	wide := make([]int64, ends.Len())
	switch ends := ends.(type) {
	case *array.Int16:
		for i, end := range ends.Int16Values() {
			wide[i] = int64(end)
		}
	case *array.Int32:
		for i, end := range ends.Int32Values() {
			wide[i] = int64(end)
		}
	case *array.Int64:
		copy(wide, ends.Int64Values())
	}
	return wide
}

// gather copies the values at the positions, in their order. It overwrites positions.
func gather(values arrow.Array, positions []int) (arrow.Array, error) {
	values, err := decode(values)
	if err != nil {
		return nil, err
	}
	if values.DataType().ID() == arrow.NULL {
		return array.NewNull(len(positions)), nil
	}
	nulls := 0
	for i, at := range positions {
		if at >= values.Len() || at < null {
			return nil, fmt.Errorf("row %d refers to value %d of %d", i, at, values.Len())
		}
		if at != null && values.IsNull(at) {
			positions[i] = null
		}
		if positions[i] == null {
			nulls++
		}
	}
	if nulls == len(positions) {
		return array.NewNull(len(positions)), nil
	}
	buffers, err := gatherBuffers(values, positions)
	if err != nil {
		return nil, err
	}
	buffers = append([]*memory.Buffer{validPositions(positions)}, buffers...)
	return array.MakeFromData(array.NewData(values.DataType(), len(positions), buffers, nil, nulls, 0)), nil
}

func validPositions(positions []int) *memory.Buffer {
	bits := make([]byte, bitutil.BytesForBits(int64(len(positions))))
	for i, at := range positions {
		if at != null {
			bitutil.SetBit(bits, i)
		}
	}
	return memory.NewBufferBytes(bits)
}

func gatherBuffers(values arrow.Array, positions []int) ([]*memory.Buffer, error) {
	switch v := values.(type) {
	case *array.Boolean:
		return gatherBits(v, positions), nil
	case *array.String:
		return gatherBytes[int32](v, positions, math.MaxInt32)
	case *array.Binary:
		return gatherBytes[int32](v, positions, math.MaxInt32)
	case *array.LargeString:
		return gatherBytes[int64](v, positions, math.MaxInt64)
	case *array.LargeBinary:
		return gatherBytes[int64](v, positions, math.MaxInt64)
	case *array.StringView, *array.BinaryView:
		return gatherViews(v, positions), nil
	}
	fixed, ok := values.DataType().(arrow.FixedWidthDataType)
	if !ok {
		return nil, fmt.Errorf("the file holds encoded %s", values.DataType())
	}
	return []*memory.Buffer{gatherFixed(fixedBytes(values, fixed.Bytes()), fixed.Bytes(), positions)}, nil
}

func gatherBits(values *array.Boolean, positions []int) []*memory.Buffer {
	bits := make([]byte, bitutil.BytesForBits(int64(len(positions))))
	for i, at := range positions {
		if at != null && values.Value(at) {
			bitutil.SetBit(bits, i)
		}
	}
	return []*memory.Buffer{memory.NewBufferBytes(bits)}
}

func gatherFixed(values []byte, width int, positions []int) *memory.Buffer {
	out := make([]byte, len(positions)*width)
	for i, at := range positions {
		if at != null {
			copy(out[i*width:(i+1)*width], values[at*width:])
		}
	}
	return memory.NewBufferBytes(out)
}

// gatherViews copies the views; the bytes that they refer to are shared.
func gatherViews(values arrow.Array, positions []int) []*memory.Buffer {
	views := fixedBytes(values, arrow.ViewHeaderSizeBytes)
	buffers := []*memory.Buffer{gatherFixed(views, arrow.ViewHeaderSizeBytes, positions)}
	return append(buffers, values.Data().Buffers()[2:]...)
}

// offsetValues is a text or binary array with offsets.
type offsetValues[O int32 | int64] interface {
	ValueOffsets() []O
	ValueBytes() []byte
}

func gatherBytes[O int32 | int64](values offsetValues[O], positions []int, limit int64) ([]*memory.Buffer, error) {
	from, bytes := values.ValueOffsets(), values.ValueBytes()
	offsets := make([]O, len(positions)+1)
	var total int64
	for i, at := range positions {
		if at != null {
			total += int64(from[at+1] - from[at])
		}
		if total > limit {
			return nil, errTooLong
		}
		offsets[i+1] = O(total)
	}
	out := make([]byte, 0, total)
	for _, at := range positions {
		if at != null {
			out = append(out, bytes[from[at]-from[0]:from[at+1]-from[0]]...)
		}
	}
	return []*memory.Buffer{memory.NewBufferBytes(arrow.GetBytes(offsets)), memory.NewBufferBytes(out)}, nil
}
