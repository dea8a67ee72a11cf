package hyper

import (
	"encoding/hex"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

const (
	uuidBytes    = 16
	uuidTextSize = 36
)

// errTooLong is the error for more bytes in one column of one batch than 32-bit offsets reach.
var errTooLong = fmt.Errorf("the values of one batch are longer than %d bytes together", math.MaxInt32)

func toText(values arrow.Array) (arrow.Array, error) {
	switch v := values.(type) {
	case *array.LargeString:
		return narrowOffsets(arrow.BinaryTypes.String, v)
	case *array.StringView:
		return pack(arrow.BinaryTypes.String, v, v.Value)
	case *array.FixedSizeBinary:
		return uuidText(v)
	}
	return nil, mismatch(arrow.BinaryTypes.String, values)
}

func toBytes(values arrow.Array) (arrow.Array, error) {
	switch v := values.(type) {
	case *array.LargeBinary:
		return narrowOffsets(arrow.BinaryTypes.Binary, v)
	case *array.BinaryView:
		return pack(arrow.BinaryTypes.Binary, v, v.Value)
	case *array.FixedSizeBinary:
		return fixedToBytes(v)
	}
	return nil, mismatch(arrow.BinaryTypes.Binary, values)
}

// largeValues is a text or binary array with 64-bit offsets.
type largeValues interface {
	arrow.Array
	ValueOffsets() []int64
	ValueBytes() []byte
}

// narrowOffsets turns 64-bit offsets into 32-bit ones. The bytes are shared.
func narrowOffsets(to arrow.DataType, values largeValues) (arrow.Array, error) {
	bytes, offsets := values.ValueBytes(), values.ValueOffsets()
	if len(bytes) > math.MaxInt32 {
		return nil, errTooLong
	}
	narrow := make([]int32, len(offsets))
	for i, offset := range offsets {
		narrow[i] = int32(offset - offsets[0])
	}
	return withValidity(to, values, memory.NewBufferBytes(arrow.GetBytes(narrow)), memory.NewBufferBytes(bytes)), nil
}

// pack writes scattered values one after another; what a NULL hides is left out.
func pack[T string | []byte](to arrow.DataType, values arrow.Array, at func(int) T) (arrow.Array, error) {
	offsets := make([]int32, values.Len()+1)
	total := 0
	for i := range values.Len() {
		if values.IsValid(i) {
			total += len(at(i))
		}
		if total > math.MaxInt32 {
			return nil, errTooLong
		}
		offsets[i+1] = int32(total)
	}
	bytes := make([]byte, 0, total)
	for i := range values.Len() {
		if values.IsValid(i) {
			bytes = append(bytes, at(i)...)
		}
	}
	return withValidity(to, values, memory.NewBufferBytes(arrow.GetBytes(offsets)), memory.NewBufferBytes(bytes)), nil
}

// fixedToBytes gives values of one width offsets. The bytes are shared.
func fixedToBytes(values *array.FixedSizeBinary) (arrow.Array, error) {
	width := values.DataType().(*arrow.FixedSizeBinaryType).ByteWidth
	if values.Len()*width > math.MaxInt32 {
		return nil, errTooLong
	}
	offsets := make([]int32, values.Len()+1)
	for i := range offsets {
		offsets[i] = int32(i * width)
	}
	return withValidity(arrow.BinaryTypes.Binary, values,
		memory.NewBufferBytes(arrow.GetBytes(offsets)), memory.NewBufferBytes(fixedBytes(values, width))), nil
}

// fixedBytes is the bytes of an array whose values all have the same width, from its first
// value to its last.
func fixedBytes(values arrow.Array, width int) []byte {
	data := values.Data()
	return data.Buffers()[1].Bytes()[data.Offset()*width : (data.Offset()+data.Len())*width]
}

// uuidText writes UUIDs as 8-4-4-4-12 lower-case hexadecimal digits.
func uuidText(values *array.FixedSizeBinary) (arrow.Array, error) {
	if values.DataType().(*arrow.FixedSizeBinaryType).ByteWidth != uuidBytes {
		return nil, mismatch(arrow.BinaryTypes.String, values)
	}
	source := fixedBytes(values, uuidBytes)
	offsets := make([]int32, values.Len()+1)
	text := make([]byte, values.Len()*uuidTextSize)
	for i := range values.Len() {
		offsets[i+1] = int32((i + 1) * uuidTextSize)
		writeUUID(text[i*uuidTextSize:], source[i*uuidBytes:])
	}
	return withValidity(arrow.BinaryTypes.String, values, memory.NewBufferBytes(arrow.GetBytes(offsets)), memory.NewBufferBytes(text)), nil
}

func writeUUID(text, id []byte) {
	hex.Encode(text, id[:4])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	hex.Encode(text[9:], id[4:6])
	hex.Encode(text[14:], id[6:8])
	hex.Encode(text[19:], id[8:10])
	hex.Encode(text[24:], id[10:uuidBytes])
}
