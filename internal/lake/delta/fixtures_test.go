package delta_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/lake"
	"hyperlake/internal/lake/delta"
	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread"
)

// said is what independent readers say of a version of a table; testdata/README.md says how it came about.
type said struct {
	Version int64 `json:"version"`
	Columns []struct {
		Name     string          `json:"name"`
		Type     json.RawMessage `json:"type"`
		Nullable bool            `json:"nullable"`
	} `json:"columns"`
	Partition []string `json:"partition"`
	Files     []struct {
		Path      string             `json:"path"`
		Size      int64              `json:"size"`
		Partition map[string]*string `json:"partitionValues"`
		Deleted   int64              `json:"deleted"`
		Rows      *int64             `json:"rows"` // nil where Spark does not know
	} `json:"files"`
	Rows  int64    `json:"rows"`
	Keys  []string `json:"keys"` // all values of the first column, sorted as texts; of many, the hash
	Delta struct {
		Keys    []string `json:"keys"`
		Refuses string   `json:"refuses"`
	} `json:"delta_rs"`
}

// fixture copies a table out of testdata, to where its absolute paths lead.
func fixture(t testing.TB, name string) (folder string, versions []said) {
	t.Helper()
	root := t.TempDir()
	for _, table := range []string{name, name + "_source"} {
		from := filepath.Join("testdata", table)
		if _, err := os.Stat(from); table != name && os.IsNotExist(err) {
			continue
		}
		require.NoError(t, os.CopyFS(filepath.Join(root, table), os.DirFS(from)))
		logs, err := filepath.Glob(filepath.Join(root, table, "_delta_log", "*.json"))
		require.NoError(t, err)
		for _, log := range logs {
			text, err := os.ReadFile(log)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(log, []byte(strings.ReplaceAll(string(text), "SOURCE", root)), 0o600))
		}
	}
	var all struct {
		Versions []said `json:"versions"`
	}
	raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(string(raw), "SOURCE", root)), &all))
	require.NotEmpty(t, all.Versions)
	return filepath.Join(root, name), all.Versions
}

// fixtures are the tables in testdata.
func fixtures(t testing.TB) []string {
	t.Helper()
	found, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	for i, path := range found {
		found[i] = strings.TrimSuffix(filepath.Base(path), ".json")
	}
	require.NotEmpty(t, found)
	return found
}

func TestWhatIndependentReadersSay(t *testing.T) {
	t.Parallel()
	for _, name := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder, versions := fixture(t, name)
			for _, want := range versions {
				snapshot, err := delta.Open(t.Context(), folder, delta.Number(want.Version), parquetread.ReadColumns)
				require.NoError(t, err, "version %d", want.Version)
				requireColumns(t, want, snapshot)
				files := filesOf(t, snapshot)
				requireFiles(t, want, folder, snapshot, files)
				keys := keysOf(t, snapshot, files)
				assert.Len(t, keys, int(want.Rows))
				if len(keys) >= 1000 {
					keys = []string{fmt.Sprintf("sha256 %x", sha256.Sum256([]byte(strings.Join(keys, "\n")+"\n")))}
				}
				assert.Equal(t, want.Keys, keys, "version %d", want.Version)
				if want.Delta.Refuses == "" {
					assert.Equal(t, want.Delta.Keys, keys, "version %d", want.Version)
				}
			}
			latest, err := delta.Open(t.Context(), folder, delta.Latest(), parquetread.ReadColumns)
			require.NoError(t, err)
			assert.Equal(t, fmt.Sprint(versions[len(versions)-1].Version), latest.Version)
		})
	}
}

// TestPartitionValuesAsColumns reads a checkpoint that has partition values as columns only.
func TestPartitionValuesAsColumns(t *testing.T) {
	t.Parallel()
	folder, versions := fixture(t, "partition_types")
	seen := 0
	read := func(ctx context.Context, info storage.Info, columns []string, emit func(arrow.Record) error) error {
		return parquetread.ReadColumns(ctx, info, columns, func(record arrow.Record) error {
			if columns[0] != "add" {
				return emit(record)
			}
			seen++
			add := record.Column(0).(*array.Struct)
			data := add.Data()
			var fields []arrow.Field
			var children []arrow.ArrayData
			for i, field := range add.DataType().(*arrow.StructType).Fields() {
				if field.Name != "partitionValues" {
					fields, children = append(fields, field), append(children, data.Children()[i])
				}
			}
			without := array.NewData(arrow.StructOf(fields...), data.Len(), data.Buffers(), children, data.NullN(), data.Offset())
			schema := arrow.NewSchema([]arrow.Field{{Name: "add", Type: without.DataType(), Nullable: true}}, nil)
			return emit(array.NewRecord(schema, []arrow.Array{array.NewStructData(without)}, record.NumRows()))
		})
	}
	snapshot, err := delta.Open(t.Context(), folder, delta.Latest(), read)
	require.NoError(t, err)
	files := filesOf(t, snapshot)
	assert.Positive(t, seen)
	requireFiles(t, versions[len(versions)-1], folder, snapshot, files)
}

// requireFiles compares the files with those of Spark's replay of the log.
func requireFiles(t *testing.T, want said, folder string, snapshot *lake.Snapshot, files []lake.File) {
	t.Helper()
	var found, wanted []string
	unknown := map[string]bool{}
	for _, file := range want.Files {
		path, err := url.PathUnescape(strings.TrimPrefix(file.Path, "file:"))
		require.NoError(t, err)
		if !strings.HasPrefix(path, "/") {
			path = folder + "/" + path
		}
		var values []string
		for _, column := range snapshot.Columns {
			if value := file.Partition[column.Stored]; column.Partition {
				values = append(values, textOf(value))
			}
		}
		if unknown[path] = file.Rows == nil; unknown[path] {
			wanted = append(wanted, fmt.Sprint(path, file.Size, values, file.Deleted))
			continue
		}
		wanted = append(wanted, fmt.Sprint(path, file.Size, values, file.Deleted, *file.Rows))
	}
	for _, file := range files {
		var values []string
		for _, value := range file.Partition {
			values = append(values, textOf(value))
		}
		deleted := int64(0)
		if file.Deletes != nil {
			deleted = file.Deletes.Cardinality
		}
		if unknown[file.URI] {
			found = append(found, fmt.Sprint(file.URI, file.Size, values, deleted))
			continue
		}
		found = append(found, fmt.Sprint(file.URI, file.Size, values, deleted, file.Rows))
	}
	sort.Strings(found)
	sort.Strings(wanted)
	assert.Equal(t, wanted, found, "version %d", want.Version)
}

func textOf(value *string) string {
	if value == nil {
		return "NULL"
	}
	return fmt.Sprintf("%q", *value)
}

// keysOf are the values of the first column in the rows that are left, as texts.
func keysOf(t *testing.T, snapshot *lake.Snapshot, files []lake.File) []string {
	t.Helper()
	keys := []string{}
	for _, file := range files {
		rows := columnOf(t, file, snapshot.Columns[0])
		deleted := map[uint64]bool{}
		if file.Deletes != nil {
			set, err := file.Deletes.Read(t.Context())
			require.NoError(t, err)
			for _, row := range set.ToArray() {
				deleted[row] = true
			}
		}
		for row := range rows.Len() {
			if !deleted[uint64(row)] {
				keys = append(keys, rows.ValueStr(row))
			}
		}
	}
	sort.Strings(keys)
	return keys
}

// columnOf are the values of a column in a file, in the type of the table.
func columnOf(t *testing.T, file lake.File, column lake.Column) arrow.Array {
	t.Helper()
	info, err := storage.Stat(t.Context(), file.URI)
	require.NoError(t, err)
	require.Equal(t, file.Size, info.Size)
	footer, err := parquetread.ReadFooter(t.Context(), info)
	require.NoError(t, err)
	at := footer.Schema.FieldIndices(column.Stored)
	require.Len(t, at, 1)
	field := footer.Schema.Field(at[0])
	var pieces []arrow.Array
	shard := parquetread.Shard{Files: []parquetread.FileRef{{Info: info, RowGroups: footer.RowGroups}}}
	table := parquetread.Projection{Schema: batch.Schema{Schema: arrow.NewSchema([]arrow.Field{field}, nil)}}
	require.NoError(t, parquetread.ReadShard(t.Context(), shard, table, func(b batch.Batch) error {
		pieces = append(pieces, b.Record.Column(0))
		return nil
	}))
	all, err := array.Concatenate(pieces, memory.DefaultAllocator)
	require.NoError(t, err)
	return all
}
