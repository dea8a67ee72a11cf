package hyper_test

import (
	"reflect"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// fixed makes an array of fixed-width values. In the rows listed last, a NULL hides the value.
func fixed[T arrow.FixedWidthType](t arrow.DataType, values []T, nullRows ...int) arrow.Array {
	return raw(t, len(values), nullRows, memory.NewBufferBytes(arrow.GetBytes(values)))
}

// raw makes an array of buffers, the validity bitmap apart.
func raw(t arrow.DataType, rows int, nullRows []int, buffers ...*memory.Buffer) arrow.Array {
	valid := make([]byte, bitutil.BytesForBits(int64(rows)))
	for row := range rows {
		bitutil.SetBit(valid, row)
	}
	for _, row := range nullRows {
		bitutil.ClearBit(valid, row)
	}
	bitmap := memory.NewBufferBytes(valid)
	if len(nullRows) == 0 {
		bitmap = nil
	}
	return array.MakeFromData(array.NewData(t, rows, append([]*memory.Buffer{bitmap}, buffers...), nil, len(nullRows), 0))
}

// fixedBinary makes a fixed-size binary array; a NULL hides the value in the rows listed last.
func fixedBinary(values []string, nullRows ...int) arrow.Array {
	var bytes []byte
	for _, value := range values {
		bytes = append(bytes, value...)
	}
	return raw(&arrow.FixedSizeBinaryType{ByteWidth: len(values[0])}, len(values), nullRows, memory.NewBufferBytes(bytes))
}

// texts makes a text or binary array of any layout; nil is NULL.
func texts(t arrow.DataType, values ...any) arrow.Array {
	builder := array.NewBuilder(memory.DefaultAllocator, t)
	for _, value := range values {
		if value == nil {
			builder.AppendNull()
			continue
		}
		switch b := builder.(type) {
		case array.StringLikeBuilder:
			b.Append(value.(string))
		case *array.BinaryBuilder:
			b.Append([]byte(value.(string)))
		case *array.BinaryViewBuilder:
			b.Append([]byte(value.(string)))
		}
	}
	return builder.NewArray()
}

// bools makes a boolean array; nil is NULL.
func bools(values ...any) arrow.Array {
	builder := array.NewBooleanBuilder(memory.DefaultAllocator)
	for _, value := range values {
		if value == nil {
			builder.AppendNull()
			continue
		}
		builder.Append(value.(bool))
	}
	return builder.NewArray()
}

func dictionary(indices, values arrow.Array) arrow.Array {
	return array.NewDictionaryArray(&arrow.DictionaryType{IndexType: indices.DataType(), ValueType: values.DataType()}, indices, values)
}

func runs(ends, values arrow.Array, rows int) arrow.Array {
	return array.NewRunEndEncodedArray(ends, values, rows, 0)
}

// extension is an Arrow extension type of any name.
type extension struct {
	arrow.ExtensionBase
	name string
}

type extensionArray struct{ array.ExtensionArrayBase }

func (*extension) ArrayType() reflect.Type { return reflect.TypeFor[extensionArray]() }
func (e *extension) ExtensionName() string { return e.name }
func (e *extension) String() string        { return e.name }
func (*extension) Serialize() string       { return "" }

func (e *extension) Deserialize(storage arrow.DataType, _ string) (arrow.ExtensionType, error) {
	return &extension{arrow.ExtensionBase{Storage: storage}, e.name}, nil
}

func (e *extension) ExtensionEquals(other arrow.ExtensionType) bool {
	return e.name == other.ExtensionName() && arrow.TypeEqual(e.StorageType(), other.StorageType())
}

func extended(name string, storage arrow.Array) arrow.Array {
	t := &extension{arrow.ExtensionBase{Storage: storage.DataType()}, name}
	return array.NewExtensionArrayWithStorage(t, storage)
}
