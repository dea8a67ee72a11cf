package pipelines_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/runtest"
	"hyperlake/transforms/parquetread"
)

func configureTable(t *testing.T, table, keys, engine string) *config.Config {
	t.Helper()
	text := fmt.Sprintf("name: x\non_empty: allow\nvalidate: {engine: %s}\ntables: [{source: {uri: %s, %s}}]\n", engine, table, keys)
	return runtest.Configure(t, t.TempDir(), text)
}

// deltaOfDays is a table of ids, with a file for each of some days, which says its least and greatest.
func deltaOfDays(t *testing.T, days int) (folder, table string) {
	t.Helper()
	folder = t.TempDir()
	table = filepath.Join(folder, "lake")
	actions := []string{runtest.DeltaTable("id integer, day long", "day")}
	for day := 1; day <= days; day++ {
		path := fmt.Sprintf("day=%d/a.parquet", day)
		ids(t, filepath.Join(table, path), 10*day+1, 10*day+2)
		actions = append(actions, runtest.DeltaAdd(t, table, path, fmt.Sprintf(`"day":"%d"`, day), fmt.Sprintf(
			`{"numRecords":2,"minValues":{"id":%d},"maxValues":{"id":%d},"nullCount":{"id":0}}`, 10*day+1, 10*day+2)))
	}
	runtest.WriteDeltaLog(t, table, 0, actions...)
	return folder, table
}

// Files that a condition leaves out, by what the table says of them, are not even opened.
func TestDeltaFilesArePruned(t *testing.T) {
	t.Parallel()
	folder, table := deltaOfDays(t, 4)
	for _, day := range []int{1, 3, 4} {
		require.NoError(t, os.Remove(filepath.Join(table, fmt.Sprintf("day=%d/a.parquet", day))))
	}
	for _, where := range []string{"day == 2", "id >= 21 && id < 30", "day > 1 && id < 31"} {
		cfg := runtest.Configure(t, folder, fmt.Sprintf("name: x\ntables: [{source: {uri: lake, where: %q}}]\n", where))
		report, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err, where)
		assert.Equal(t, []string{"21|2", "22|2"}, runtest.RowsIn(t, cfg.Output.Path, `SELECT id, day FROM x."Extract"."Extract" ORDER BY 1`))
		account := report.Tables[0]
		assert.EqualValues(t, 8, account.RowsInFiles, where)
		assert.EqualValues(t, 6, account.RowsPruned, where)
		assert.EqualValues(t, 4, account.Files, where)
	}
	cfg := runtest.Configure(t, folder, "name: x\ntables: [{source: {uri: lake}}]\n")
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.Error(t, err)
	gone := failure.Of(err, failure.Engine)
	assert.Equal(t, failure.Source, gone.Kind)
	assert.False(t, gone.Early)
	assert.Contains(t, gone.Message, "/a.parquet: no such file")
	assert.Contains(t, gone.Hint, "VACUUM")
}

// A file that is not the one of the table is not read as if it were.
func TestDeltaFileThatWasReplaced(t *testing.T) {
	t.Parallel()
	folder, table := deltaOfDays(t, 2)
	ids(t, filepath.Join(table, "day=2/a.parquet"), 1, 2, 3)
	_, err := runtest.Run(t, t.Context(), runtest.Configure(t, folder, "name: x\ntables: [{source: {uri: lake}}]\n"), nil)
	require.ErrorContains(t, err, "has 3 rows, but the table")
}

func TestDeltaTableWithoutFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	runtest.WriteDeltaLog(t, filepath.Join(folder, "lake"), 0, runtest.DeltaTable("id integer, name string"))
	config := "name: x\ntables: [{source: {uri: lake}}]\n"
	_, err := runtest.Run(t, t.Context(), runtest.Configure(t, folder, config), nil)
	requireEarly(t, err, "has no files at version 0", "on_empty: allow")
	cfg := runtest.Configure(t, folder, "on_empty: allow\n"+config)
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"0"}, runtest.RowsIn(t, cfg.Output.Path, `SELECT count("id") + count("name") FROM x."Extract"."Extract"`))
}

// Rejects of files of which rows are deleted tell where they are in the file.
func TestRejectsAmongDeletedRows(t *testing.T) {
	t.Parallel()
	table, err := filepath.Abs(filepath.Join(deltaFixtures, "vectors"))
	require.NoError(t, err)
	folder := t.TempDir()
	cfg := runtest.Configure(t, folder, fmt.Sprintf(
		"name: x\ntables:\n  - source: {uri: %s}\n    rules: [{column: id, max: 50}]\n    rejects: {path: rejects}\n", table))
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	account := report.Tables[0]
	assert.Positive(t, account.RowsDeleted)
	assert.Equal(t, account.RowsRead, account.RowsLoaded+account.RowsRejected)
	require.Positive(t, account.RowsRejected)
	rejected := runtest.RejectRows(t, filepath.Join(folder, "rejects"))
	require.Len(t, rejected, int(account.RowsRejected))
	for _, text := range rejected {
		var row struct {
			Key  json.Number `json:"id"`
			File string      `json:"_file"`
			Row  int         `json:"_row"`
		}
		require.NoError(t, json.Unmarshal([]byte(text), &row))
		assert.Equal(t, valuesIn(t, row.File, "id")[row.Row], row.Key.String(), text)
	}
}

// valuesIn are the values that a file has of a column, deleted ones included.
func valuesIn(t *testing.T, file, column string) (values []string) {
	t.Helper()
	info, err := storage.Stat(t.Context(), file)
	require.NoError(t, err)
	require.NoError(t, parquetread.ReadColumns(t.Context(), info, []string{column}, func(record arrow.Record) error {
		for row := range int(record.NumRows()) {
			values = append(values, record.Column(0).ValueStr(row))
		}
		return nil
	}))
	return values
}

// Tables on a store are read as local ones are, with their deletion vectors and position deletes.
func TestTablesInABucket(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	for table, fixtures := range map[string]string{"vectors": deltaFixtures, "positions": icebergFixtures} {
		root := filepath.Join(fixtures, table)
		require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			inside, err := filepath.Rel(root, path)
			if err == nil {
				_, err = storage.Upload(t.Context(), path, storage.Join(bucket, table, filepath.ToSlash(inside)), storage.Any())
			}
			return err
		}))
		cells := func(uri string) ([]string, int64) {
			cfg := configureTable(t, uri, "nested: json", "auto")
			report, err := runtest.Run(t, t.Context(), cfg, nil)
			require.NoError(t, err, uri)
			rows := runtest.RowsIn(t, cfg.Output.Path, `SELECT * FROM x."Extract"."Extract"`)
			sort.Strings(rows)
			return rows, report.Tables[0].RowsDeleted
		}
		local, err := filepath.Abs(root)
		require.NoError(t, err)
		want, deleted := cells(local)
		require.Positive(t, deleted, table)
		got, also := cells(storage.Join(bucket, table))
		assert.Equal(t, want, got, table)
		assert.Equal(t, deleted, also, table)
	}
}

// A metadata file stands for the table as it was then.
func TestMetadataFileIsATable(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(icebergFixtures, "positions", "metadata", "*.metadata.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		place, err := filepath.Abs(file)
		require.NoError(t, err)
		plan := runtest.PlanOf(t, configureTable(t, place, "nested: json", "auto"))
		require.NotNil(t, plan.Source, file)
		assert.Equal(t, "iceberg", plan.Source.Format)
	}
	_, err = pipelines.MakePlan(t.Context(), configureTable(t, strings.Replace(files[0], ".metadata.json", ".parquet", 1), "nested: json", "auto"))
	require.Error(t, err)
}

// A table of a catalog is found by its name, with a token that nothing but the catalog sees.
func TestTableOfACatalog(t *testing.T) {
	metadata, err := filepath.Abs(filepath.Join(icebergFixtures, "evolved", "metadata"))
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(metadata, "*.metadata.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	latest := slices.MaxFunc(files, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer hidden-token":
			http.Error(w, `{"error": {"message": "who is there?", "type": "NotAuthorizedException", "code": 401}}`, http.StatusUnauthorized)
		case strings.HasSuffix(r.URL.Path, "/v1/config"):
			_, _ = io.WriteString(w, `{"defaults": {}, "overrides": {}}`)
		case r.URL.Path == "/v1/namespaces/sales/tables/orders":
			_, _ = fmt.Fprintf(w, `{"metadata-location": %q}`, latest)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	text := fmt.Sprintf("name: x\ntables: [{source: {nested: json, catalog: {type: rest, uri: %q, table: sales.orders, token_env: CATALOG_TOKEN}}}]\n", server.URL)
	_, err = pipelines.MakePlan(t.Context(), runtest.Configure(t, t.TempDir(), text))
	requireEarly(t, err, "CATALOG_TOKEN", "is not set")
	t.Setenv("CATALOG_TOKEN", "wrong-token")
	_, err = pipelines.MakePlan(t.Context(), runtest.Configure(t, t.TempDir(), text))
	requireEarly(t, err, "401")
	assert.NotContains(t, err.Error(), "wrong-token")
	t.Setenv("CATALOG_TOKEN", "hidden-token")
	report, err := runtest.Run(t, t.Context(), runtest.Configure(t, t.TempDir(), text), nil)
	require.NoError(t, err)
	assert.Positive(t, report.Tables[0].RowsLoaded)
	assert.Equal(t, "iceberg", report.Tables[0].Source.Format)
	content, err := json.Marshal(report)
	require.NoError(t, err)
	assert.NotContains(t, string(content), "hidden-token")
}
