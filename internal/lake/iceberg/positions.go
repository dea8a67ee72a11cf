package iceberg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
)

// ReadPositions reads which rows of a data file some files of position deletes name, 0-based. The path is that of
// the data file as the table writes it, [lake.File.Path].
//
// The files are streamed: memory is taken for the rows that are named. A file that is not as the specification wants it, or
// not as the table says, is a failure of kind Source; so is one that cannot be read, which may pass if it is gone.
// An error of ctx is returned as it is. It is safe for concurrent use.
func ReadPositions(ctx context.Context, deletes []lake.DeleteFile, path string, read lake.ParquetReader) (*roaring64.Bitmap, error) {
	rows := roaring64.New()
	for _, file := range deletes {
		err := readPositions(ctx, file, path, read, rows)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, positionsFailure(file.URI, err)
		}
	}
	return rows, nil
}

const positionsHint = "a table that lost files cannot be read: restore the file, or read another version of the table (source.version)"

// positionsFailure is the failure of a file of position deletes.
func positionsFailure(uri string, err error) error {
	var known *failure.Error
	if errors.As(err, &known) {
		return err
	}
	failed := failure.New(failure.Source, "the position deletes in %s: %w", uri, err)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, storage.ErrChanged) {
		return failed.WithHint("snapshots that were expired lose their files: run again, to read the newest").Retryable()
	}
	return failed.WithHint(positionsHint)
}

func readPositions(ctx context.Context, file lake.DeleteFile, path string, read lake.ParquetReader, rows *roaring64.Bitmap) error {
	info, err := storage.Stat(ctx, file.URI)
	if err != nil {
		return err
	}
	seen := int64(0)
	err = read(ctx, info, []string{pathColumn, positionColumn}, func(record arrow.Record) error {
		seen += record.NumRows()
		return addPositions(record, path, rows)
	})
	if err == nil && seen != file.Rows {
		err = fmt.Errorf("there are %d, and not the %d that the table says", seen, file.Rows)
	}
	return err
}

// addPositions adds the rows of the data file that a record names.
func addPositions(record arrow.Record, path string, rows *roaring64.Bitmap) error {
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
	is, err := textsOf(paths)
	if err != nil {
		return err
	}
	var found []uint64
	for row := range positions.Len() {
		if is(row) != path {
			continue
		}
		at := positions.Value(row)
		if at < 0 {
			return fmt.Errorf("it names row %d", at)
		}
		found = append(found, uint64(at))
	}
	rows.AddMany(found)
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
