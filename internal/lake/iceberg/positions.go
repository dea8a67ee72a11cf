package iceberg

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
)

// Positions is which rows of data files a file of position deletes names. It takes [PositionBytes] for each, however
// long the paths are, and does not change once it was made.
type Positions struct{ sorted []position }

// PositionBytes is how many bytes a [Positions] takes for each row that is named.
const PositionBytes = 24

// position is a row of a data file.
type position struct {
	path digest
	row  uint64
}

func (p position) compare(other position) int {
	return cmp.Or(p.path.compare(other.path), cmp.Compare(p.row, other.row))
}

// Of are the rows of a data file, 0-based. The path is that of the file as the table writes it, [lake.File.Path].
func (p *Positions) Of(path string) *roaring64.Bitmap {
	is := digestOf([]byte(path))
	first, _ := slices.BinarySearchFunc(p.sorted, position{is, 0}, position.compare)
	rows := roaring64.New()
	for _, at := range p.sorted[first:] {
		if at.path != is {
			break
		}
		rows.Add(at.row)
	}
	return rows
}

// ReadPositions reads a file of position deletes: all rows that it names.
//
// A file that is not as the specification wants it, or not as the table says, is a failure of kind Source; so is one that
// cannot be read, which may pass if it is gone. An error of ctx is returned as it is. It is safe for concurrent use.
func ReadPositions(ctx context.Context, file lake.DeleteFile, read lake.ParquetReader) (*Positions, error) {
	all := &Positions{}
	last, is := "", digest{} // the rows of a file follow each other
	err := readPositions(ctx, file, read, func(path string, row uint64) {
		if path != last || len(all.sorted) == 0 {
			last, is = strings.Clone(path), digestOf([]byte(path))
		}
		all.sorted = append(all.sorted, position{is, row})
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all.sorted, position.compare)
	return all, nil
}

// ReadPositionsOf is [ReadPositions] for the rows of one data file. The deletes are streamed: memory is taken for those
// rows alone.
func ReadPositionsOf(ctx context.Context, file lake.DeleteFile, path string, read lake.ParquetReader) (*roaring64.Bitmap, error) {
	rows := roaring64.New()
	return rows, readPositions(ctx, file, read, func(named string, row uint64) {
		if named == path {
			rows.Add(row)
		}
	})
}

// readPositions calls see for what a file of position deletes names.
func readPositions(ctx context.Context, file lake.DeleteFile, read lake.ParquetReader, see func(path string, row uint64)) error {
	err := ReadDeletes(ctx, file, func(info storage.Info, count func(arrow.Record) error) error {
		return read(ctx, info, []string{pathColumn, positionColumn}, func(record arrow.Record) error {
			if err := count(record); err != nil {
				return err
			}
			return eachPosition(record, see)
		})
	})
	return DeletesFailure(ctx, "position", file.URI, err)
}

// eachPosition calls see for what a record names.
func eachPosition(record arrow.Record, see func(path string, row uint64)) error {
	paths, err := columnOf(record, pathColumn)
	if err != nil {
		return err
	}
	column, err := columnOf(record, positionColumn)
	if err != nil {
		return err
	}
	positions, ok := column.(*array.Int64)
	if !ok {
		return fmt.Errorf("the column %s is %s, and no long", positionColumn, column.DataType())
	}
	path, err := textsOf(paths)
	if err != nil {
		return err
	}
	for row := range positions.Len() {
		at := positions.Value(row)
		if at < 0 {
			return fmt.Errorf("it names row %d", at)
		}
		see(path(row), uint64(at))
	}
	return nil
}

// columnOf is a column that has no NULL.
func columnOf(record arrow.Record, name string) (arrow.Array, error) {
	at := record.Schema().FieldIndices(name)
	if len(at) != 1 {
		return nil, fmt.Errorf("it has no column %s", name)
	}
	column := record.Column(at[0])
	if column.NullN() > 0 {
		return nil, fmt.Errorf("its column %s has NULL", name)
	}
	return column, nil
}

// textsOf returns the text of a row of a column.
func textsOf(column arrow.Array) (func(row int) string, error) {
	switch texts := column.(type) {
	case *array.String:
		return texts.Value, nil
	case *array.Dictionary:
		if values, ok := texts.Dictionary().(*array.String); ok && values.NullN() == 0 {
			return func(row int) string { return values.Value(texts.GetValueIndex(row)) }, nil
		}
	}
	return nil, fmt.Errorf("the column %s is %s, and no text", pathColumn, column.DataType())
}
