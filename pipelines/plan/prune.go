package plan

import (
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/expr"
	"hyperlake/transforms/parquetread"
)

// statistics is what is known about the values in a row group without reading it.
type statistics struct {
	footer     parquetread.Footer
	group      parquetread.RowGroup
	columns    *arrow.Schema
	partitions []partition
	file       int // index of the file, in the values of partitions
	folders    []parquetread.FolderValue
}

// ranges says what is known about the values of a source column.
func (s statistics) ranges(column string) expr.Range {
	found, ok := s.columns.FieldsByName(column)
	if !ok {
		return expr.Range{}
	}
	at := slices.IndexFunc(s.partitions, func(p partition) bool { return p.name == column })
	if at >= 0 {
		return constant(found[0], s.partitions[at].values[s.file])
	}
	if !s.footer.Schema.HasField(column) {
		return s.missing(found[0])
	}
	chunk, ok := s.footer.Chunk(s.group.Index, column)
	if !ok {
		return expr.Range{}
	}
	known := expr.Range{Nulls: nullsOf(chunk.Statistics.Nulls, s.group.Rows)}
	if chunk.Statistics.Bounds != nil {
		known.Bounds = boundsAs(s.footer, chunk.Statistics.Bounds, found[0])
	}
	return known
}

// boundsAs are those of a column of a file as the table has it; nil where it has them in
// another order, as text of numbers is.
func boundsAs(footer parquetread.Footer, stored arrow.Array, to arrow.Field) arrow.Array {
	from, ok := footer.Schema.FieldsByName(to.Name)
	if !ok || to.Type.ID() == arrow.STRING && stored.DataType().ID() != arrow.STRING {
		return nil
	}
	bounds, err := parquetread.Widen(stored, from[0], to)
	if err != nil {
		return nil
	}
	return bounds
}

// missing is what is known of a column that the file lacks.
func (s statistics) missing(field arrow.Field) expr.Range {
	for _, said := range s.folders {
		if said.Column != field.Name {
			continue
		}
		value, err := parquetread.FolderArray(field, said.Text)
		if err != nil {
			return expr.Range{}
		}
		return always(value)
	}
	return expr.Range{Nulls: expr.AllNulls}
}

func nullsOf(nulls, rows int64) expr.Nulls {
	switch {
	case nulls < 0:
		return expr.NullsUnknown
	case nulls == 0:
		return expr.NoNulls
	case nulls >= rows:
		return expr.AllNulls
	}
	return expr.SomeNulls
}

// constant is the range of a partition column, which has one value in a file.
func constant(field arrow.Field, text *string) expr.Range {
	value, err := parquetread.PartitionValue(field, text)
	if err != nil {
		return expr.Range{}
	}
	return always(value)
}
