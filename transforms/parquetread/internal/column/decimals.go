package column

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/decimal256"

	"hyperlake/transforms/parquetread/internal/format"
)

// fixedDecimals makes decimals of integers or of fixed-length two's complement. They may have
// more digits than their type, as writers do not all check them: what becomes of the rows is
// for others to say. A number that the bits of the type cannot hold is damage.
func fixedDecimals(c Column, data []byte, v validity) (arrow.Array, error) {
	width := c.Width()
	if dt, ok := c.Type.(*arrow.Decimal128Type); ok && c.Physical == format.FixedLenByteArray && width <= 8 {
		return integerDecimals(dt, v, func(row int) int64 {
			value := data[row*width : (row+1)*width]
			n := int64(int8(value[0]))
			for _, b := range value[1:] {
				n = n<<8 | int64(b)
			}
			return n
		}), nil
	}
	if c.Physical == format.FixedLenByteArray {
		return decimals(c.Type, v, func(row int) []byte { return data[row*width : (row+1)*width] })
	}
	integer := func(row int) int64 { return int64(binary.LittleEndian.Uint64(data[row*8:])) }
	if c.Physical == format.Int32 {
		integer = func(row int) int64 { return int64(int32(binary.LittleEndian.Uint32(data[row*4:]))) }
	}
	if dt, ok := c.Type.(*arrow.Decimal128Type); ok {
		return integerDecimals(dt, v, integer), nil
	}
	var big [8]byte
	return decimals(c.Type, v, func(row int) []byte {
		binary.BigEndian.PutUint64(big[:], uint64(integer(row)))
		return big[:]
	})
}

// byteDecimals makes decimals of two's complement of any length.
func byteDecimals(c Column, values byteArrays, v validity) (arrow.Array, error) {
	return decimals(c.Type, v, func(row int) []byte {
		return values.data[values.offsets[row]:values.offsets[row+1]]
	})
}

// integerDecimals is decimals for the common case.
func integerDecimals(dt *arrow.Decimal128Type, v validity, value func(row int) int64) arrow.Array {
	numbers := make([]decimal128.Num, v.rows)
	for row := range numbers {
		n := value(row)
		numbers[row] = decimal128.New(n>>63, uint64(n))
	}
	return v.make(dt, arrow.Decimal128Traits.CastToBytes(numbers))
}

// decimals makes decimals of what value returns for each row: two's complement with the
// most significant byte first.
func decimals(dt arrow.DataType, v validity, value func(row int) []byte) (arrow.Array, error) {
	switch dt := dt.(type) {
	case *arrow.Decimal128Type:
		numbers, err := numbers(dt, v, value, func(w [4]uint64) (decimal128.Num, bool) {
			sign := uint64(int64(w[1]) >> 63)
			return decimal128.New(int64(w[1]), w[0]), w[2] == sign && w[3] == sign
		})
		if err != nil {
			return nil, err
		}
		return v.make(dt, arrow.Decimal128Traits.CastToBytes(numbers)), nil
	case *arrow.Decimal256Type:
		numbers, err := numbers(dt, v, value, func(w [4]uint64) (decimal256.Num, bool) {
			return decimal256.New(w[3], w[2], w[1], w[0]), true
		})
		if err != nil {
			return nil, err
		}
		return v.make(dt, arrow.Decimal256Traits.CastToBytes(numbers)), nil
	}
	return nil, fmt.Errorf("decimals as %s are %w", dt, ErrUnsupported)
}

// numbers converts each row's value, through words with the least significant one first.
func numbers[N any](dt arrow.DataType, v validity, value func(row int) []byte, convert func(words [4]uint64) (N, bool)) ([]N, error) {
	result := make([]N, v.rows)
	for row := range result {
		if !v.isValid(row) {
			continue
		}
		words, ok := signExtend(value(row))
		if ok {
			result[row], ok = convert(words)
		}
		if !ok {
			return nil, errOverflow(fmt.Sprintf("0x%x", value(row)), dt)
		}
	}
	return result, nil
}

// signExtend widens two's complement to 256 bits. It fails for no bytes at all, and for
// a number that needs more bits.
func signExtend(value []byte) (words [4]uint64, ok bool) {
	if len(value) == 0 {
		return words, false
	}
	sign := byte(int8(value[0]) >> 7)
	for len(value) > 32 {
		if value[0] != sign || int8(value[1])>>7 != int8(sign) {
			return words, false
		}
		value = value[1:]
	}
	var big [32]byte
	if sign != 0 {
		for i := range big {
			big[i] = sign
		}
	}
	copy(big[32-len(value):], value)
	for i := range words {
		words[i] = binary.BigEndian.Uint64(big[24-8*i:])
	}
	return words, true
}
