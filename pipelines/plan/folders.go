package plan

import (
	"errors"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/internal/expr"
	"hyperlake/internal/failure"
	"hyperlake/transforms/parquetread"
)

// FoldersOf is what the names of the folders of a file say about columns to read that files
// have, too, as far as it matters: the statistics do not prove that all rows of the file have
// that value, or the file lacks the column. What cannot be true is refused with a failure of kind Source.
func (s *Source) FoldersOf(file int, columns *arrow.Schema) ([]parquetread.FolderValue, error) {
	var said []parquetread.FolderValue
	for _, key := range s.keys {
		found, isRead := columns.FieldsByName(key.name)
		if !isRead || !key.has[file] {
			continue
		}
		isProven, err := key.proven(file, s.Footers[file], found[0])
		if err != nil {
			return nil, err
		}
		if !isProven {
			said = append(said, parquetread.FolderValue{Column: key.name, Text: key.values[file]})
		}
	}
	return said, nil
}

// proven says whether the statistics of a file prove that all its rows have the value of its
// folder.
func (p partition) proven(file int, footer parquetread.Footer, column arrow.Field) (bool, error) {
	value, err := parquetread.FolderArray(column, p.values[file])
	switch {
	case errors.Is(err, parquetread.ErrIncomparable):
		return false, failure.New(failure.Source, "%q is a column of the files and a key in the names of their folders, and as %s %w",
			p.name, column.Type, err).
			WithHint("set source.partitions: none to take the column of the files, or leave it out by source.select").BeforeData()
	case err != nil:
		return false, p.differs(footer, "a column of type "+column.Type.String(), *p.values[file])
	case !footer.Schema.HasField(p.name):
		return false, nil
	}
	isProven := true
	for _, group := range footer.RowGroups {
		if group.Rows == 0 {
			continue
		}
		known := parquetread.Statistics{Nulls: -1}
		if chunk, ok := footer.Chunk(group.Index, p.name); ok {
			known = chunk.Statistics
		}
		if known.Bounds != nil {
			known.Bounds = boundsAs(footer, known.Bounds, column)
		}
		switch known.Agree(value, group.Rows) {
		case parquetread.Different:
			return false, p.differs(footer, boundsText(known, group.Rows), parquetread.ValueText(value, 0))
		case parquetread.Open:
			isProven = false
		}
	}
	return isProven, nil
}

// differs is the failure of a file whose column does not have the value of its folder.
func (p partition) differs(footer parquetread.Footer, has, says string) error {
	return failure.New(failure.Source, "file %s: column %q is %s, but the name of the folder says %s", footer.Info.URI, p.name, has, says).
		WithHint("%s", parquetread.MisplacedHint).BeforeData()
}

// boundsText says for people which values a row group has of a column.
func boundsText(known parquetread.Statistics, rows int64) string {
	switch {
	case known.Nulls == rows:
		return "NULL"
	case known.Bounds == nil && known.Nulls == 0:
		return "never NULL"
	case known.Bounds == nil:
		return "partly NULL"
	}
	least, greatest := parquetread.ValueText(known.Bounds, 0), parquetread.ValueText(known.Bounds, 1)
	text := least
	if least != greatest {
		text += " to " + greatest
	}
	if known.Nulls > 0 {
		text += " or NULL"
	}
	return text
}

// always is the range of a column that has one value in all rows.
func always(value arrow.Array) expr.Range {
	if value.IsNull(0) {
		return expr.Range{Nulls: expr.AllNulls}
	}
	bounds, err := array.Concatenate([]arrow.Array{value, value}, memory.DefaultAllocator)
	if err != nil {
		return expr.Range{}
	}
	return expr.Range{Bounds: bounds, Nulls: expr.NoNulls}
}
