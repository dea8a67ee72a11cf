// Package lake tells tables from loose files. A table format keeps, beside Parquet files, a
// record of which of them, and which of their rows, are the table: all files together hold
// rows more than once, and rows that were removed.
package lake

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hyperlake/internal/storage"
)

// Format is a table format, as people call it.
type Format string

// The formats that are recognised.
const (
	Delta   Format = "Delta Lake"
	Iceberg Format = "Iceberg"
	Hudi    Format = "Hudi"
)

// marks is what says of a folder that it is a table. A loose folder metadata is none.
var marks = map[string]Format{
	"_delta_log/":                 Delta,
	"metadata/*.metadata.json":    Iceberg,
	"metadata/*.metadata.json.gz": Iceberg,
	"metadata/version-hint.text":  Iceberg,
	".hoodie/":                    Hudi,
}

// Table is a folder that is a table.
type Table struct {
	Folder  string   // URI
	Formats []Format // sorted; several where one table is written in several formats
}

// String names the folder and the formats.
func (t Table) String() string {
	names := make([]string, len(t.Formats))
	for i, format := range t.Formats {
		names[i] = string(format)
	}
	return fmt.Sprintf("%s (%s)", t.Folder, strings.Join(names, " and "))
}

// Find lists the files that match a pattern, as [storage.Store.Glob] does, and the tables that
// they belong to: those at, around and below the part of the pattern that is none. It fails as
// [storage.Store.Search] does, with no kind. Parts that an ingest has not put into place, or has replaced, are not listed.
func Find(ctx context.Context, pattern string) ([]storage.Info, []Table, error) {
	store, err := storage.For(pattern)
	if err != nil {
		return nil, nil, err
	}
	files, found, err := listIngested(ctx, func() ([]storage.Info, []storage.Mark, error) {
		return store.Search(ctx, pattern, slices.Sorted(maps.Keys(marks)))
	})
	return files, tablesOf(found), err
}

// Around lists the tables at and around the part of a pattern that is none, without listing what matches. It
// fails as [storage.Store.Search] does, with no kind.
func Around(ctx context.Context, pattern string) ([]Table, error) {
	store, err := storage.For(pattern)
	if err != nil {
		return nil, err
	}
	base, _ := storage.SplitGlob(pattern)
	_, found, err := store.Search(ctx, storage.EscapeGlob(base), slices.Sorted(maps.Keys(marks)))
	return tablesOf(found), err
}

// tablesOf are the folders that marks, which come sorted, say are tables.
func tablesOf(found []storage.Mark) []Table {
	var tables []Table
	for _, mark := range found {
		if last := len(tables) - 1; last < 0 || tables[last].Folder != mark.Folder {
			tables = append(tables, Table{Folder: mark.Folder})
		}
		table, format := &tables[len(tables)-1], marks[mark.Name]
		if !slices.Contains(table.Formats, format) {
			table.Formats = append(table.Formats, format)
			slices.Sort(table.Formats)
		}
	}
	return tables
}
