package parquetread

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/internal/batch"
	"hyperlake/internal/hypersql"
)

// PartitionValue makes an array of the one value that a file has of a partition column, as Delta, Iceberg and the names
// of folders write it. No text is NULL. Times are UTC where the column is in a zone and they name none. Text that is no
// value of the type of the field, or none that can be told exactly, is an error, and so is a type that
// no partition column has.
func PartitionValue(field arrow.Field, text *string) (arrow.Array, error) {
	if text == nil {
		return allNull(field.Type, 1), nil
	}
	builder := array.NewBuilder(memory.DefaultAllocator, field.Type)
	if err := appendPartition(builder, field, *text); err != nil {
		return nil, fmt.Errorf("partition column %q: %w", field.Name, err)
	}
	return builder.NewArray(), nil
}

func appendPartition(builder array.Builder, field arrow.Field, text string) error {
	switch b := builder.(type) {
	case *array.StringBuilder:
		b.Append(text)
	case *array.BinaryBuilder:
		return appendEscaped(b, text)
	case *array.BooleanBuilder:
		isTrue := strings.EqualFold(text, "true")
		if !isTrue && !strings.EqualFold(text, "false") {
			return errNoValue
		}
		b.Append(isTrue)
	case *array.Int8Builder, *array.Int16Builder, *array.Int32Builder, *array.Int64Builder:
		return appendInteger(builder, text)
	case *array.Date32Builder:
		day, err := time.Parse(time.DateOnly, text)
		b.Append(arrow.Date32FromTime(day))
		return err
	case *array.TimestampBuilder:
		return appendMoment(b, text)
	case *array.Float32Builder, *array.Float64Builder:
		return appendFolder(b, field, text)
	case *array.Decimal128Builder:
		return appendPartitionDecimal(b, text)
	case *array.FixedSizeBinaryBuilder:
		if batch.LogicalType(field) != batch.LogicalUUID {
			return errNoPartition(field)
		}
		return appendFixed(b, field, text)
	default:
		return errNoPartition(field)
	}
	return nil
}

func errNoPartition(field arrow.Field) error {
	return fmt.Errorf("a partition column cannot be %s", field.Type)
}

func appendInteger(builder array.Builder, text string) error {
	bits := builder.Type().(arrow.FixedWidthDataType).BitWidth()
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return err
	}
	return builder.AppendValueFromString(strconv.FormatInt(n, 10))
}

// appendPartitionDecimal appends a decimal of no more digits than its type has.
func appendPartitionDecimal(b *array.Decimal128Builder, text string) error {
	of := b.Type().(*arrow.Decimal128Type)
	parsed := array.NewDecimal128Builder(memory.DefaultAllocator, of)
	if err := appendNumber(parsed, text); err != nil {
		return err
	}
	value := parsed.NewDecimal128Array().Value(0)
	if !value.FitsInPrecision(of.Precision) {
		return errNoValue
	}
	b.Append(value)
	return nil
}

// errBytes says of text that one program takes for other bytes than another: some write each byte as the character of
// its number, some as the text \u and that number, and some take bytes for UTF-8.
var errBytes = errors.New("programs do not agree on the bytes that it stands for")

// appendEscaped appends the bytes that all programs take text for.
func appendEscaped(b *array.BinaryBuilder, text string) error {
	for _, char := range text {
		if char >= 0x80 || char == '\\' {
			return errBytes
		}
	}
	b.Append([]byte(text))
	return nil
}

// PartitionSQL is [PartitionValue] as a constant of hyperd, and whether it has one.
func PartitionSQL(field arrow.Field, text *string) (sql string, ok bool) {
	if text == nil {
		name, ok := hypersql.Type(field.Type)
		return hypersql.Null(name), ok
	}
	value, err := PartitionValue(field, text)
	if err != nil {
		return "", false
	}
	switch column := value.(type) {
	case *array.String:
		return hypersql.Text(column.Value(0))
	case *array.Binary:
		return hypersql.Bytes(column.Value(0)), true
	case *array.Boolean:
		return hypersql.Boolean(column.Value(0)), true
	case *array.Int8, *array.Int16, *array.Int32:
		name, ok := hypersql.Type(field.Type)
		return hypersql.Cast(column.ValueStr(0), name), ok
	case *array.Int64:
		return hypersql.Integer(column.Value(0)), true
	case *array.Float32:
		double, ok := hypersql.Double(float64(column.Value(0)))
		return hypersql.Cast(double, "REAL"), ok
	case *array.Float64:
		return hypersql.Double(column.Value(0))
	case *array.Decimal128:
		of := field.Type.(*arrow.Decimal128Type)
		return hypersql.Numeric(new(big.Int).Set(column.Value(0).BigInt()), of.Precision, of.Scale)
	case *array.Date32:
		return hypersql.Date(int64(column.Value(0)))
	case *array.Timestamp:
		of := field.Type.(*arrow.TimestampType)
		return hypersql.Timestamp(int64(column.Value(0)), of.Unit.Multiplier(), of.TimeZone != "")
	}
	return "", false
}
