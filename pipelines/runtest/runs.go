package runtest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/internal/storage"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/staging"
	"hyperlake/runners"
	"hyperlake/runners/engine"
	"hyperlake/transforms/parquetread"
)

// RequireSame runs a configuration with both engines, and checks that extracts, rejects and
// accounts are the same. It returns the plan in which hyperd reads what it can.
func RequireSame(t *testing.T, config string) *plan.TablePlan {
	t.Helper()
	reports, outputs, rejects := map[string]*report.Report{}, map[string]string{}, map[string][]string{}
	var plan *plan.TablePlan
	for _, engine := range []string{"auto", "go"} {
		folder := t.TempDir()
		cfg := Configure(t, folder, config+"validate: {engine: "+engine+"}\n")
		table := PlanOf(t, cfg)
		if engine == "auto" {
			plan = table
		} else {
			require.Zero(t, table.Deferred)
		}
		report, err := Run(t, t.Context(), cfg, nil)
		require.NoError(t, err, engine)
		reports[engine], outputs[engine] = report, cfg.Output.Path
		if cfg.Tables[0].Rejects.Path != "" {
			rejects[engine] = RejectRows(t, cfg.Tables[0].Rejects.Path)
		}
	}
	a, b := reports["auto"].Tables[0], reports["go"].Tables[0]
	assert.Equal(t,
		[]int64{b.RowsRead, b.RowsFiltered, b.RowsRejected, b.RowsLoaded},
		[]int64{a.RowsRead, a.RowsFiltered, a.RowsRejected, a.RowsLoaded})
	assert.Equal(t, b.Rules, a.Rules)
	assert.ElementsMatch(t, rejects["go"], rejects["auto"])
	assert.True(t, slices.Equal(ContentsOf(t, outputs["go"]), ContentsOf(t, outputs["auto"])), "the extracts differ")
	return plan
}

// ContentsOf is all rows of an extract, sorted.
func ContentsOf(t *testing.T, path string) []string {
	rows := RowsIn(t, path, `SELECT * FROM x."Extract"."Extract"`)
	slices.Sort(rows)
	return rows
}

// RowsIn reads a table of an extract, sorted by its text form.
func RowsIn(t *testing.T, path, sql string) []string {
	t.Helper()
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	require.NoError(t, conn.AttachReadOnly(t.Context(), path, "x")) // as whoever has read it just now may still have it
	var rows []string
	err := conn.Query(t.Context(), sql, func(_ []hyperd.Field, values [][]byte) error {
		var cells []string
		for _, value := range values {
			if value == nil {
				cells = append(cells, "NULL")
			} else {
				cells = append(cells, string(value))
			}
		}
		rows = append(rows, strings.Join(cells, "|"))
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, conn.Detach(t.Context(), "x"))
	return rows
}

// WriteExtract makes a .hyper file with the table Extract.Extract (id, name) of what a query returns, in place
// of what stands there.
func WriteExtract(t *testing.T, path, query string) {
	t.Helper()
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	_ = os.Remove(path) // there may be none
	for _, statement := range []string{
		"CREATE DATABASE " + hyperd.QuoteName(path), "ATTACH DATABASE " + hyperd.QuoteName(path) + ` AS "made"`,
		`CREATE SCHEMA "made"."Extract"`, `CREATE TABLE "made"."Extract"."Extract" ("id" BIGINT, "name" TEXT)`,
		`INSERT INTO "made"."Extract"."Extract" ` + query, `DETACH DATABASE "made"`,
	} {
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}

// PlanOf is the plan of the first table of a configuration.
func PlanOf(t *testing.T, cfg *config.Config) *plan.TablePlan {
	t.Helper()
	plan, err := pipelines.MakePlan(t.Context(), cfg)
	require.NoError(t, err)
	return plan.Tables[0]
}

// ExtractRows are all rows of an extract of one table, for [RowsIn].
const ExtractRows = `SELECT * FROM x."Extract"."Extract" ORDER BY 1`

// RejectRows reads the reject files of a folder, as one JSON object a row, sorted by _row.
func RejectRows(t *testing.T, folder string) []string {
	t.Helper()
	store, err := storage.For(folder)
	require.NoError(t, err)
	files, err := store.Glob(t.Context(), storage.Join(folder, "*"))
	require.NoError(t, err)
	var rows []string
	for _, info := range files {
		footer, err := parquetread.ReadFooter(t.Context(), info)
		require.NoError(t, err)
		shard := parquetread.Shard{Files: []parquetread.FileRef{{Info: info, RowGroups: footer.RowGroups}}}
		table := parquetread.Projection{Schema: batch.Schema{Schema: footer.Schema}}
		require.NoError(t, parquetread.ReadShard(t.Context(), shard, table, func(b batch.Batch) error {
			these, err := rowsOf(b.Record)
			rows = append(rows, these...)
			return err
		}))
	}
	slices.SortFunc(rows, func(a, b string) int { // by _row
		return cmp.Compare(a[strings.Index(a, `"_row":`):], b[strings.Index(b, `"_row":`):])
	})
	return rows
}

// rowsOf is every row of a record as a JSON object, with its names in the order of the alphabet.
func rowsOf(record arrow.Record) ([]string, error) {
	columns := map[string][]json.RawMessage{}
	for c, column := range record.Columns() {
		text, err := json.Marshal(column)
		if err != nil {
			return nil, err
		}
		var values []json.RawMessage
		if err := json.Unmarshal(text, &values); err != nil {
			return nil, err
		}
		name, err := json.Marshal(record.ColumnName(c))
		if err != nil {
			return nil, err
		}
		columns[string(name)] = values
	}
	names := slices.Sorted(maps.Keys(columns))
	rows := make([]string, record.NumRows())
	for i := range rows {
		var row []string
		for _, name := range names {
			row = append(row, name+":"+string(columns[name][i]))
		}
		rows[i] = "{" + strings.Join(row, ",") + "}"
	}
	return rows, nil
}

// Fetched returns a local path of a file, or of a copy of it.
func Fetched(t *testing.T, uri string) string {
	t.Helper()
	path, err := storage.Fetch(t.Context(), uri, filepath.Join(t.TempDir(), "fetched.hyper"))
	require.NoError(t, err)
	return path
}

// UploadLake copies the sample lake to a bucket.
func UploadLake(t *testing.T, bucket string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(SampleLake(t), "*", "*.parquet"))
	require.NoError(t, err)
	require.Len(t, files, 4)
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file)) + "/" + filepath.Base(file)
		_, err := storage.Upload(t.Context(), file, storage.Join(bucket, "lake", name), storage.Any())
		require.NoError(t, err)
	}
}

// RemoteConfig is the sample on remote storage, wherever what stands.
func RemoteConfig(lake, output, staging string, workers int) string {
	config := fmt.Sprintf(`
name: tpch
output: {path: %q}
runner: {parallelism: %d}
tables:
  - name: lineitem
    source: {uri: %q, where: "l_shipdate >= date('1995-01-01')"}
    rules: [{column: l_quantity, max: 40}]
`, output, workers, lake+"/lineitem/*.parquet")
	if staging != "" {
		config += fmt.Sprintf("staging: %q\n", staging)
	}
	return config
}

// SampleLake is the lake of the repository.
func SampleLake(t *testing.T) string {
	folder, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return filepath.Join(folder, "testdata", "lake")
		}
		require.NotEqual(t, filepath.Dir(folder), folder, "the test does not run in the repository")
		folder = filepath.Dir(folder)
	}
}

// Configure writes a configuration and loads it. %LAKE% stands for the sample lake.
func Configure(t *testing.T, folder, yaml string) *config.Config {
	return ConfigureOn(t, "", folder, yaml)
}

// ConfigureOn is [Configure] for a run of a date; empty for today.
func ConfigureOn(t *testing.T, date, folder, yaml string) *config.Config {
	path := filepath.Join(folder, "config.yaml")
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(yaml, "%LAKE%", SampleLake(t))), 0o644))
	cfg, err := config.Load(path, config.LoadOptions{Date: date})
	require.NoError(t, err)
	return cfg
}

// Direct is the real engine; Before, if set, is called when the plan is made and the
// pipeline is about to run.
type Direct struct {
	*runners.Runner
	Before func()
}

// Run is that of the engine.
func (d Direct) Run(ctx context.Context, job engine.Job) error {
	if d.Before != nil {
		d.Before()
	}
	return d.Runner.Run(ctx, job)
}

// Run runs a configuration on the engine in this process; before, if not nil, is called when the plan is
// made.
//
//nolint:revive // t first, as everywhere in tests
func Run(t *testing.T, ctx context.Context, cfg *config.Config, before func()) (*report.Report, error) {
	return Reload(t, ctx, cfg, "", before)
}

// Reload is [Run] that loads some units in any case.
//
//nolint:revive // t first, as everywhere in tests
func Reload(t *testing.T, ctx context.Context, cfg *config.Config, reload string, before func()) (*report.Report, error) {
	job, err := staging.NewRunID()
	require.NoError(t, err)
	runner, err := runners.New(runners.Options{Name: "direct", JobName: job})
	require.NoError(t, err)
	return ReloadOn(t, ctx, cfg, Direct{runner, before}, reload)
}

// ReloadOn is [Reload] on another engine.
//
//nolint:revive // t first, as everywhere in tests
func ReloadOn(t *testing.T, ctx context.Context, cfg *config.Config, on engine.Engine, reload string) (*report.Report, error) {
	id, err := staging.NewRunID()
	require.NoError(t, err)
	return pipelines.Run(ctx, cfg, pipelines.RunOptions{
		ID:     id,
		Engine: on,
		Log:    slog.New(slog.DiscardHandler),
		Reload: reload,

		PublishPause: hurry,
	})
}

// hurry waits a tenth of what a service would be given to recover: the faults of tests have passed by then, and jobs are over soon.
func hurry(ctx context.Context, wanted time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wanted / 10):
		return nil
	}
}

// Query runs a query of one value on an extract.
func Query(t *testing.T, path, sql string) string {
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	require.NoError(t, conn.AttachReadOnly(t.Context(), path, "x")) // as whoever has read it just now may still have it
	value, err := conn.QueryValue(t.Context(), sql)
	require.NoError(t, err)
	require.NoError(t, conn.Detach(t.Context(), "x"))
	return value
}

// isState says whether a name is that of a state, in which every run that began leaves its report.
func isState(name string) bool { return strings.HasSuffix(name, ".hyperlake") }

// WithoutStates leaves out the files of states.
func WithoutStates(uris []string) []string {
	return slices.DeleteFunc(slices.Clone(uris), func(uri string) bool { return strings.Contains(uri, ".hyperlake/runs/") })
}

// RequireOnly checks that a folder holds these names and nothing else but states, hidden or not.
func RequireOnly(t *testing.T, folder string, names ...string) {
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	var found []string
	for _, entry := range entries {
		if !isState(entry.Name()) {
			found = append(found, entry.Name())
		}
	}
	names = slices.DeleteFunc(slices.Clone(names), isState)
	require.ElementsMatch(t, names, found)
}

// SampleConfig is a configuration of all tables of the sample lake, for [Configure].
const SampleConfig = `
name: tpch
tables:
  - name: lineitem
    source: {uri: "%LAKE%/lineitem/*.parquet"}
    rules:
      - {column: l_quantity, max: 40}
      - {column: l_shipmode, in: [AIR, MAIL, RAIL, SHIP, TRUCK, FOB], on_fail: warn}
  - name: orders
    schema: other
    source: {uri: "%LAKE%/orders/*.parquet", select: [o_comment, o_orderkey]}
    rules: [{column: o_totalprice, min: "2000.50"}] # of a column that is not loaded
`

// WriteParquet writes one column of numbers, in row groups of 10.
func WriteParquet(t *testing.T, path string, values ...int64) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true}}, nil)
	builder := array.NewInt64Builder(memory.DefaultAllocator)
	builder.AppendValues(values, nil)
	record := array.NewRecord(schema, []arrow.Array{builder.NewArray()}, int64(len(values)))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	file, err := os.Create(path)
	require.NoError(t, err)
	w, err := pqarrow.NewFileWriter(schema, file, parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(10)), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	if len(values) > 0 {
		require.NoError(t, w.Write(record))
	}
	require.NoError(t, w.Close())
}

// NumbersConfig is a configuration of the files below lake.
const NumbersConfig = "name: numbers\ntables:\n  - source: {uri: lake/**/*.parquet}\n"

// Previous puts a file at the output that every failure must leave as it is.
const Previous = "what was there before"
