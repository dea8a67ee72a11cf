package parquetread

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// layout is how the columns of a table come about from those of one file.
type layout struct {
	schema  *arrow.Schema // of the table
	stored  []string      // columns to decode
	columns []origin      // of the columns of the table
}

// origin is where the values of a column come from: a decoded column, or one value for
// all rows.
type origin struct {
	stored int         // index of the decoded column; -1 for a value
	value  arrow.Array // of one row
}

// layoutOf finds the columns of a table in a file.
func (f *file) layoutOf(table Table, partitions []*string) (layout, error) {
	l := layout{schema: table.Schema.Schema}
	for _, field := range l.schema.Fields() {
		from := origin{stored: -1}
		if at := slices.Index(table.Partitions, field.Name); at >= 0 {
			value, err := PartitionValue(field, partitions[at])
			if err != nil {
				return layout{}, err
			}
			from.value = value
		} else if f.schema.HasField(field.Name) || !field.Nullable {
			from.stored = len(l.stored)
			l.stored = append(l.stored, field.Name)
		} else {
			from.value = allNull(field.Type, 1)
		}
		l.columns = append(l.columns, from)
	}
	return l, nil
}

// PartitionValue makes an array of the one value that a file has of a partition column. No
// text is NULL.
func PartitionValue(field arrow.Field, text *string) (arrow.Array, error) {
	if text == nil {
		return allNull(field.Type, 1), nil
	}
	builder := array.NewBuilder(memory.DefaultAllocator, field.Type)
	var err error
	switch b := builder.(type) {
	case *array.StringBuilder:
		b.Append(*text)
	case *array.Int64Builder:
		var n int64
		n, err = strconv.ParseInt(*text, 10, 64)
		b.Append(n)
	case *array.Date32Builder:
		var day time.Time
		day, err = time.Parse(time.DateOnly, *text)
		b.Append(arrow.Date32FromTime(day))
	default:
		err = fmt.Errorf("a partition column cannot be %s", field.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("partition column %q: %w", field.Name, err)
	}
	return builder.NewArray(), nil
}

// record makes a record of the table of one of the decoded columns.
func (l layout) record(decoded arrow.Record) (arrow.Record, error) {
	columns := make([]arrow.Array, len(l.columns))
	for i, from := range l.columns {
		field := l.schema.Field(i)
		var err error
		if from.stored < 0 {
			columns[i] = repeat(from.value, int(decoded.NumRows()))
		} else {
			columns[i], err = Widen(decoded.Column(from.stored), field.Type)
		}
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", field.Name, err)
		}
	}
	return array.NewRecord(l.schema, columns, decoded.NumRows()), nil
}

// repeat makes an array of a value.
func repeat(value arrow.Array, rows int) arrow.Array {
	if value.NullN() > 0 { // which knows of columns that hold nothing but NULL, as IsNull does not
		return allNull(value.DataType(), rows)
	}
	builder := array.NewBuilder(memory.DefaultAllocator, value.DataType())
	builder.Reserve(rows)
	for range rows {
		switch b := builder.(type) {
		case *array.StringBuilder:
			b.Append(value.(*array.String).Value(0))
		case *array.Int64Builder:
			b.UnsafeAppend(value.(*array.Int64).Value(0))
		case *array.Date32Builder:
			b.UnsafeAppend(value.(*array.Date32).Value(0))
		}
	}
	return builder.NewArray()
}
