package delta_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/internal/lake/delta"
	"hyperlake/transforms/parquetread"
)

const (
	oneColumn = `{"type":"struct","fields":[{"name":"id","type":"integer","nullable":true,"metadata":{}}]}`
	plain     = `{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}`
)

// metadataOf is a line that describes a table.
func metadataOf(schema, partition, configuration string) string {
	return fmt.Sprintf(`{"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":%q,"partitionColumns":[%s],"configuration":{%s}}}`,
		schema, partition, configuration)
}

// first is the first commit of a table of one column.
var first = plain + "\n" + metadataOf(oneColumn, "", "")

func addOf(path string) string {
	return fmt.Sprintf(`{"add":{"path":%q,"partitionValues":{},"size":1,"modificationTime":1700000000000,"dataChange":true}}`, path)
}

func removeOf(path string) string {
	return fmt.Sprintf(`{"remove":{"path":%q,"deletionTimestamp":1700000000000,"dataChange":true}}`, path)
}

// vectorOf is a descriptor of a vector, to be put into an add or a remove.
func vectorOf(offset int) string {
	return fmt.Sprintf(`{"storageType":"u","pathOrInlineDv":"ab^-aqEH.-t@S}K{vb[*k^","offset":%d,"sizeInBytes":40,"cardinality":6}`, offset)
}

func withVector(kind, path, vector string) string {
	return fmt.Sprintf(`{%q:{"path":%q,"partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"deletionVector":%s}}`, kind, path, vector)
}

// commits are files of a log by their names.
func commit(version int) string { return fmt.Sprintf("%020d.json", version) }

// tableOf makes a table whose log has the files.
func tableOf(t testing.TB, log map[string]string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "t")
	for name, text := range log {
		path := filepath.Join(folder, "_delta_log", filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return folder
}

// filesOf are the files of a snapshot.
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

// names are those of files in a table, sorted, with the ids of their vectors.
func names(folder string, files []lake.File) []string {
	names := []string{}
	for _, file := range files {
		name := strings.TrimPrefix(file.URI, folder+"/")
		if file.Deletes != nil {
			name += fmt.Sprintf(" -%d@%d", file.Deletes.Cardinality, file.Deletes.Offset)
		}
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// openAt is a snapshot, with its files or the failure of either.
func openAt(t testing.TB, folder string, at delta.Version) (*lake.Snapshot, []string, error) {
	t.Helper()
	snapshot, err := delta.Open(t.Context(), folder, at, parquetread.ReadColumns)
	if err != nil {
		return nil, nil, err
	}
	var files []lake.File
	err = snapshot.Files(t.Context(), nil, func(file lake.File) error {
		files = append(files, file)
		return nil
	})
	return snapshot, names(folder, files), err
}

// failureOf is err as people see it.
func failureOf(t testing.TB, err error) *failure.Error {
	t.Helper()
	var failed *failure.Error
	require.True(t, errors.As(err, &failed), "%v", err)
	require.Equal(t, failure.Source, failed.Kind)
	return failed
}
