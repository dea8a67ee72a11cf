package hyper

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/bitutil"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/internal/failure"
)

// Convert makes of a record with the source columns, in the order of columns, one with the
// exact types and the names that hyperd is sent. The record stays as it is; columns that
// need nothing are shared with it. An error names the column and the row in the record,
// from 0, and never a value. Safe for concurrent use.
func Convert(record arrow.Record, columns []Column) (arrow.Record, error) {
	if int(record.NumCols()) != len(columns) {
		return nil, fmt.Errorf("the batch has %d columns, but the table has %d", record.NumCols(), len(columns))
	}
	converted := make([]arrow.Array, len(columns))
	for i, c := range columns {
		if name := record.ColumnName(i); name != c.Source {
			return nil, fmt.Errorf("column %d of the batch is %q, but %q was planned", i, name, c.Source)
		}
		var err error
		if converted[i], err = c.convert(record.Column(i)); err != nil {
			return nil, failure.New(failure.Source, "column %q: %w", c.Source, err).
				WithHint("repair the file, or %s", leaveOut)
		}
	}
	return array.NewRecord(ArrowSchema(columns), converted, record.NumRows()), nil
}

func (c Column) convert(source arrow.Array) (arrow.Array, error) {
	values, err := decode(source)
	if err != nil {
		return nil, err
	}
	converted, err := convertTo(c.ArrowType(), values)
	if err != nil {
		return nil, err
	}
	if !c.Nullable && converted.NullN() > 0 {
		return nil, fmt.Errorf("row %d is NULL, but the column is NOT NULL", firstNull(converted))
	}
	return converted, nil
}

// convertTo converts plain values to one of hyperd's types.
func convertTo(to arrow.DataType, values arrow.Array) (arrow.Array, error) {
	_, hasNanos := values.(*array.MonthDayNanoInterval)
	switch {
	case values.Len() == 0, values.DataType().ID() == arrow.NULL:
		return onlyNulls(to, values.Len()), nil
	case arrow.TypeEqual(values.DataType(), to) && !hasNanos:
		return values, nil
	}
	switch to := to.(type) {
	case *arrow.StringType:
		return toText(values)
	case *arrow.BinaryType:
		return toBytes(values)
	case *arrow.Float64Type:
		return toDouble(values)
	case *arrow.Float32Type:
		return toReal(values)
	case *arrow.Decimal128Type:
		return toNumeric(to, values)
	case *arrow.Int64Type:
		return toMicros(values)
	case *arrow.TimestampType:
		return toTimestamp(to, values)
	case *arrow.MonthDayNanoIntervalType:
		return toInterval(values)
	}
	return nil, mismatch(to, values)
}

// onlyNulls makes an array without values. Also used for empty ones: Arrow's stream writer
// fails on an empty slice of a binary array.
func onlyNulls(t arrow.DataType, rows int) arrow.Array {
	builder := array.NewBuilder(memory.DefaultAllocator, t)
	builder.AppendNulls(rows)
	return builder.NewArray()
}

// mismatch is the error for an array of a type that the column was not planned with.
func mismatch(to arrow.DataType, values arrow.Array) error {
	return fmt.Errorf("the file holds %s, which is not what %s was planned from", values.DataType(), to)
}

// relabel gives an array another type with the same layout.
func relabel(to arrow.DataType, values arrow.Array) arrow.Array {
	data := values.Data()
	return array.MakeFromData(array.NewData(to, data.Len(), data.Buffers(), nil, data.NullN(), data.Offset()))
}

// withValidity makes an array of new buffers that is NULL where source is.
func withValidity(to arrow.DataType, source arrow.Array, buffers ...*memory.Buffer) arrow.Array {
	all := append([]*memory.Buffer{validity(source)}, buffers...)
	return array.MakeFromData(array.NewData(to, source.Len(), all, nil, source.NullN(), 0))
}

// fixedWidth makes an array of new values that is NULL where source is.
func fixedWidth[T arrow.FixedWidthType](to arrow.DataType, source arrow.Array, values []T) arrow.Array {
	return withValidity(to, source, memory.NewBufferBytes(arrow.GetBytes(values)))
}

// validity copies the validity bitmap of an array so that it starts at its first value;
// nil if no value is NULL.
func validity(values arrow.Array) *memory.Buffer {
	if values.NullN() == 0 {
		return nil
	}
	bits := make([]byte, bitutil.BytesForBits(int64(values.Len())))
	bitutil.CopyBitmap(values.NullBitmapBytes(), values.Data().Offset(), values.Len(), bits, 0)
	return memory.NewBufferBytes(bits)
}

// firstNull is the number of the first NULL; there must be one.
func firstNull(values arrow.Array) int {
	row := 0
	for values.IsValid(row) {
		row++
	}
	return row
}
