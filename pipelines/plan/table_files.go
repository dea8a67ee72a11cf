package plan

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"golang.org/x/sync/errgroup"

	"hyperlake/internal/expr"
	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/internal/lake/vector"
	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread"
)

// filesAtOnce is how many files are looked for at once.
const filesAtOnce = 16

// readTable lists the files of a table, and reads the footers of those in which mayKeep may be true by what the
// table says of them: the others are given to prune, which may be nil if there are none. wanted says of which columns that is asked.
func (s *Source) readTable(
	ctx context.Context, wanted func(column string) bool, mayKeep func(ranges func(column string) expr.Range) bool, prune func(lake.File),
) error {
	err := s.table.Files(ctx, wanted, func(file lake.File) error {
		if file.Rows >= 0 && !mayKeep(tableStatistics{s, file}.ranges) {
			prune(file)
			for i := range s.partitions {
				s.partitions[i].notePruned(file.Partition[i])
			}
			return nil
		}
		file.Statistics = nil // nobody asks for them any more
		s.files = append(s.files, file)
		return s.compare(file)
	})
	if err != nil {
		return err
	}
	infos, err := s.findFiles(ctx)
	if err != nil {
		return err
	}
	if s.Footers, err = parquetread.ReadFooters(ctx, infos, parquetread.FooterOptions{IsWanted: wanted, Mapping: s.mapping()}); err != nil {
		return s.explainGone(err)
	}
	for i, file := range s.files {
		if file.Rows >= 0 && s.Footers[i].Rows != file.Rows {
			return failure.New(failure.Source, "file %s has %d rows, but the table %s says %d",
				file.URI, s.Footers[i].Rows, s.table.Folder, file.Rows).
				WithHint("the file was replaced, or the log of the table is wrong: restore it")
		}
		for j := range s.partitions {
			p := &s.partitions[j]
			p.values, p.has = append(p.values, file.Partition[j]), append(p.has, true)
		}
	}
	return nil
}

// pruneFile counts a file of which nothing is read, by what its table says.
func (t *TablePlan) pruneFile(file lake.File) {
	t.Files++
	t.Rows += file.Rows
	t.Bytes += file.Size
	t.Pruned.Files++
	t.Pruned.Rows += file.Rows
	t.Pruned.Bytes += file.Size
}

// emptyTable is the failure of a table without files.
func emptyTable(table *lake.Snapshot) error {
	return failure.New(failure.Source, "the table %s has no files at version %s", table.Folder, table.Version).
		WithHint("set on_empty: allow to have an empty table, or choose another version").BeforeData()
}

// Deleted is how many rows of the files are deleted, by what the table says.
func (s *Source) Deleted() int64 {
	var rows int64
	for i := range s.files {
		if deletes := s.deletesOf(i); deletes != nil {
			rows += deletes.Cardinality
		}
	}
	return rows
}

// DeleteFiles is how many files say of other rows that they are deleted.
func (s *Source) DeleteFiles() int {
	distinct := map[string]bool{}
	for i := range s.files {
		addDeleteFiles(distinct, s.files[i])
	}
	return len(distinct)
}

// deleteFilesOf is how many files say of rows of others, of those that are read, that they are deleted.
func deleteFilesOf(files []PlannedFile) int {
	distinct := map[string]bool{}
	for _, file := range files {
		if len(file.Groups) > 0 {
			addDeleteFiles(distinct, file.Table)
		}
	}
	return len(distinct)
}

func addDeleteFiles(to map[string]bool, of lake.File) {
	for _, all := range [][]lake.DeleteFile{of.PositionDeletes, of.EqualityDeletes} {
		for _, file := range all {
			to[file.URI] = true
		}
	}
}

// deletesOf says which rows of a file the table has removed; nil if there are none, or others files say so.
func (s *Source) deletesOf(file int) *vector.Vector { return s.tableFile(file).Deletes }

// tableFile is what a table says of a file; nothing of loose ones.
func (s *Source) tableFile(file int) lake.File {
	if s.table == nil {
		return lake.File{}
	}
	return s.files[file]
}

// constantsOf are the values that the table knows of columns to read that a file lacks, since its partition has them.
func (s *Source) constantsOf(file int, columns *arrow.Schema) ([]parquetread.FolderValue, error) {
	var known []parquetread.FolderValue
	for id, value := range s.tableFile(file).Constants {
		way := s.table.Field(id)
		if len(way) == 0 || !columns.HasField(way[0].Name) || len(way) == 1 && s.Footers[file].Schema.HasField(way[0].Name) {
			continue
		}
		if len(way) > 1 {
			return nil, failure.New(failure.Source, "file %s: the value of %s, in the column %q, may be in the partition alone, which is not read",
				s.Footers[file].Info.URI, way[len(way)-1].Name, way[0].Name).
				WithHint("leave the column out by source.select").BeforeData()
		}
		known = append(known, parquetread.FolderValue{Column: way[0].Name, Text: value})
	}
	slices.SortFunc(known, func(a, b parquetread.FolderValue) int { return cmp.Compare(a.Column, b.Column) })
	return known, nil
}

// mapping says how the files of a table store its columns; nil for loose files.
func (s *Source) mapping() *parquetread.Mapping {
	if s.table == nil {
		return nil
	}
	return parquetread.MappingOf(s.table)
}

// findFiles describes the files of a table as they are now.
func (s *Source) findFiles(ctx context.Context) ([]storage.Info, error) {
	infos := make([]storage.Info, len(s.files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(filesAtOnce)
	for i, file := range s.files {
		group.Go(func() (err error) {
			infos[i], err = storage.Stat(ctx, file.URI)
			return err
		})
	}
	return infos, s.explainGone(group.Wait())
}

// explainGone says what to do about a file that the table has and the storage has not.
func (s *Source) explainGone(err error) error {
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return failure.New(failure.Source, "a file of version %s of the table %s is gone: %w", s.table.Version, s.table.Folder, err).
			WithHint("old versions lose their files when a table is cleaned up (VACUUM): run again, with a version that still has them").Retryable()
	}
	return listFailure(err)
}

// tableStatistics is what a table says of a file.
type tableStatistics struct {
	source *Source
	file   lake.File
}

// ranges says what is known about the values of a column.
func (t tableStatistics) ranges(column string) expr.Range {
	found, ok := t.source.Schema.FieldsByName(column)
	if !ok {
		return expr.Range{}
	}
	if at := slices.IndexFunc(t.source.partitions, func(p partition) bool { return p.name == column }); at >= 0 {
		return constant(found[0], t.file.Partition[at])
	}
	said, ok := t.file.Statistics[column]
	if !ok {
		return expr.Range{}
	}
	known := expr.Range{Nulls: nullsOf(said.Nulls, t.file.Rows)}
	if t.file.HasDeletes() && known.Nulls == expr.SomeNulls { // the rows that have them may be deleted
		known.Nulls = expr.NullsUnknown
	}
	if said.Min != nil && said.Max != nil {
		known.Bounds = boundsFromText(found[0].Type, *said.Min, *said.Max)
	}
	return known
}

// boundsFromText makes bounds of what a table says; nil where that is no value of the type.
func boundsFromText(t arrow.DataType, least, most string) arrow.Array {
	builder := array.NewBuilder(memory.DefaultAllocator, t)
	for _, text := range []string{least, most} {
		if err := builder.AppendValueFromString(text); err != nil {
			return nil
		}
	}
	if bounds := builder.NewArray(); bounds.NullN() == 0 {
		return bounds
	}
	return nil
}
