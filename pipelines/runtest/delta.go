package runtest

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// WriteDeltaLog writes a commit of a Delta Lake table: its actions, in JSON.
func WriteDeltaLog(t *testing.T, table string, version int, actions ...string) {
	t.Helper()
	path := filepath.Join(table, "_delta_log", fmt.Sprintf("%020d.json", version))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(actions, "\n")+"\n"), 0o600))
}

// DeltaTable is what begins a table of columns, given as in "id integer, day date", some of which it is partitioned by.
func DeltaTable(columns string, partitions ...string) string {
	var fields []string
	for column := range strings.SplitSeq(columns, ", ") {
		name, kind, _ := strings.Cut(column, " ")
		fields = append(fields, fmt.Sprintf(`{"name":%q,"type":%q,"nullable":true,"metadata":{}}`, name, kind))
	}
	for i, name := range partitions {
		partitions[i] = fmt.Sprintf("%q", name)
	}
	schema := fmt.Sprintf(`{"type":"struct","fields":[%s]}`, strings.Join(fields, ","))
	return `{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}` + "\n" + fmt.Sprintf(
		`{"metaData":{"id":"t","format":{"provider":"parquet","options":{}},"schemaString":%q,"partitionColumns":[%s],"configuration":{}}}`,
		schema, strings.Join(partitions, ","))
}

// DeltaAdd adds a file to a table, by its path in the table's folder. values are its partition values, in JSON, and stats what is
// said of it, too; empty if nothing is.
func DeltaAdd(t *testing.T, table, path, values, stats string) string {
	t.Helper()
	stat, err := os.Stat(filepath.Join(table, path))
	require.NoError(t, err)
	encoded := (&url.URL{Path: path}).EscapedPath()
	return fmt.Sprintf(`{"add":{"path":%q,"partitionValues":{%s},"size":%d,"modificationTime":1700000000000,"dataChange":true,"stats":%q}}`,
		encoded, values, stat.Size(), stats)
}

// DeltaRemove removes a file from a table.
func DeltaRemove(path string) string {
	encoded := (&url.URL{Path: path}).EscapedPath()
	return fmt.Sprintf(`{"remove":{"path":%q,"deletionTimestamp":1700000000000,"dataChange":true}}`, encoded)
}
