package parquetread

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// layout is how the columns of a table come about from those of one file.
type layout struct {
	schema  *arrow.Schema // of the table
	widener widener
	stored  []string // columns to decode
	columns []origin // of the columns of the table
}

// origin is where the values of a column come from: a decoded column, or one value for
// all rows.
type origin struct {
	stored int         // index of the decoded column; -1 for a value
	value  arrow.Array // of one row; of a decoded column the one that all rows must have, if there is one
}

// layoutOf finds the columns of a table in a file.
func (f *file) layoutOf(table Projection, ref FileRef) (layout, error) {
	if err := table.check(f.schema); err != nil {
		return layout{}, err
	}
	l := layout{schema: table.Schema.Schema, widener: widener{table.Mapping != nil}}
	for _, field := range l.schema.Fields() {
		from := origin{stored: -1}
		said, err := folderValue(field, ref.Folders)
		if err != nil {
			return layout{}, err
		}
		if at := slices.Index(table.Partitions, field.Name); at >= 0 {
			value, err := PartitionValue(field, ref.Partitions[at])
			if err != nil {
				return layout{}, err
			}
			from.value = value
		} else if f.schema.HasField(field.Name) || said == nil && !field.Nullable {
			from.stored, from.value = len(l.stored), said
			l.stored = append(l.stored, field.Name)
		} else if said != nil {
			from.value = said
		} else {
			from.value = allNull(field.Type, 1)
		}
		l.columns = append(l.columns, from)
	}
	return l, nil
}

// folderValue makes an array of what folders say about a column; nil if nothing.
func folderValue(field arrow.Field, folders []FolderValue) (arrow.Array, error) {
	at := slices.IndexFunc(folders, func(f FolderValue) bool { return f.Column == field.Name })
	if at < 0 {
		return nil, nil
	}
	value, err := FolderArray(field, folders[at].Text)
	if err != nil {
		return nil, fmt.Errorf("column %q in the name of a folder: %w", field.Name, err)
	}
	return value, nil
}

// record makes a record of the table of one of the decoded columns.
func (l layout) record(decoded arrow.Record) (arrow.Record, error) {
	columns := make([]arrow.Array, len(l.columns))
	for i, from := range l.columns {
		field := l.schema.Field(i)
		var err error
		if from.stored < 0 {
			columns[i], err = repeat(from.value, int(decoded.NumRows()))
		} else if columns[i], err = l.widener.widen(decoded.Column(from.stored), decoded.Schema().Field(from.stored), field); err == nil {
			err = from.hold(columns[i])
		}
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", field.Name, err)
		}
	}
	return array.NewRecord(l.schema, columns, decoded.NumRows()), nil
}

// repeat makes an array of a value, by doubling it.
func repeat(value arrow.Array, rows int) (arrow.Array, error) {
	if value.NullN() > 0 { // which knows of columns that hold nothing but NULL, as IsNull does not
		return allNull(value.DataType(), rows), nil
	}
	for value.Len() < rows {
		twice, err := array.Concatenate([]arrow.Array{value, value}, memory.DefaultAllocator)
		if err != nil {
			return nil, err
		}
		value = twice
	}
	return array.NewSlice(value, 0, int64(rows)), nil
}
