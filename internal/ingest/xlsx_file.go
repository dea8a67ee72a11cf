package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"hyperlake/internal/failure"
	"hyperlake/internal/scratch"
	"hyperlake/internal/storage"
	"hyperlake/internal/xlsx"
)

// xlsxFile is a workbook of which a sheet is read, below its header.
type xlsxFile struct {
	name    string
	sheet   *xlsx.Sheet
	header  []string
	nulls   []string
	targets []int // to which column the value of each goes; negative for none
	row     *xlsx.Row
	rows    int64 // that were read

	check  func(ctx context.Context) error // that the file is still what was listed
	closes []func() error
}

// open opens a file and reads its header. A file whose columns are not those of the first is refused.
func (x *xlsxSource) open(ctx context.Context, info storage.Info) (*xlsxFile, error) {
	f := &xlsxFile{name: info.URI, nulls: x.options.Null, header: x.options.Names}
	err := f.open(ctx, info, x.options.Sheet)
	if at := x.options.headerRow(); err == nil && at > 0 {
		f.header, err = f.readHeader(at)
	}
	if err == nil {
		err = x.first.check(f.header, f.name)
	}
	if err != nil {
		return nil, errors.Join(readFailure(info.URI, err), f.close())
	}
	return f, nil
}

// open opens the version of a file that was listed, and a sheet of it.
func (f *xlsxFile) open(ctx context.Context, info storage.Info, sheet string) error {
	store, err := storage.For(info.URI)
	if err != nil {
		return failure.New(failure.Config, "%w", err)
	}
	f.check = func(ctx context.Context) error { return checkUnchanged(ctx, store, info) }
	reader, err := store.Open(ctx, info)
	if err != nil {
		return err
	}
	f.closes = append(f.closes, reader.Close)
	var file io.ReaderAt = reader
	if !storage.IsLocal(info.URI) { // where each of the many small reads would be a request
		if file, err = f.download(reader); err != nil {
			return err
		}
	}
	book, err := xlsx.Open(ctx, file, reader.Size(), f.name)
	if err != nil {
		return err
	}
	f.closes = append(f.closes, book.Close)
	if f.sheet, err = book.Sheet(sheet); err != nil {
		return err
	}
	f.closes = append(f.closes, f.sheet.Close)
	return nil
}

// download copies the file to this machine until it is closed.
func (f *xlsxFile) download(reader storage.Reader) (io.ReaderAt, error) {
	folder, err := scratch.Make("", "ingest-")
	if err != nil {
		return nil, err
	}
	f.closes = append(f.closes, folder.Remove)
	file, err := os.Create(filepath.Join(folder.Path, "workbook.xlsx"))
	if err != nil {
		return nil, err
	}
	f.closes = append(f.closes, file.Close)
	_, err = reader.WriteTo(file)
	return file, err
}

// close gives back what the file holds.
func (f *xlsxFile) close() error {
	var errs []error
	for _, closer := range slices.Backward(f.closes) {
		errs = append(errs, closer())
	}
	f.closes = nil
	return errors.Join(errs...)
}

// readHeader reads the row that names the columns, which are those up to the last that it names.
func (f *xlsxFile) readHeader(at int64) ([]string, error) {
	for {
		row, err := f.sheet.Next()
		if err != nil {
			return nil, err
		}
		if row == nil || row.Number > at || row.Number == at && isBlank(row) {
			return nil, f.refuseHeader("has no header: row %d is empty", at).
				WithHint("say header: with the row that names the columns; if there never is one, say names")
		}
		if row.Number == at {
			return f.namesOf(row)
		}
	}
}

func (f *xlsxFile) refuseHeader(format string, args ...any) *failure.Error {
	return failure.New(failure.Source, "%s, sheet %q %s", f.name, f.sheet.Name, fmt.Sprintf(format, args...)).BeforeData()
}

func (f *xlsxFile) namesOf(row *xlsx.Row) ([]string, error) {
	var names []string
	place := func(column int) string { return fmt.Sprintf("%s%d", xlsx.ColumnName(column), row.Number) }
	for _, cell := range row.Cells {
		switch {
		case cell.Kind == xlsx.Flawed:
			return nil, f.refuseHeader("has a header that cannot be read: at %s, %s", place(cell.Column), cell.Flaw.Reason).
				WithHint("correct the cell, or say header: with another row")
		case len(cell.Text) == 0:
		case cell.Column > len(names):
			return nil, f.refuseHeader("has a column without a name at %s", place(len(names))).
				WithHint("name it there, or say header: with another row")
		case slices.Contains(names, string(cell.Text)):
			first := slices.Index(names, string(cell.Text))
			return nil, f.refuseHeader("has two columns named %q, at %s and %s", shown(string(cell.Text)), place(first), place(cell.Column)).
				WithHint("give one of them another name")
		default:
			names = append(names, string(cell.Text))
		}
	}
	if row.TooLong {
		return nil, f.refuseHeader("has a header that cannot be read: %s", flawTooLong.reason).WithHint("say header: with another row")
	}
	return names, nil
}

// next reads the next row; false behind the last. Rows without anything are none, wherever they stand.
func (f *xlsxFile) next() (more bool, err error) {
	for {
		if f.row, err = f.sheet.Next(); err != nil || f.row == nil {
			return false, err
		}
		if !isBlank(f.row) {
			f.rows++
			return true, nil
		}
	}
}

func isBlank(row *xlsx.Row) bool {
	return !row.TooLong && !slices.ContainsFunc(row.Cells, func(c xlsx.Cell) bool { return len(c.Text) > 0 || c.Kind == xlsx.Flawed })
}
