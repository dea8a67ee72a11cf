package column

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/transforms/parquetread/internal/format"
)

// validity says which of the rows of a batch have values; all have when bits is nil.
type validity struct {
	rows  int
	nulls int
	bits  []byte
}

// isValid says whether a row has a value.
func (v validity) isValid(row int) bool { return v.nulls == 0 || bitutil.BitIsSet(v.bits, row) }

// make makes an array of a type from its buffers other than that of the validity.
func (v validity) make(dt arrow.DataType, buffers ...[]byte) arrow.Array {
	all := make([]*memory.Buffer, 1, 1+len(buffers))
	if v.nulls > 0 {
		all[0] = memory.NewBufferBytes(v.bits)
	}
	for _, b := range buffers {
		all = append(all, memory.NewBufferBytes(b))
	}
	data := array.NewData(dt, v.rows, all, nil, v.nulls, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// fixedArray makes an array of fixed-width values. Rows without a value hold zeros.
func fixedArray(c Column, data []byte, v validity) (arrow.Array, error) {
	switch dt := c.Type.(type) {
	case *arrow.NullType:
		return nullArray(v)
	case *arrow.BooleanType:
		return v.make(dt, packBits(data)), nil
	case *arrow.Int8Type:
		return narrowed[int8](dt, data, v)
	case *arrow.Uint8Type:
		return narrowed[uint8](dt, data, v)
	case *arrow.Int16Type:
		return narrowed[int16](dt, data, v)
	case *arrow.Uint16Type:
		return narrowed[uint16](dt, data, v)
	case *arrow.Decimal128Type, *arrow.Decimal256Type:
		return fixedDecimals(c, data, v)
	case *arrow.Date32Type:
		if c.Hybrid != nil {
			moveDays(arrow.Int32Traits.CastFromBytes(data))
		}
	case *arrow.TimestampType:
		if c.Physical == format.Int96 {
			data = int96Micros(data, v)
		}
		if c.Hybrid != nil {
			if err := moveTimestamps(arrow.Int64Traits.CastFromBytes(data), dt.Unit, c.Hybrid); err != nil {
				return nil, err
			}
		}
	}
	return v.make(c.Type, data), nil
}

// byteArray makes an array of byte arrays.
func byteArray(c Column, values byteArrays, v validity) (arrow.Array, error) {
	switch c.Type.(type) {
	case *arrow.NullType:
		return nullArray(v)
	case *arrow.Decimal128Type, *arrow.Decimal256Type:
		return byteDecimals(c, values, v)
	}
	return v.make(c.Type, arrow.Int32Traits.CastToBytes(values.offsets), values.data), nil
}

func nullArray(v validity) (arrow.Array, error) {
	if v.nulls < v.rows {
		return nil, fmt.Errorf("%w: a column that is declared to hold nulls only holds values", errMalformed)
	}
	return array.NewNull(v.rows), nil
}

// packBits makes a bitmap of bytes that are 0 or 1.
func packBits(data []byte) []byte {
	bits := make([]byte, (len(data)+7)/8)
	for i, b := range data {
		bits[i>>3] |= b & 1 << (i & 7)
	}
	return bits
}

// narrowed makes an array of small integers from those of 32 bits that store them.
func narrowed[T int8 | uint8 | int16 | uint16](dt arrow.DataType, data []byte, v validity) (arrow.Array, error) {
	wide := arrow.Int32Traits.CastFromBytes(data)
	narrow := make([]T, len(wide))
	for i, value := range wide {
		narrow[i] = T(value)
		if int32(narrow[i]) != value {
			return nil, errOverflow(value, dt)
		}
	}
	return v.make(dt, arrow.GetBytes(narrow)), nil
}

// errOverflow says that a value is not one of its column's type.
func errOverflow(value any, dt arrow.DataType) error {
	return fmt.Errorf("%w: the value %v does not fit %s", errMalformed, value, dt)
}
