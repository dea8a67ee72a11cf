package ingest

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/jackc/pgx/v5/pgtype"

	"hyperlake/internal/failure"
)

// newCell reads a column as a type: that of the query's column, or one that holds all its values.
func newCell(column *postgresColumn, to arrow.DataType) (postgresCell, error) {
	switch to := to.(type) {
	case *arrow.BooleanType:
		if column.oid == pgtype.BoolOID {
			return &booleanCell{}, nil
		}
	case *arrow.Int16Type:
		if column.oid == pgtype.Int2OID {
			return &fixedCell[int16]{read: readInt[int16](2), data: to}, nil
		}
	case *arrow.Int32Type:
		if width, ok := integerWidths[column.oid]; ok && width <= 4 {
			return &fixedCell[int32]{read: readInt[int32](width), data: to}, nil
		}
	case *arrow.Int64Type:
		if column.oid == pgtype.OIDOID {
			return &fixedCell[int64]{read: readOID, data: to}, nil
		}
		if width, ok := integerWidths[column.oid]; ok {
			return &fixedCell[int64]{read: readInt[int64](width), data: to}, nil
		}
	case *arrow.Float32Type:
		if column.oid == pgtype.Float4OID {
			return &fixedCell[float32]{read: readFloat4, data: to}, nil
		}
	case *arrow.Float64Type:
		return newDoubleCell(column, to)
	case *arrow.Decimal128Type:
		if column.oid == pgtype.NumericOID {
			return &fixedCell[decimal128.Num]{read: decimalReader(to), data: to}, nil
		}
	default:
		return newLongCell(column, to)
	}
	return nil, doesNotFit(column, to)
}

func newDoubleCell(column *postgresColumn, to arrow.DataType) (postgresCell, error) {
	switch column.oid {
	case pgtype.Float8OID:
		return &fixedCell[float64]{read: readFloat8, data: to}, nil
	case pgtype.Float4OID:
		return &fixedCell[float64]{read: widenFloat4, data: to}, nil
	}
	return nil, doesNotFit(column, to)
}

// newLongCell is newCell for times and values of any length.
func newLongCell(column *postgresColumn, to arrow.DataType) (postgresCell, error) {
	switch to := to.(type) {
	case *arrow.Date32Type:
		if column.oid == pgtype.DateOID {
			return &fixedCell[arrow.Date32]{read: readDate, data: to}, nil
		}
	case *arrow.Time64Type:
		if column.oid == pgtype.TimeOID && arrow.TypeEqual(to, column.data) {
			return &fixedCell[arrow.Time64]{read: readTime, data: to}, nil
		}
	case *arrow.TimestampType:
		if arrow.TypeEqual(to, column.data) {
			return &fixedCell[arrow.Timestamp]{read: readTimestamp, data: to}, nil
		}
	case *arrow.BinaryType:
		if column.oid == pgtype.ByteaOID {
			return &bytesCell{read: readBytes, data: to}, nil
		}
	case *arrow.StringType:
		return &bytesCell{read: postgresTextReader(column), data: to}, nil
	}
	return nil, doesNotFit(column, to)
}

func doesNotFit(column *postgresColumn, to arrow.DataType) error {
	return failure.New(failure.Config, "the column %q is %s in PostgreSQL, which is not read as %s", column.name, column.kind, to).
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
