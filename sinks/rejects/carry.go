package rejects

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/failure"
	"hyperlake/internal/scratch"
	"hyperlake/internal/storage"
	"hyperlake/internal/take"
)

// ErrKept is in the chain of an error of [Carry] about a file that is not the one that was
// kept: it is missing, or was damaged. A full build makes it right.
var ErrKept = errors.New("it is not the file of rejects that was kept")

// Reader reads one version of a Parquet file: those of some columns that it has, all if columns
// is nil, record after record. It is parquetread.ReadColumns.
type Reader func(ctx context.Context, file storage.Info, columns []string, emit func(arrow.Record) error) error

// Carry takes reject files over from one run to the next, without the rows whose origin file
// goes. A file without such rows is passed on as it is, one of nothing else is left out; what
// stays of the others is written to new files on staging, with all its columns as they were.
// Memory is bounded as that of Write is.
//
// Each file is compared with its checksum first. Errors are failures of kind Storage; see [ErrKept].
func Carry(ctx context.Context, files []File, staging string, goes func(origin string) bool, read Reader) ([]File, error) {
	c := carrier{goes: goes, read: read, rest: tableWriter{limits: defaultLimits, staging: staging}}
	var kept []File
	for _, file := range files {
		whole, err := c.add(ctx, file)
		if err != nil {
			c.rest.abandon()
			return nil, failure.New(failure.Storage, "carry rejects over from %s: %w", file.URI, err).WithHint("%s", hintOf(err))
		}
		if whole {
			kept = append(kept, file)
		}
	}
	rest, err := c.rest.finish(ctx)
	if err != nil {
		c.rest.abandon()
		return nil, err
	}
	return append(kept, rest.Files...), nil
}

func hintOf(err error) string {
	if errors.Is(err, ErrKept) {
		return "build the extract in full"
	}
	return storage.Hint(err)
}

// carrier carries files over, one after another.
type carrier struct {
	goes func(origin string) bool
	read Reader
	rest tableWriter // of what stays of files that do not stay whole
}

// add says whether a file stays as a whole; else it writes what stays of it.
func (c *carrier) add(ctx context.Context, file File) (whole bool, err error) {
	info, remove, err := fetch(ctx, file)
	if err != nil {
		return false, notKept(err)
	}
	defer remove()
	var rows, gone int64
	err = c.read(ctx, info, []string{originColumn}, func(record arrow.Record) error {
		stays, err := c.stays(record)
		rows += record.NumRows()
		gone += record.NumRows() - int64(stays.Rows())
		return err
	})
	if err == nil && rows != file.Rows {
		err = fmt.Errorf("it holds %d rows instead of %d", rows, file.Rows)
	}
	switch {
	case err != nil:
		return false, unreadable(ctx, err)
	case gone == 0:
		return true, nil
	case gone == rows:
		return false, nil
	}
	var failed error // of what is written
	err = c.read(ctx, info, nil, func(record arrow.Record) error {
		stays, err := c.stays(record)
		if err != nil {
			return err
		}
		left, err := stays.Record(record)
		if err != nil {
			return err
		}
		failed = c.rest.addRecord(ctx, left)
		return failed
	})
	if failed != nil {
		return false, failed
	}
	return false, unreadable(ctx, err)
}

// stays selects the rows whose origin does not go.
func (c *carrier) stays(record arrow.Record) (take.Selection, error) {
	var stays take.Selection
	at := record.Schema().FieldIndices(originColumn)
	if len(at) != 1 {
		return stays, fmt.Errorf("it has no column %q", originColumn)
	}
	origins, ok := record.Column(at[0]).(*array.String)
	if !ok || origins.NullN() > 0 {
		return stays, fmt.Errorf("its column %q does not hold names of files", originColumn)
	}
	last, goes := "", false // neighbours mostly have one origin
	for row := range origins.Len() {
		if origin := origins.Value(row); row == 0 || origin != last {
			last, goes = origin, c.goes(origin)
		}
		if !goes {
			stays.Add(row, 1)
		}
	}
	return stays, nil
}

// fetch finds a local file of the bytes that were written: itself, or a copy until remove is called.
func fetch(ctx context.Context, file File) (info storage.Info, remove func(), err error) {
	if path, local := storage.LocalPath(file.URI); local {
		if info, err = storage.Stat(ctx, path); err != nil {
			return info, nil, err
		}
		sum, bytes, err := storage.SHA256(ctx, path)
		if err == nil && (bytes != file.Bytes || sum != file.SHA256) {
			err = storage.ErrChanged
		}
		return info, func() {}, err
	}
	folder, err := scratch.Make("", "rejects-")
	if err != nil {
		return info, nil, err
	}
	remove = func() { _ = folder.Remove() } // what stays goes with the process
	path := filepath.Join(folder.Path, "file.parquet")
	if err = copyFile(ctx, file, path); err == nil {
		info, err = storage.Stat(ctx, path)
	}
	if err != nil {
		remove()
	}
	return info, remove, err
}

// notKept marks the error of a file that is missing or has other bytes.
func notKept(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, storage.ErrChanged) {
		return fmt.Errorf("%w: %w", ErrKept, err)
	}
	return err
}

// unreadable marks the error of a file that has the right bytes, but no rejects. nil stays nil.
func unreadable(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%w: %w", ErrKept, err)
}
