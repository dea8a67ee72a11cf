package pipelines_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/starter"
)

// writeBlind writes a file of rows in JSON, without statistics.
func writeBlind(t *testing.T, path string, rows string, fields ...arrow.Field) {
	t.Helper()
	schema := arrow.NewSchema(fields, nil)
	record, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(rows))
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	file, err := os.Create(path)
	require.NoError(t, err)
	w, err := pqarrow.NewFileWriter(schema, file, parquet.NewWriterProperties(parquet.WithStats(false)), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(record))
	require.NoError(t, w.Close())
}

type writer func(t *testing.T, path string, rows string, fields ...arrow.Field)

// keyedLake has the key of its outer folders in the files, too, as several programs write them.
func keyedLake(t *testing.T, write writer) string {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "lake", "k=1", "day=2026-01-01", "a.parquet"), `[{"k": 1, "id": 1}, {"k": 1, "id": 2}]`, runtest.Field("k", runtest.Int32Type), runtest.Field("id", runtest.Int64Type))
	write(t, filepath.Join(folder, "lake", "k=02", "day=2026-01-02", "b.parquet"), `[{"k": 2, "id": 3}]`, runtest.Field("k", runtest.Int32Type), runtest.Field("id", runtest.Int64Type))
	write(t, filepath.Join(folder, "lake", "k=__HIVE_DEFAULT_PARTITION__", "day=2026-01-02", "c.parquet"), `[{"k": null, "id": 4}]`, runtest.Field("k", runtest.Int32Type), runtest.Field("id", runtest.Int64Type))
	return folder
}

func TestKeysThatFilesHaveThemselves(t *testing.T) {
	for name, write := range map[string]writer{"with statistics": runtest.WriteTable, "without": writeBlind} {
		for _, more := range []string{"", "validate: {engine: go}\n", "runner: {parallelism: 3}\n"} {
			t.Run(name+" "+more, func(t *testing.T) {
				folder := keyedLake(t, write)
				cfg := runtest.Configure(t, folder, runtest.NumbersConfig+more)
				_, err := runtest.Run(t, t.Context(), cfg, nil)
				require.NoError(t, err)
				assert.Equal(t, []string{"1|1|2026-01-01", "1|2|2026-01-01", "2|3|2026-01-02", "NULL|4|2026-01-02"},
					runtest.RowsIn(t, cfg.Output.Path, `SELECT * FROM x."Extract"."Extract" ORDER BY id`))
				table := runtest.PlanOf(t, cfg)
				assert.Equal(t, []string{"day"}, table.Partitions)
				assert.Equal(t, "INTEGER", table.Columns[0].SQLType, "as the files have it")

				cfg.Tables[0].Source.Where = "k == 1"
				assert.Equal(t, name == "with statistics", runtest.PlanOf(t, cfg).Pruned.Files == 2, "nothing is left out that may be misplaced")
				report, err := runtest.Run(t, t.Context(), cfg, nil)
				require.NoError(t, err)
				assert.EqualValues(t, 2, report.Tables[0].RowsLoaded)
			})
		}
	}
}

// Where statistics prove the values, hyperd may read the files itself.
func TestProvenKeysAreDeferred(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "lake", "k=1", "a.parquet"), `[{"k": 1, "id": 1}]`, runtest.Field("k", runtest.Int32Type), runtest.Field("id", runtest.Int64Type))
	assert.Equal(t, 1, runtest.PlanOf(t, runtest.Configure(t, folder, runtest.NumbersConfig)).Deferred)
	writeBlind(t, filepath.Join(folder, "lake", "k=2", "b.parquet"), `[{"k": 2, "id": 2}]`, runtest.Field("k", runtest.Int32Type), runtest.Field("id", runtest.Int64Type))
	table := runtest.PlanOf(t, runtest.Configure(t, folder, runtest.NumbersConfig))
	assert.Equal(t, 1, table.Deferred)
	require.Len(t, table.Materialised, 1)
	assert.Contains(t, table.Materialised[0], "column k is in the names of folders, too")
	table = runtest.PlanOf(t, runtest.Configure(t, folder, strings.ReplaceAll(runtest.NumbersConfig, "parquet}", "parquet, select: [id]}")))
	assert.NotContains(t, strings.Join(table.Materialised, "\n"), "column k", "who does not load it need not care")
}

func TestKeysThatDiffer(t *testing.T) {
	text, date := runtest.TextType, arrow.FixedWidthTypes.Date32
	cases := map[string]struct {
		path, rows string
		of         arrow.DataType
		has, says  string
		early      bool // also where there are statistics
	}{
		"another number":   {"k=1", `[{"k": 2}, {"k": 2}]`, runtest.Int32Type, "2", "1", true},
		"one row of many":  {"k=1", `[{"k": 1}, {"k": 1}, {"k": 2}]`, runtest.Int32Type, "2", "1", true}, // in a row group of its own
		"one row of two":   {"k=1", `[{"k": 1}, {"k": 2}]`, runtest.Int32Type, "2", "1", false},
		"a NULL":           {"k=1", `[{"k": 1}, {"k": null}]`, runtest.Int32Type, "NULL", "1", true},
		"no NULL":          {"k=__HIVE_DEFAULT_PARTITION__", `[{"k": null}, {"k": 7}]`, runtest.Int32Type, "7", "NULL", true},
		"another text":     {"k=A", `[{"k": "a"}]`, text, "a", "A", true},
		"text with a zero": {"k=05", `[{"k": "5"}]`, text, "5", "05", true},
		"empty text":       {"k=__HIVE_DEFAULT_PARTITION__", `[{"k": ""}]`, text, `column "k"`, "NULL", true},
		"another day":      {"k=2026-01-02", `[{"k": "2026-01-03"}]`, date, "2026-01-03", "2026-01-02", true},
		"a float":          {"k=1.5", `[{"k": 2.5}]`, arrow.PrimitiveTypes.Float64, "2.5", "1.5", false},
		"a boolean":        {"k=true", `[{"k": true}, {"k": false}]`, arrow.FixedWidthTypes.Boolean, "false", "true", false},
	}
	for name, c := range cases {
		for writes, write := range map[string]writer{"with statistics": runtest.WriteTable, "without": writeBlind} {
			t.Run(name+" "+writes, func(t *testing.T) {
				folder := t.TempDir()
				path := filepath.Join(folder, "lake", c.path, "f.parquet")
				write(t, path, c.rows, runtest.Field("k", c.of))
				cfg := runtest.Configure(t, folder, runtest.NumbersConfig)
				require.NoError(t, os.WriteFile(cfg.Output.Path, []byte("as before"), 0o600))
				_, err := runtest.Run(t, t.Context(), cfg, nil)
				require.ErrorContains(t, err, "file "+path)
				require.ErrorContains(t, err, `column "k"`)
				require.ErrorContains(t, err, c.has)
				require.ErrorContains(t, err, "the name of the folder says "+c.says)
				known := failure.Of(err, failure.Engine)
				assert.Contains(t, known.Hint, "partitions: none")
				if c.early && writes == "with statistics" {
					assert.True(t, known.Early)
				} else {
					assert.Equal(t, failure.Data, known.Kind)
					assert.False(t, known.Early)
				}
				data, err := os.ReadFile(cfg.Output.Path)
				require.NoError(t, err)
				assert.Equal(t, "as before", string(data))

				cfg.Tables[0].Source.Partitions = config.PartitionsNone
				_, err = runtest.Run(t, t.Context(), cfg, nil)
				require.NoError(t, err)
			})
		}
	}
}

func TestKeysThatCannotBeTheSame(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		path, rows string
		of         arrow.DataType
		says       string
	}{
		"no number":    {"k=one", `[{"k": 1}]`, runtest.Int32Type, "a column of type int32, but the name of the folder says one"},
		"a list":       {"k=1", `[{"k": [1]}]`, arrow.ListOf(runtest.Int32Type), "its values cannot be compared with names"},
		"out of range": {"k=300", `[{"k": 1}]`, arrow.PrimitiveTypes.Int8, "a column of type int8, but the name of the folder says 300"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			runtest.WriteTable(t, filepath.Join(folder, "lake", c.path, "f.parquet"), c.rows, runtest.Field("k", c.of))
			cfg := runtest.Configure(t, folder, runtest.NumbersConfig)
			cfg.Tables[0].Source.Nested = "json"
			_, err := pipelines.MakePlan(t.Context(), cfg)
			requireEarly(t, err, c.says, "partitions: none")
			_, err = starter.Write(t.Context(), filepath.Join(folder, "lake"), folder, config.FormatAuto)
			requireEarly(t, err, c.says)
		})
	}
}

// Some files have the column, others only the folder.
func TestKeysThatSomeFilesHaveThemselves(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	utc := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	lake := filepath.Join(folder, "lake")
	runtest.WriteTable(t, filepath.Join(lake, "k=2026-01-01 00%3A00%3A00", "a.parquet"), `[{"id": 1, "k": "2026-01-01 00:00:00"}]`, runtest.Field("id", runtest.Int64Type), runtest.Field("k", utc))
	runtest.WriteTable(t, filepath.Join(lake, "k=2026-01-02 12%3A30%3A00", "b.parquet"), `[{"id": 2}, {"id": 3}, {"id": 4}]`, runtest.Field("id", runtest.Int64Type))
	runtest.WriteTable(t, filepath.Join(lake, "c.parquet"), `[{"id": 5, "k": "2026-01-03 00:00:00"}]`, runtest.Field("id", runtest.Int64Type), runtest.Field("k", utc))
	_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, runtest.NumbersConfig))
	requireEarly(t, err, `"k" is a key in the folders of`)

	const union = "name: numbers\ntables:\n  - source: {uri: lake/**/*.parquet, on_drift: union%}\n"
	cfg := runtest.Configure(t, folder, strings.ReplaceAll(union, "%", ""))
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"1|2026-01-01 00:00:00+00", "2|2026-01-02 12:30:00+00", "3|2026-01-02 12:30:00+00", "4|2026-01-02 12:30:00+00", "5|2026-01-03 00:00:00+00"},
		runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows))
	assert.Contains(t, strings.Join(runtest.PlanOf(t, cfg).Drift, "\n"), "taken from the names of folders where it is missing")

	cfg = runtest.Configure(t, folder, strings.ReplaceAll(union, "%", `, where: "k >= timestamp('2026-01-02T00:00:00Z') && k < timestamp('2026-01-03T00:00:00Z')"`))
	assert.EqualValues(t, 2, runtest.PlanOf(t, cfg).Pruned.Files, "the folder says what the file lacks")
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 3, report.Tables[0].RowsLoaded)
}

// Renames, types, defaults and rules are about the one column that there is.
func TestKeysThatFilesHaveThemselvesWithEverything(t *testing.T) {
	t.Parallel()
	for _, write := range []writer{runtest.WriteTable, writeBlind} {
		folder := keyedLake(t, write)
		cfg := runtest.Configure(t, folder, runtest.NumbersConfig+`    columns: {k: {rename: key, type: text, default: "none"}, day: {type: text}}
    rules: [{column: id, max: 3}]
    rejects: {path: bad}
    repartition: {by: [k], shards: 2, sort: [id]}
`)
		report, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"1|1|2026-01-01", "1|2|2026-01-01", "2|3|2026-01-02"}, runtest.RowsIn(t, cfg.Output.Path, `SELECT * FROM x."Extract"."Extract" ORDER BY id`))
		assert.EqualValues(t, 1, report.Tables[0].RowsRejected)
		assert.Len(t, runtest.RejectRows(t, filepath.Join(folder, "bad")), 1)

		cfg = runtest.Configure(t, folder, runtest.NumbersConfig+"    repartition: {range: k, shards: 2}\n")
		_, err = runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
	}
}

// inspect lists the column once.
func TestPartitionColumnsBesideThoseOfFiles(t *testing.T) {
	t.Parallel()
	text, err := starter.Write(t.Context(), filepath.Join(keyedLake(t, runtest.WriteTable), "lake"), t.TempDir(), config.FormatAuto)
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(text, "    #   k "), text)
}
