package repartition

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/decimal256"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/internal/batch"
)

// keys are bytes that stand for the values of a column: equal for values that hyperd holds
// for equal, and in the order in which hyperd sorts them. What hyperd does not keep, as
// nanoseconds, is not in a key.
type keys struct {
	isNull func(row int) bool
	at     func(row int) []byte // of a row that is not NULL; valid until the next call
}

// keysIn returns the keys of the column of a name.
func keysIn(record arrow.Record, name string) (keys, error) {
	field, column, err := columnOf(record, name)
	if err != nil {
		return keys{}, err
	}
	return keysOf(field, column)
}

// keysOf returns the keys of a column.
func keysOf(field arrow.Field, column arrow.Array) (keys, error) {
	switch c := column.(type) {
	case array.ExtensionArray:
		return keysOf(field, c.Storage())
	case *array.Dictionary:
		return dictionaryKeys(field, c)
	case *array.Null:
		return keys{isNull: func(int) bool { return true }}, nil
	}
	at := numberKeys(column)
	if at == nil {
		at = timeKeys(column)
	}
	if at == nil {
		at = byteKeys(column)
	}
	if fixed, ok := column.(*array.FixedSizeBinary); ok && isParquetInterval(field, column.DataType()) {
		at = parquetIntervalKeys(fixed)
	}
	if at == nil {
		return keys{}, fmt.Errorf("column %s: values of type %s cannot decide where a row goes", field.Name, field.Type)
	}
	return keys{isNull: column.IsNull, at: at}, nil
}

// isKey says whether a column has keys.
func isKey(field arrow.Field) bool {
	field.Type = valueType(field.Type)
	_, err := keysOf(field, array.NewBuilder(memory.DefaultAllocator, field.Type).NewArray())
	return err == nil
}

func dictionaryKeys(field arrow.Field, column *array.Dictionary) (keys, error) {
	values, err := keysOf(field, column.Dictionary())
	if err != nil {
		return keys{}, err
	}
	return keys{
		isNull: func(row int) bool { return column.IsNull(row) || values.isNull(column.GetValueIndex(row)) },
		at:     func(row int) []byte { return values.at(column.GetValueIndex(row)) },
	}, nil
}

// numberKeys is nil for a column that holds no numbers.
func numberKeys(column arrow.Array) func(int) []byte {
	switch c := column.(type) {
	case *array.Boolean:
		return wordKeys(func(row int) uint64 {
			if c.Value(row) {
				return 1
			}
			return 0
		})
	case *array.Int8:
		return signedKeys(c.Int8Values())
	case *array.Int16:
		return signedKeys(c.Int16Values())
	case *array.Int32:
		return signedKeys(c.Int32Values())
	case *array.Int64:
		return signedKeys(c.Int64Values())
	case *array.Uint8:
		return unsignedKeys(c.Uint8Values())
	case *array.Uint16:
		return unsignedKeys(c.Uint16Values())
	case *array.Uint32:
		return unsignedKeys(c.Uint32Values())
	case *array.Uint64:
		return unsignedKeys(c.Uint64Values())
	case *array.Float16:
		return wordKeys(func(row int) uint64 { return floatWord(float64(c.Value(row).Float32())) })
	case *array.Float32:
		return wordKeys(func(row int) uint64 { return floatWord(float64(c.Value(row))) })
	case *array.Float64:
		return wordKeys(func(row int) uint64 { return floatWord(c.Value(row)) })
	case *array.Decimal128:
		return decimal128Keys(c.Values())
	case *array.Decimal256:
		return decimal256Keys(c.Values())
	}
	return nil
}

// timeKeys is nil for a column that holds no times. hyperd keeps microseconds, and days of dates.
func timeKeys(column arrow.Array) func(int) []byte {
	switch c := column.(type) {
	case *array.Date32:
		return signedKeys(c.Date32Values())
	case *array.Date64:
		const day = 24 * 60 * 60 * 1000
		return wordKeys(func(row int) uint64 { return signedWord(floorDiv(int64(c.Value(row)), day)) })
	case *array.Time32:
		return signedKeys(c.Time32Values())
	case *array.Time64:
		return microKeys(c.Time64Values(), c.DataType().(*arrow.Time64Type).Unit)
	case *array.Timestamp:
		return microKeys(c.TimestampValues(), c.DataType().(*arrow.TimestampType).Unit)
	case *array.Duration:
		return microKeys(c.DurationValues(), c.DataType().(*arrow.DurationType).Unit)
	case *array.MonthInterval:
		return intervalKeys(func(row int) (int64, int64, int64) { return int64(c.Value(row)), 0, 0 })
	case *array.DayTimeInterval:
		return intervalKeys(func(row int) (int64, int64, int64) {
			v := c.Value(row)
			return 0, int64(v.Days), int64(v.Milliseconds) * 1000
		})
	case *array.MonthDayNanoInterval:
		return intervalKeys(func(row int) (int64, int64, int64) {
			v := c.Value(row)
			return int64(v.Months), int64(v.Days), floorDiv(v.Nanoseconds, 1000)
		})
	}
	return nil
}

// byteKeys is nil for a column that holds neither text nor bytes.
func byteKeys(column arrow.Array) func(int) []byte {
	switch c := column.(type) {
	case *array.String, *array.Binary:
		return offsetKeys[int32](c.Data())
	case *array.LargeString, *array.LargeBinary:
		return offsetKeys[int64](c.Data())
	case *array.StringView:
		return func(row int) []byte { return []byte(c.Value(row)) }
	case *array.BinaryView:
		return c.Value
	case *array.FixedSizeBinary:
		return c.Value
	}
	return nil
}

// wordKeys makes keys of numbers whose order is that of unsigned words.
func wordKeys(word func(row int) uint64) func(int) []byte {
	key := make([]byte, 8)
	return func(row int) []byte {
		binary.BigEndian.PutUint64(key, word(row))
		return key
	}
}

func signedKeys[T ~int8 | ~int16 | ~int32 | ~int64](values []T) func(int) []byte {
	return wordKeys(func(row int) uint64 { return signedWord(int64(values[row])) })
}

func unsignedKeys[T uint8 | uint16 | uint32 | uint64](values []T) func(int) []byte {
	return wordKeys(func(row int) uint64 { return uint64(values[row]) })
}

func microKeys[T ~int64](values []T, unit arrow.TimeUnit) func(int) []byte {
	if unit != arrow.Nanosecond {
		return signedKeys(values)
	}
	return wordKeys(func(row int) uint64 { return signedWord(floorDiv(int64(values[row]), 1000)) })
}

const signBit = 1 << 63

// signedWord is a word whose order is that of signed numbers.
func signedWord(n int64) uint64 { return uint64(n) ^ signBit }

// floatWord is a word whose order is that of floats, with one zero, and one NaN after all.
func floatWord(f float64) uint64 {
	switch {
	case math.IsNaN(f):
		return math.MaxUint64
	case f == 0:
		return signBit
	}
	word := math.Float64bits(f)
	if word&signBit != 0 {
		return ^word
	}
	return word | signBit
}

// wordFloat is the float of a word that is not NaN's.
func wordFloat(word uint64) float64 {
	if word&signBit != 0 {
		return math.Float64frombits(word &^ signBit)
	}
	return math.Float64frombits(^word)
}

// floorDiv rounds down, also below zero.
func floorDiv(n, by int64) int64 {
	quotient := n / by
	if n%by < 0 {
		quotient--
	}
	return quotient
}

func decimal128Keys(values []decimal128.Num) func(int) []byte {
	key := make([]byte, 16)
	return func(row int) []byte {
		binary.BigEndian.PutUint64(key, signedWord(values[row].HighBits()))
		binary.BigEndian.PutUint64(key[8:], values[row].LowBits())
		return key
	}
}

func decimal256Keys(values []decimal256.Num) func(int) []byte {
	key := make([]byte, 32)
	return func(row int) []byte {
		words := values[row].Array() // the least significant one first
		binary.BigEndian.PutUint64(key, words[3]^signBit)
		for i := range 3 {
			binary.BigEndian.PutUint64(key[8+8*i:], words[2-i])
		}
		return key
	}
}

// offsetKeys are the bytes themselves: hyperd compares text by its bytes.
func offsetKeys[O int32 | int64](data arrow.ArrayData) func(int) []byte {
	if data.Len() == 0 || data.Buffers()[2] == nil { // then every value is empty
		return func(int) []byte { return nil }
	}
	offsets, bytes := arrow.GetOffsets[O](data, 1), data.Buffers()[2].Bytes()
	return func(row int) []byte { return bytes[offsets[row]:offsets[row+1]] }
}

// intervalKeys have no order: hyperd tells 1 month from 30 days, and 1 day from 24 hours.
func intervalKeys(parts func(row int) (months, days, micros int64)) func(int) []byte {
	key := make([]byte, 24)
	return func(row int) []byte {
		months, days, micros := parts(row)
		binary.BigEndian.PutUint64(key, uint64(months))
		binary.BigEndian.PutUint64(key[8:], uint64(days))
		binary.BigEndian.PutUint64(key[16:], uint64(micros))
		return key
	}
}

func parquetIntervalKeys(column *array.FixedSizeBinary) func(int) []byte {
	return intervalKeys(func(row int) (int64, int64, int64) {
		v := column.Value(row)
		millis := int64(binary.LittleEndian.Uint32(v[8:]))
		return int64(binary.LittleEndian.Uint32(v)), int64(binary.LittleEndian.Uint32(v[4:])), millis * 1000
	})
}

// isParquetInterval says whether a column holds Parquet's own intervals.
func isParquetInterval(field arrow.Field, t arrow.DataType) bool {
	fixed, ok := t.(*arrow.FixedSizeBinaryType)
	return ok && fixed.ByteWidth == 12 && batch.LogicalType(field) == batch.LogicalInterval
}

// valueType is the type of a column's values without dictionaries and extensions.
func valueType(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return valueType(t.ValueType)
	case arrow.ExtensionType:
		return valueType(t.StorageType())
	}
	return t
}

// hasOrder says whether the keys of a column are in an order.
func hasOrder(field arrow.Field) bool {
	t := valueType(field.Type)
	switch t.ID() {
	case arrow.NULL, arrow.INTERVAL_MONTHS, arrow.INTERVAL_DAY_TIME, arrow.INTERVAL_MONTH_DAY_NANO:
		return false
	}
	return !isParquetInterval(field, t)
}
