package iceberg_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/internal/lake/iceberg"
	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread"
)

// filesOf are the files of a snapshot, with statistics of the wanted columns.
func filesOf(t testing.TB, snapshot *lake.Snapshot, wanted ...string) []lake.File {
	t.Helper()
	var files []lake.File
	err := snapshot.Files(t.Context(), func(column string) bool { return slices.Contains(wanted, column) }, func(file lake.File) error {
		files = append(files, file)
		return nil
	})
	require.NoError(t, err)
	return files
}

// filesError is how listing the files of a table ends, or opening it.
func filesError(t testing.TB, place string, at iceberg.Version) error {
	t.Helper()
	snapshot, err := iceberg.Open(t.Context(), place, at)
	if err != nil {
		return err
	}
	return snapshot.Files(t.Context(), nil, func(lake.File) error { return nil })
}

// failureOf is err as people see it.
func failureOf(t testing.TB, err error) *failure.Error {
	t.Helper()
	var failed *failure.Error
	require.True(t, errors.As(err, &failed), "%v", err)
	require.Equal(t, failure.Source, failed.Kind)
	return failed
}

// write writes files below a folder.
func write(t testing.TB, folder string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(folder, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
}

// rowsOf are the values of columns in the rows of a file, as texts that are joined by a bar: of a column that the file
// lacks, what the table says of it.
func rowsOf(t testing.TB, snapshot *lake.Snapshot, file lake.File, columns []lake.Column) []string {
	t.Helper()
	rows := make([][]string, file.Rows)
	for i := range columns {
		values := columnOf(t, snapshot, file.URI, columns[i])
		for row := range rows {
			text := "NULL"
			switch constant, ok := constantOf(snapshot, file, columns[i]); {
			case values != nil && values.IsValid(row):
				text = values.ValueStr(row)
			case values == nil && ok && constant != nil:
				text = *constant
			}
			rows[row] = append(rows[row], text)
		}
	}
	all := make([]string, len(rows))
	for i, row := range rows {
		all[i] = strings.Join(row, "|")
	}
	return all
}

// constantOf is what a table says of a column that a file lacks.
func constantOf(snapshot *lake.Snapshot, file lake.File, column lake.Column) (*string, bool) {
	at := 0
	for _, c := range snapshot.Columns {
		switch {
		case c.Partition && c.ID == column.ID && at < len(file.Partition):
			return file.Partition[at], true
		case c.Partition:
			at++
		}
	}
	value, ok := file.Constants[column.ID]
	return value, ok
}

// columnOf are the values of a column in a file, in the type of the table; nil if the file lacks it. It is found by its id, or
// in a file without ids by its names.
func columnOf(t testing.TB, snapshot *lake.Snapshot, uri string, column lake.Column) arrow.Array {
	t.Helper()
	info, err := storage.Stat(t.Context(), uri)
	require.NoError(t, err)
	mapping := parquetread.Mapping{ByID: true, Columns: []parquetread.MappedColumn{{Name: column.Name, ID: column.ID}}}
	footers, err := parquetread.ReadFooters(t.Context(), []storage.Info{info}, parquetread.FooterOptions{Mapping: &mapping})
	if err != nil && strings.Contains(err.Error(), "no field ids") {
		at := slices.IndexFunc(snapshot.Names, func(n lake.FieldName) bool { return n.ID == column.ID })
		require.GreaterOrEqual(t, at, 0)
		for _, name := range snapshot.Names[at].Names {
			mapping = parquetread.Mapping{Columns: []parquetread.MappedColumn{{Name: column.Name, Stored: name}}}
			footers, err = parquetread.ReadFooters(t.Context(), []storage.Info{info}, parquetread.FooterOptions{Mapping: &mapping})
			if err == nil && len(footers[0].Schema.Fields()) > 0 {
				break
			}
		}
	}
	require.NoError(t, err)
	if len(footers[0].Schema.Fields()) == 0 {
		return nil
	}
	field := parquetread.FieldOf(column)
	shard := parquetread.Shard{Files: []parquetread.FileRef{{Info: info, RowGroups: footers[0].RowGroups}}}
	projection := parquetread.Projection{Schema: batch.Schema{Schema: arrow.NewSchema([]arrow.Field{field}, nil)}, Mapping: &mapping}
	var pieces []arrow.Array
	require.NoError(t, parquetread.ReadShard(t.Context(), shard, projection, func(b batch.Batch) error {
		pieces = append(pieces, b.Record.Column(0))
		return nil
	}))
	all, err := array.Concatenate(pieces, memory.DefaultAllocator)
	require.NoError(t, err)
	return all
}

// keysOf are the values of the columns in the rows that are left, as texts.
func keysOf(t testing.TB, snapshot *lake.Snapshot, files []lake.File, columns []lake.Column) []string {
	t.Helper()
	keys := []string{}
	for _, file := range files {
		deleted := deletedOf(t, snapshot, file)
		for row, key := range rowsOf(t, snapshot, file, columns) {
			if !deleted[row] {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

// deletedOf says which rows of a file are deleted.
func deletedOf(t testing.TB, snapshot *lake.Snapshot, file lake.File) []bool {
	t.Helper()
	deleted := make([]bool, file.Rows)
	if file.Deletes != nil {
		rows, err := file.Deletes.Read(t.Context())
		require.NoError(t, err)
		for _, row := range rows.ToArray() {
			deleted[row] = true
		}
	}
	for _, deletes := range file.PositionDeletes {
		positions, err := iceberg.ReadPositions(t.Context(), deletes, parquetread.ReadColumns)
		require.NoError(t, err)
		rows := positions.Of(file.Path)
		for _, row := range rows.ToArray() {
			deleted[row] = true
		}
		alone, err := iceberg.ReadPositionsOf(t.Context(), deletes, file.Path, parquetread.ReadColumns)
		require.NoError(t, err)
		require.True(t, rows.Equals(alone))
	}
	for _, equal := range file.EqualityDeletes {
		columns := make([]lake.Column, len(equal.Fields))
		for i, id := range equal.Fields {
			way := snapshot.Field(id)
			require.Len(t, way, 1, fmt.Sprint(id))
			columns[i] = way[0]
		}
		values := rowsOf(t, snapshot, lake.File{URI: equal.URI, Rows: equal.Rows}, columns)
		for row, value := range rowsOf(t, snapshot, file, columns) {
			deleted[row] = deleted[row] || slices.Contains(values, value)
		}
	}
	return deleted
}
