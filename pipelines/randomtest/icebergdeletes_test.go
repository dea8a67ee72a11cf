package randomtest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake/iceberg/icebergtest"
)

// deletes are the manifests of deleted rows, and of those that were deleted before the files were there.
func (w writer) deletes() []icebergtest.Object {
	var all []icebergtest.Object
	for i, files := range w.partitions() {
		if entry, ok := w.positions(fmt.Sprintf("d%d.parquet", i), files, icebergFile.deletes); ok {
			all = append(all, w.made.Manifest(fmt.Sprintf("d%d.avro", i), w.kind(w.spec(files[0]), "deletes", deleteSequence), entry))
		}
		if !w.stale {
			continue
		}
		all = append(all, w.staleDeletes(i, files)...)
	}
	return all
}

// staleDeletes delete rows that a file had before.
func (w writer) staleDeletes(number int, files []*file) []icebergtest.Object {
	entry, ok := w.positions(fmt.Sprintf("s%d.parquet", number), files, func(f icebergFile, row int) bool { return !f.deletes(row) })
	if !ok {
		return nil
	}
	return []icebergtest.Object{w.made.Manifest(fmt.Sprintf("s%d.avro", number), w.kind(w.spec(files[0]), "deletes", staleSequence), entry)}
}

// partitions are the files that share a file of deletes: those of a partition, or each by itself.
func (w writer) partitions() [][]*file {
	var groups [][]*file
	for _, f := range w.files {
		at := slices.IndexFunc(groups, func(group []*file) bool {
			return w.shared && w.spec(group[0]) == w.spec(f) && fmt.Sprint(w.partition(group[0])) == fmt.Sprint(w.partition(f))
		})
		if at < 0 {
			groups = append(groups, []*file{f})
		} else {
			groups[at] = append(groups[at], f)
		}
	}
	return groups
}

// positions writes a file of the rows of some files that are deleted, and returns the entry of a manifest for it, if there are any.
func (w writer) positions(name string, files []*file, isDeleted func(f icebergFile, row int) bool) (icebergtest.Object, bool) {
	paths, rows := array.NewStringBuilder(memory.DefaultAllocator), array.NewInt64Builder(memory.DefaultAllocator)
	for _, f := range files {
		for row := range f.rows {
			if isDeleted(f.iceberg, row) {
				paths.Append(w.pathOf(f))
				rows.Append(int64(row))
			}
		}
	}
	count := int64(rows.Len())
	if count == 0 {
		return nil, false
	}
	schema := arrow.NewSchema([]arrow.Field{
		withID(arrow.Field{Name: "file_path", Type: arrow.BinaryTypes.String}, 2147483546),
		withID(arrow.Field{Name: "pos", Type: arrow.PrimitiveTypes.Int64}, 2147483545),
	}, nil)
	path := filepath.Join(w.made.Folder, name)
	out, err := os.Create(path)
	require.NoError(w.made, err)
	file, err := pqarrow.NewFileWriter(schema, out, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	require.NoError(w.made, err)
	require.NoError(w.made, file.Write(array.NewRecord(schema, []arrow.Array{paths.NewArray(), rows.NewArray()}, count)))
	require.NoError(w.made, file.Close())
	info, err := os.Stat(path)
	require.NoError(w.made, err)
	return w.made.Added(name, icebergtest.Object{
		"content": 1, "partition": w.partition(files[0]), "record_count": count, "file_size_in_bytes": info.Size(),
	}), true
}
