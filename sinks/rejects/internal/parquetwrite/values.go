package parquetwrite

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/file"
)

// write appends the entries to a column of a row group.
func (l leafValues) write(column file.ColumnChunkWriter) error {
	var err error
	switch column := column.(type) {
	case *file.BooleanColumnChunkWriter:
		_, err = column.WriteBatch(collect(l.slots, l.values.(*array.Boolean).Value), l.definition, l.repetition)
	case *file.Int32ColumnChunkWriter:
		_, err = column.WriteBatch(l.int32s(), l.definition, l.repetition)
	case *file.Int64ColumnChunkWriter:
		_, err = column.WriteBatch(l.int64s(), l.definition, l.repetition)
	case *file.Int96ColumnChunkWriter:
		_, err = column.WriteBatch(l.int96s(), l.definition, l.repetition)
	case *file.Float32ColumnChunkWriter:
		_, err = column.WriteBatch(collect(l.slots, l.values.(*array.Float32).Value), l.definition, l.repetition)
	case *file.Float64ColumnChunkWriter:
		_, err = column.WriteBatch(collect(l.slots, l.values.(*array.Float64).Value), l.definition, l.repetition)
	case *file.ByteArrayColumnChunkWriter:
		_, err = column.WriteBatch(l.byteArrays(), l.definition, l.repetition)
	case *file.FixedLenByteArrayColumnChunkWriter:
		_, err = column.WriteBatch(l.fixedLenByteArrays(), l.definition, l.repetition)
	default:
		err = fmt.Errorf("there is no writer of %s", l.values.DataType())
	}
	return err
}

// collect returns the values of the entries that have one.
func collect[T any](s slots, value func(int) T) []T {
	values := make([]T, 0, len(s.at))
	for _, at := range s.at {
		if at != ended {
			values = append(values, value(at))
		}
	}
	return values
}

type integer interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// convert is collect for integers that are stored as others: small ones in wide ones, and
// unsigned ones by their bits.
func convert[To, From integer](s slots, values []From) []To {
	return collect(s, func(at int) To { return To(values[at]) })
}

func (l leafValues) int32s() []int32 {
	switch values := l.values.(type) {
	case *array.Int8:
		return convert[int32](l.slots, values.Int8Values())
	case *array.Uint8:
		return convert[int32](l.slots, values.Uint8Values())
	case *array.Int16:
		return convert[int32](l.slots, values.Int16Values())
	case *array.Uint16:
		return convert[int32](l.slots, values.Uint16Values())
	case *array.Int32:
		return convert[int32](l.slots, values.Int32Values())
	case *array.Uint32:
		return convert[int32](l.slots, values.Uint32Values())
	case *array.Date32:
		return convert[int32](l.slots, values.Date32Values())
	case *array.Time32:
		return convert[int32](l.slots, values.Time32Values())
	}
	return nil // of nothing but NULLs
}

func (l leafValues) int64s() []int64 {
	switch values := l.values.(type) {
	case *array.Uint64:
		return convert[int64](l.slots, values.Uint64Values())
	case *array.Time64:
		return convert[int64](l.slots, values.Time64Values())
	case *array.Timestamp:
		return convert[int64](l.slots, values.TimestampValues())
	case *array.Duration:
		return convert[int64](l.slots, values.DurationValues())
	}
	return convert[int64](l.slots, l.values.(*array.Int64).Int64Values())
}

const (
	julianEpoch  = 2440588 // the Julian day of 1970-01-01
	microsPerDay = 86400 * 1000000
)

// int96s splits microseconds into nanoseconds of the day and the Julian day.
func (l leafValues) int96s() []parquet.Int96 {
	timestamps := l.values.(*array.Timestamp)
	return collect(l.slots, func(at int) (stored parquet.Int96) {
		micros := int64(timestamps.Value(at))
		day, rest := micros/microsPerDay, micros%microsPerDay
		if rest < 0 {
			day, rest = day-1, rest+microsPerDay
		}
		binary.LittleEndian.PutUint64(stored[:], uint64(rest*1000))
		binary.LittleEndian.PutUint32(stored[8:], uint32(day+julianEpoch))
		return stored
	})
}

func (l leafValues) byteArrays() []parquet.ByteArray {
	if text, ok := l.values.(*array.String); ok {
		return collect(l.slots, func(at int) parquet.ByteArray { return []byte(text.Value(at)) })
	}
	data := l.values.(*array.Binary)
	return collect(l.slots, func(at int) parquet.ByteArray { return data.Value(at) })
}

func (l leafValues) fixedLenByteArrays() []parquet.FixedLenByteArray {
	var value func(at int) parquet.FixedLenByteArray
	switch values := l.values.(type) {
	case *array.Float16:
		value = func(at int) parquet.FixedLenByteArray {
			return binary.LittleEndian.AppendUint16(nil, values.Value(at).Uint16())
		}
	case *array.Decimal128:
		value = func(at int) parquet.FixedLenByteArray {
			n := values.Value(at)
			data := make([]byte, 0, arrow.Decimal128SizeBytes)
			data = binary.BigEndian.AppendUint64(data, uint64(n.HighBits()))
			return binary.BigEndian.AppendUint64(data, n.LowBits())
		}
	case *array.Decimal256:
		value = func(at int) parquet.FixedLenByteArray {
			words := values.Value(at).Array() // the least first
			data := make([]byte, 0, arrow.Decimal256SizeBytes)
			for i := len(words) - 1; i >= 0; i-- {
				data = binary.BigEndian.AppendUint64(data, words[i])
			}
			return data
		}
	default:
		fixed := l.values.(*array.FixedSizeBinary)
		value = func(at int) parquet.FixedLenByteArray { return fixed.Value(at) }
	}
	return collect(l.slots, value)
}
