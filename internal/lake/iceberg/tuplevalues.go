package iceberg

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Path leads to a value of a record: the index of a column, then those of fields in structures.
type Path []int

// IsComparable says whether equality deletes can be by values of a type: it has no parts.
func IsComparable(t arrow.DataType) bool {
	_, err := valueAppender(array.MakeArrayOfNull(memory.DefaultAllocator, t, 0))
	return err == nil
}

// appender appends a value to others, so that no two tuples that differ are the same bytes.
//
// Values are the same as they are for Iceberg's own readers: NULL is equal to NULL, NaN to every NaN, and 0.0 is not
// equal to -0.0. A structure that is NULL is not equal to one whose fields all are.
type appender func(to []byte, row int) []byte

// What stands before a value, or in the place of one.
const (
	isNull  = 0
	isValue = 1
)

// appender appends what is at the path.
func (p Path) appender(record arrow.Record) (appender, error) {
	values := record.Column(p[0])
	var around []arrow.Array // structures, from the outermost one on
	for _, at := range p[1:] {
		parts, ok := values.(*array.Struct)
		if !ok {
			return nil, fmt.Errorf("%s has no fields", values.DataType())
		}
		around = append(around, parts)
		values = parts.Field(at)
	}
	of, err := valueAppender(values)
	if err != nil {
		return nil, err
	}
	around = append(around, values)
	return func(to []byte, row int) []byte {
		for _, a := range around {
			if a.IsNull(row) || a.DataType().ID() == arrow.NULL { // of which IsNull knows nothing
				return append(to, isNull)
			}
			to = append(to, isValue)
		}
		return of(to, row)
	}, nil
}

// valueAppender appends the values of an array that are not NULL: in as many bytes as all of the type take, or
// behind their length.
func valueAppender(values arrow.Array) (appender, error) {
	order := binary.BigEndian
	switch v := values.(type) {
	case *array.Null:
		return func(to []byte, _ int) []byte { return to }, nil // which is never asked
	case *array.Boolean:
		return func(to []byte, row int) []byte {
			if v.Value(row) {
				return append(to, 1)
			}
			return append(to, 0)
		}, nil
	case *array.Int32:
		return func(to []byte, row int) []byte { return order.AppendUint32(to, uint32(v.Value(row))) }, nil
	case *array.Date32:
		return func(to []byte, row int) []byte { return order.AppendUint32(to, uint32(v.Value(row))) }, nil
	case *array.Int64:
		return func(to []byte, row int) []byte { return order.AppendUint64(to, uint64(v.Value(row))) }, nil
	case *array.Time64:
		return func(to []byte, row int) []byte { return order.AppendUint64(to, uint64(v.Value(row))) }, nil
	case *array.Timestamp:
		return func(to []byte, row int) []byte { return order.AppendUint64(to, uint64(v.Value(row))) }, nil
	case *array.Float32:
		return func(to []byte, row int) []byte { return appendFloat(to, float64(v.Value(row))) }, nil
	case *array.Float64:
		return func(to []byte, row int) []byte { return appendFloat(to, v.Value(row)) }, nil
	case *array.Decimal128:
		return func(to []byte, row int) []byte {
			value := v.Value(row)
			return order.AppendUint64(order.AppendUint64(to, uint64(value.HighBits())), value.LowBits())
		}, nil
	case *array.FixedSizeBinary:
		return func(to []byte, row int) []byte { return append(to, v.Value(row)...) }, nil
	case *array.String:
		return func(to []byte, row int) []byte { return append(appendLength(to, v.ValueLen(row)), v.Value(row)...) }, nil
	case *array.Binary:
		return func(to []byte, row int) []byte { return append(appendLength(to, v.ValueLen(row)), v.Value(row)...) }, nil
	}
	return nil, fmt.Errorf("values of %s are not compared", values.DataType())
}

func appendFloat(to []byte, value float64) []byte {
	if math.IsNaN(value) {
		value = math.NaN() // one for all
	}
	return binary.BigEndian.AppendUint64(to, math.Float64bits(value))
}

func appendLength(to []byte, length int) []byte { return binary.AppendUvarint(to, uint64(length)) }
