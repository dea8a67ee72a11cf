package hyper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
)

// FileOptions are those of [MergeFiles], [Defragment] and [Patch.Make].
type FileOptions struct {
	// Widen lets MergeFiles widen columns that differ between files.
	Widen bool

	// TableDone is called after each table; nil for nobody.
	TableDone func(TableResult)

	// FreeBytes is how much may be written to a folder; nil for what the system says.
	FreeBytes func(folder string) (uint64, error)
}

// TableResult is what became of a table.
type TableResult struct {
	Schema   string `json:"schema"`
	Name     string `json:"name"`
	Columns  int    `json:"columns"`
	Rows     int64  `json:"rows"`
	Files    int    `json:"files,omitempty"`    // that had rows of it, for MergeFiles
	Checksum string `json:"checksum,omitempty"` // that old and new have, for Defragment
}

func (o FileOptions) done(table TableResult) {
	if o.TableDone != nil {
		o.TableDone(table)
	}
}

// checkRoom fails when a folder has no room for a file of some bytes. A folder that does
// not say how much it has is given the benefit of the doubt.
func (o FileOptions) checkRoom(folder string, needed int64) error {
	freeBytes := o.FreeBytes
	if freeBytes == nil {
		freeBytes = storage.FreeBytes
	}
	free, err := freeBytes(folder)
	if err != nil || free >= uint64(needed) {
		return nil
	}
	return failure.New(failure.Storage, "the new file may need %s, but %s has only %s free",
		humanize.Bytes(uint64(needed)), folder, humanize.Bytes(free)).OnFullDisk().WithHint("free some space, or write the file to another disk")
}

// InputFile is a finished .hyper file that is merged or defragmented.
type InputFile struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
	Rows  int64  `json:"rows"` // of all tables

	catalog Catalog
	alias   string // in the session that reads it
}

// openInput attaches a file to a session so that neither this session nor another program
// changes it, and finds out what it holds.
func openInput(ctx context.Context, conn *hyperd.Conn, path, alias string) (InputFile, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return InputFile{}, failure.New(failure.Storage, "open %s: %w", path, err)
	}
	stat, err := os.Stat(absolute)
	if err != nil {
		return InputFile{}, failure.New(failure.Storage, "open %s: %w", path, err)
	}
	if err := conn.AttachReadOnly(ctx, absolute, alias); err != nil {
		return InputFile{}, fmt.Errorf("open %s: %w", path, err)
	}
	file := InputFile{Path: path, Bytes: stat.Size(), alias: alias}
	if file.catalog, err = ReadCatalog(ctx, conn, alias); err != nil {
		return InputFile{}, fmt.Errorf("%s: %w", path, err)
	}
	for _, table := range file.catalog.Tables {
		file.Rows += table.Rows
	}
	return file, nil
}

// openInputs opens files; the one with the most rows comes first. Ties are broken by path.
func openInputs(ctx context.Context, conn *hyperd.Conn, paths []string) ([]InputFile, error) {
	var files []InputFile
	for i, path := range paths {
		file, err := openInput(ctx, conn, path, fmt.Sprintf("input%d", i))
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	slices.SortFunc(files, func(a, b InputFile) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Path, b.Path))
	})
	return files, nil
}

// outputAlias is that of the file that is written.
const outputAlias = "output"

// rewrite has fill write a new file at path and leave it attached to the session as
// outputAlias, and then proves that the file, opened again, holds what want describes. On
// failure nothing stays at path.
func rewrite(ctx context.Context, conn *hyperd.Conn, path string, want Catalog, fill func() error) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, removeFile(path))
		}
	}()
	if err := fill(); err != nil {
		return err
	}
	if err := conn.Detach(ctx, outputAlias); err != nil {
		return fmt.Errorf("close the new file: %w", err)
	}
	if err := conn.AttachReadOnly(ctx, path, outputAlias); err != nil {
		return fmt.Errorf("open the new file: %w", err)
	}
	made, err := ReadCatalog(ctx, conn, outputAlias)
	if err != nil {
		return fmt.Errorf("the new file: %w", err)
	}
	if err := made.check(want); err != nil {
		return err
	}
	return conn.Detach(ctx, outputAlias)
}

// insertFrom copies the rows that files have of a table into the same table of the new
// file, with one statement, and says of how many files.
func insertFrom(ctx context.Context, conn *hyperd.Conn, table CatalogTable, files []InputFile) (int, error) {
	var sources []InputFile
	var selects []string
	for _, file := range files {
		source, ok := file.catalog.find(table.Schema, table.Name)
		if ok && source.Rows > 0 {
			sources = append(sources, file)
			selects = append(selects, source.selectSQL(file.alias, table.Columns))
		}
	}
	if len(sources) == 0 {
		return 0, nil
	}
	statement := fmt.Sprintf("INSERT INTO %s (%s) %s", table.in(outputAlias), table.columnNames(), strings.Join(selects, " UNION ALL "))
	if _, err := conn.Exec(ctx, statement); err != nil {
		return 0, blame(ctx, conn, table, sources, fmt.Errorf("insert into table %s: %w", table, err))
	}
	return len(sources), nil
}

// blame finds the file that an INSERT from several failed for, which hyperd does not tell:
// the first one whose table cannot be read.
func blame(ctx context.Context, conn *hyperd.Conn, table CatalogTable, sources []InputFile, failed error) error {
	for _, file := range sources {
		if ctx.Err() != nil {
			return failed
		}
		source, _ := file.catalog.find(table.Schema, table.Name)
		if _, err := checksum(ctx, conn, file.alias, source); err != nil {
			return fmt.Errorf("read %s: %w", file.Path, err)
		}
	}
	return failed
}

// readAll reads every value of a file that is copied as it is: hyperd finds damage, which
// a copy would pass on, in what it reads only.
func readAll(ctx context.Context, conn *hyperd.Conn, file InputFile) error {
	file, err := openInput(ctx, conn, file.Path, file.alias)
	if err != nil {
		return err
	}
	for _, table := range file.catalog.Tables {
		if _, err := checksum(ctx, conn, file.alias, table); err != nil {
			return fmt.Errorf("read %s: %w", file.Path, err)
		}
	}
	return nil
}

// selectSQL reads the table as rows of other columns, of the same names.
func (t CatalogTable) selectSQL(alias string, columns []CatalogColumn) string {
	values := make([]string, len(columns))
	for i, c := range columns {
		values[i] = hyperd.QuoteName(c.Name)
		for _, own := range t.Columns {
			if own.Name == c.Name && own.SQLType != c.SQLType {
				values[i] = fmt.Sprintf("CAST(%s AS %s)", values[i], c.sqlType())
			}
		}
	}
	return fmt.Sprintf("SELECT %s FROM %s", strings.Join(values, ", "), t.in(alias))
}
