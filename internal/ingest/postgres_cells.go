package ingest

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/jackc/pgx/v5/pgtype"

	"hyperlake/internal/failure"
)

// postgresCell takes the values of a column, one after the other: first it looks at a value, and when all values of the row
// are good, it appends what it saw.
type postgresCell interface {
	// look reads a value that is not NULL. The error is for people, without the value.
	look(raw []byte) error

	// take appends the value that was looked at last. It must be called while that value's bytes are valid.
	take()

	// null appends NULL.
	null()
}

// cellOf appends to a builder.
type cellOf[T any] struct {
	read  func(raw []byte) (T, error)
	value T
	to    interface {
		Append(T)
		AppendNull()
	}
}

func (c *cellOf[T]) look(raw []byte) (err error) {
	c.value, err = c.read(raw)
	return err
}

func (c *cellOf[T]) take() { c.to.Append(c.value) }

func (c *cellOf[T]) null() { c.to.AppendNull() }

// newCell reads a column into a builder, whose type is that of the query's column or one that holds all its values.
func newCell(column *postgresColumn, to array.Builder) (postgresCell, error) {
	switch to := to.(type) {
	case *array.BooleanBuilder:
		if column.oid == pgtype.BoolOID {
			return &cellOf[bool]{read: readBool, to: to}, nil
		}
	case *array.Int16Builder:
		if column.oid == pgtype.Int2OID {
			return &cellOf[int16]{read: readInt[int16](2), to: to}, nil
		}
	case *array.Int32Builder:
		if width, ok := integerWidths[column.oid]; ok && width <= 4 {
			return &cellOf[int32]{read: readInt[int32](width), to: to}, nil
		}
	case *array.Int64Builder:
		if column.oid == pgtype.OIDOID {
			return &cellOf[int64]{read: readOID, to: to}, nil
		}
		if width, ok := integerWidths[column.oid]; ok {
			return &cellOf[int64]{read: readInt[int64](width), to: to}, nil
		}
	case *array.Float32Builder:
		if column.oid == pgtype.Float4OID {
			return &cellOf[float32]{read: readFloat4, to: to}, nil
		}
	case *array.Float64Builder:
		return newDoubleCell(column, to)
	case *array.Decimal128Builder:
		if column.oid == pgtype.NumericOID {
			return &cellOf[decimal128.Num]{read: decimalReader(to.Type().(*arrow.Decimal128Type)), to: to}, nil
		}
	default:
		return newLongCell(column, to)
	}
	return nil, doesNotFit(column, to)
}

func newDoubleCell(column *postgresColumn, to *array.Float64Builder) (postgresCell, error) {
	switch column.oid {
	case pgtype.Float8OID:
		return &cellOf[float64]{read: readFloat8, to: to}, nil
	case pgtype.Float4OID:
		return &cellOf[float64]{read: widenFloat4, to: to}, nil
	}
	return nil, doesNotFit(column, to)
}

// newLongCell is newCell for times and values of any length.
func newLongCell(column *postgresColumn, to array.Builder) (postgresCell, error) {
	switch to := to.(type) {
	case *array.Date32Builder:
		if column.oid == pgtype.DateOID {
			return &cellOf[arrow.Date32]{read: readDate, to: to}, nil
		}
	case *array.Time64Builder:
		if column.oid == pgtype.TimeOID && arrow.TypeEqual(to.Type(), column.data) {
			return &cellOf[arrow.Time64]{read: readTime, to: to}, nil
		}
	case *array.TimestampBuilder:
		if arrow.TypeEqual(to.Type(), column.data) {
			return &cellOf[arrow.Timestamp]{read: readTimestamp, to: to}, nil
		}
	case *array.BinaryBuilder:
		if column.oid == pgtype.ByteaOID {
			return &cellOf[[]byte]{read: readBytes, to: to}, nil
		}
	case *array.StringBuilder:
		return &cellOf[[]byte]{read: postgresTextReader(column), to: to.BinaryBuilder}, nil
	}
	return nil, doesNotFit(column, to)
}

func doesNotFit(column *postgresColumn, to array.Builder) error {
	return failure.New(failure.Config, "the column %q is %s in PostgreSQL, which is not read as %s", column.name, column.kind, to.Type()).
		WithHint("write a cast into the query, or remove the type from columns")
}

// integerWidths are the bytes of integers on the wire.
var integerWidths = map[uint32]int{pgtype.Int2OID: 2, pgtype.Int4OID: 4, pgtype.Int8OID: 8}

func readInt[T int16 | int32 | int64](width int) func(raw []byte) (T, error) {
	return func(raw []byte) (T, error) {
		if len(raw) != width {
			return 0, errLength
		}
		return T(bigEndian(raw)), nil
	}
}

func readOID(raw []byte) (int64, error) {
	if len(raw) != 4 {
		return 0, errLength
	}
	return int64(binary.BigEndian.Uint32(raw)), nil
}

func readBool(raw []byte) (bool, error) {
	if len(raw) != 1 {
		return false, errLength
	}
	return raw[0] != 0, nil
}

func readFloat4(raw []byte) (float32, error) {
	if len(raw) != 4 {
		return 0, errLength
	}
	return math.Float32frombits(binary.BigEndian.Uint32(raw)), nil
}

func widenFloat4(raw []byte) (float64, error) {
	narrow, err := readFloat4(raw)
	return float64(narrow), err
}

func readFloat8(raw []byte) (float64, error) {
	if len(raw) != 8 {
		return 0, errLength
	}
	return math.Float64frombits(binary.BigEndian.Uint64(raw)), nil
}

func readBytes(raw []byte) ([]byte, error) { return raw, nil }

func decimalReader(to *arrow.Decimal128Type) func([]byte) (decimal128.Num, error) {
	tooLarge := fmt.Errorf("it is no numeric(%d,%d)", to.Precision, to.Scale)
	return func(raw []byte) (decimal128.Num, error) {
		number, err := readNumeric(raw)
		if err != nil {
			return decimal128.Num{}, err
		}
		value, ok := number.decimal(to.Precision, to.Scale)
		if !ok {
			return value, tooLarge
		}
		return value, nil
	}
}

// errNotText is why a row is rejected whose text has bytes without a meaning.
var errNotText = errors.New("it is not valid UTF-8")

// postgresTextReader reads what is text on the wire, or is text in the lake only.
func postgresTextReader(column *postgresColumn) func([]byte) ([]byte, error) {
	switch {
	case column.oid == pgtype.NumericOID:
		return readNumericText
	case column.oid == pgtype.UUIDOID && column.form == asBinary:
		buffer := make([]byte, 36)
		return func(raw []byte) ([]byte, error) {
			if len(raw) != 16 {
				return nil, errLength
			}
			return formatUUID(buffer, raw), nil
		}
	}
	return func(raw []byte) ([]byte, error) {
		if !utf8.Valid(raw) {
			return nil, errNotText
		}
		return raw, nil
	}
}

func readNumericText(raw []byte) ([]byte, error) {
	number, err := readNumeric(raw)
	if err != nil {
		return nil, err
	}
	return []byte(number.String()), nil
}

// formatUUID writes 16 bytes as lower-case text into a buffer.
func formatUUID(buffer, raw []byte) []byte {
	hex.Encode(buffer, raw[:4])
	at := 8
	for _, part := range [][]byte{raw[4:6], raw[6:8], raw[8:10], raw[10:16]} {
		buffer[at] = '-'
		hex.Encode(buffer[at+1:], part)
		at += 1 + 2*len(part)
	}
	return buffer
}
