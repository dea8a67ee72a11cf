package pipelines_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/staging"
	"hyperlake/runners"
	"hyperlake/runners/engine"
)

// tenants are the values that the sales are split by; the last is NULL.
var tenants = []string{"north", "North", "a/b c", "", "ü", "NULL"}

const salesRows = 5 * 3000

// salesLake writes files of sales, in no order: id, day, amount with NaN and -0, and a tenant; all
// but the id may be NULL.
func salesLake(t *testing.T, folder string) {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: int64Type}, field("day", arrow.FixedWidthTypes.Date32), field("amount", arrow.PrimitiveTypes.Float64), field("tenant", textType),
	}, nil)
	random := rand.New(rand.NewPCG(1, 2))
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "lake"), 0o755))
	for file := range 5 {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for i := range salesRows / 5 {
			b.Field(0).(*array.Int64Builder).Append(int64(file*salesRows/5 + i))
			appendSale(b, random)
		}
		out, err := os.Create(filepath.Join(folder, "lake", fmt.Sprintf("%d.parquet", file)))
		require.NoError(t, err)
		w, err := pqarrow.NewFileWriter(schema, out, parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(1000)), pqarrow.DefaultWriterProps())
		require.NoError(t, err)
		require.NoError(t, w.Write(b.NewRecord()))
		require.NoError(t, w.Close())
	}
}

func appendSale(b *array.RecordBuilder, random *rand.Rand) {
	if day := random.IntN(400); day < 380 {
		b.Field(1).(*array.Date32Builder).Append(arrow.Date32(20_000 + day))
	} else {
		b.Field(1).AppendNull()
	}
	amounts := []float64{math.NaN(), math.Copysign(0, -1), 0, math.Inf(1), math.Inf(-1)}
	switch pick := random.IntN(100); {
	case pick < 3:
		b.Field(2).AppendNull()
	case pick < 20:
		b.Field(2).(*array.Float64Builder).Append(amounts[random.IntN(len(amounts))])
	default:
		b.Field(2).(*array.Float64Builder).Append(random.NormFloat64() * 1000)
	}
	if tenant := tenants[random.IntN(len(tenants))]; tenant == "NULL" {
		b.Field(3).AppendNull()
	} else {
		b.Field(3).(*array.StringBuilder).Append(tenant)
	}
}

const salesConfig = `
name: sales
runner: {parallelism: %d}
tables:
  - source: {uri: lake/*.parquet, where: "id >= 100"}
    columns: {day: {rename: sold}}
    rules:
      - {column: id, max: 14000}
      - {column: tenant, not_null: true, on_fail: warn}
    checks: [{sql: 'select count(*) > 0 from "Extract"."Extract"'}]
`

// sales runs the configuration with more keys of the table.
func sales(t *testing.T, folder string, workers int, more string) (*config.Config, *report.Report) {
	t.Helper()
	cfg := configure(t, folder, fmt.Sprintf(salesConfig, workers)+more)
	report, err := run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	return cfg, report
}

// scan is the values of a column of an extract as it stands, without asking for an order.
func scan(t *testing.T, path, value string) []string {
	return rowsIn(t, path, "SELECT "+value+` FROM x."Extract"."Extract"`)
}

// requireSameAccount compares the accounts of the one table of two runs.
func requireSameAccount(t *testing.T, want, got *report.Report) {
	t.Helper()
	a, b := want.Tables[0], got.Tables[0]
	require.Equal(t, []int64{a.RowsRead, a.RowsFiltered, a.RowsRejected, a.RowsLoaded}, []int64{b.RowsRead, b.RowsFiltered, b.RowsRejected, b.RowsLoaded})
	require.Equal(t, a.Rules, b.Rules)
	require.EqualValues(t, salesRows, b.RowsInFiles)
}

// requireRows compares the rows of extracts, and shows where they begin to differ. Of 0 and
// -0 hyperd keeps the one that came first into a block, so that they are taken for the same.
func requireRows(t *testing.T, want, got []string) {
	t.Helper()
	require.Len(t, got, len(want))
	zero := strings.NewReplacer("|-0|", "|0|")
	for i := range want {
		require.Equal(t, zero.Replace(want[i]), zero.Replace(got[i]), "row %d", i)
	}
}

// Wherever rows are moved, the extract has the same rows and the run the same account.
func TestRepartitionedRowsAreTheSame(t *testing.T) {
	folder := t.TempDir()
	salesLake(t, folder)
	plainCfg, plain := sales(t, folder, 1, "")
	want := contentsOf(t, plainCfg.Output.Path)
	require.Len(t, want, 13901)
	for _, moved := range []string{
		"{by: [tenant, amount], shards: 4}", "{by: [day], shards: 3, sort: [amount, id]}", "{range: sold, shards: 5}", "{range: amount, sort: [amount]}",
		"{range: tenant}", "{shards: 3}", "{shards: 1, sort: [id]}", "{sort: [tenant, day]}",
	} {
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprint(moved, workers), func(t *testing.T) {
				cfg, report := sales(t, folder, workers, "    repartition: "+moved+"\n")
				requireRows(t, want, contentsOf(t, cfg.Output.Path))
				requireSameAccount(t, plain, report)
				assert.Len(t, report.Tables[0].Checks, 1)
			})
		}
	}
	requireOnly(t, folder, "lake", "config.yaml", "sales.hyper")
}

// The rows stand in the file as they were sorted.
func TestTheOrderInTheFile(t *testing.T) {
	folder := t.TempDir()
	salesLake(t, folder)
	for _, sorted := range []string{"{range: day, sort: [day, id], shards: 6}", "{sort: [sold, id]}"} {
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprint(sorted, workers), func(t *testing.T) {
				cfg, _ := sales(t, folder, workers, "    repartition: "+sorted+"\n"+inOrder)
				want := rowsIn(t, cfg.Output.Path, `SELECT id FROM x."Extract"."Extract" ORDER BY sold NULLS LAST, id`)
				assert.LessOrEqual(t, descents(want, scan(t, cfg.Output.Path, "id")), scanJumps)
			})
		}
	}
	cfg, _ := sales(t, folder, 3, "    repartition: {by: [tenant], shards: 2, sort: [id]}\n"+inOrder)
	assert.LessOrEqual(t, idDescents(t, cfg.Output.Path), 1+scanJumps, "two shards, each sorted")
}

// inOrder has hyperd keep the order of rows inside of blocks, too, which it changes by itself
// to compress them better.
const inOrder = "hyperd: {settings: {datablock_intra_block_reorder: \"false\"}}\n"

// scanJumps is how often a scan of so few rows goes on in another place of the file: several
// threads each have a part of it.
const scanJumps = 8

// descents is how often, in what was scanned, a value is followed by one that comes before
// it in order.
func descents(order, scanned []string) int {
	rank := make(map[string]int, len(order))
	for i, value := range order {
		rank[value] = i
	}
	n := 0
	for i := range len(scanned) - 1 {
		if rank[scanned[i+1]] < rank[scanned[i]] {
			n++
		}
	}
	return n
}

// idDescents is that for the ids of an extract.
func idDescents(t *testing.T, path string) int {
	t.Helper()
	order := rowsIn(t, path, `SELECT id FROM x."Extract"."Extract" ORDER BY id`)
	return descents(order, scan(t, path, "id"))
}

// The plan says where rows go, and that rows that move pass through this program.
func TestThePlanSaysWhatMoves(t *testing.T) {
	folder := t.TempDir()
	salesLake(t, folder)
	cfg := configure(t, folder, fmt.Sprintf(salesConfig, 2)+"    repartition: {range: day, shards: 4}\n")
	plan := planOf(t, cfg)
	assert.Equal(t, []string{"4 shards by ranges of day, of about equally many rows by the statistics in the footers, to which a run adds a sample of the rows; rows go through spills on staging"}, plan.Repartition.Notes)
	assert.Zero(t, plan.Deferred)
	assert.Equal(t, []string{"repartition moves rows"}, plan.Materialised)

	cfg = configure(t, folder, fmt.Sprintf(salesConfig, 1)+"    repartition: {sort: [day]}\n")
	plan = planOf(t, cfg)
	assert.Equal(t, []string{"rows stay with who read them", "the whole table is sorted by day when the extract is made"}, plan.Repartition.Notes)
	assert.Equal(t, 5, plan.Deferred, "hyperd may read what need not be moved")

	cfg = configure(t, folder, fmt.Sprintf(strings.ReplaceAll(salesConfig, "{rename: sold}", "{type: timestamp}"), 1)+"    repartition: {range: day, shards: 9}\n")
	assert.Contains(t, planOf(t, cfg).Repartition.Notes[0], "the footers do not tell the values of day apart")
}

// spillWatch is the engine, and looks at staging after the job.
type spillWatch struct {
	*runners.Runner
	after func()
}

func (w spillWatch) Run(ctx context.Context, job engine.Job) error {
	err := w.Runner.Run(ctx, job)
	w.after()
	return err
}

// Staging may be remote. Spills are gone when the job is over, before staging goes.
func TestSpillsAreRemoved(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	folder := t.TempDir()
	salesLake(t, folder)
	plainCfg, plain := sales(t, folder, 1, "")
	want := contentsOf(t, plainCfg.Output.Path)
	for name, runFolder := range map[string]string{"local": filepath.Join(t.TempDir(), "stage"), "remote": storage.Join(bucket, "stage")} {
		t.Run(name, func(t *testing.T) {
			faults.Inject(storagetest.Fault{On: storagetest.Write, Status: 503, Times: 2})
			cfg := configure(t, folder, fmt.Sprintf(salesConfig, 3)+"    repartition: {by: [id], shards: 3}\nstaging: "+runFolder+"\n")
			id, err := staging.NewRunID()
			require.NoError(t, err)
			runner, err := runners.New(runners.Options{Name: "direct", JobName: id})
			require.NoError(t, err)
			var left []string
			report, err := pipelines.Run(t.Context(), cfg, pipelines.RunOptions{ID: id, Log: slog.New(slog.DiscardHandler), Engine: spillWatch{runner, func() {
				left = storagetest.Names(t, storage.Join(runFolder, id))
			}}})
			require.NoError(t, err)
			requireSameAccount(t, plain, report)
			assert.NotEmpty(t, left, "partials are still there")
			assert.NotContains(t, strings.Join(left, " "), "spills")
			assert.Empty(t, storagetest.Names(t, runFolder))
			requireRows(t, want, contentsOf(t, cfg.Output.Path))
		})
	}
}

// Footers do not tell where values crowd; a sample of the rows does.
func TestShardsAreEvenWhereValuesCrowd(t *testing.T) {
	folder := t.TempDir()
	random := rand.New(rand.NewPCG(5, 6))
	for file := range 4 {
		var values []int64
		for range 1000 {
			values = append(values, int64(math.Exp(20*random.Float64())))
		}
		writeParquet(t, filepath.Join(folder, "lake", fmt.Sprintf("%d.parquet", file)), values...)
	}
	cfg := configure(t, folder, numbersConfig+"    repartition: {range: n, shards: 4}\nstaging: stage\n")
	id, err := staging.NewRunID()
	require.NoError(t, err)
	runner, err := runners.New(runners.Options{Name: "direct", JobName: id})
	require.NoError(t, err)
	var rows []int
	_, err = pipelines.Run(t.Context(), cfg, pipelines.RunOptions{ID: id, Log: slog.New(slog.DiscardHandler), Engine: spillWatch{runner, func() {
		partials, err := filepath.Glob(filepath.Join(folder, "stage", id, "partials", "*.hyper"))
		require.NoError(t, err)
		for _, partial := range partials {
			n, err := strconv.Atoi(rowsIn(t, partial, `SELECT count(*) FROM x."Extract"."Extract"`)[0])
			require.NoError(t, err)
			rows = append(rows, n)
		}
	}}})
	require.NoError(t, err)
	slices.Sort(rows)
	rows = slices.DeleteFunc(rows, func(n int) bool { return n == 0 }) // of bundles that moved all their rows
	require.Len(t, rows, 4)
	assert.Greater(t, rows[0], 700)
	assert.Less(t, rows[3], 1300)
}

// A table that moves and others that do not can be in one extract.
func TestRepartitionOfOneTableOfTwo(t *testing.T) {
	folder := t.TempDir()
	salesLake(t, folder)
	const other = "  - {name: other, source: {uri: lake/*.parquet}}\n"
	cfg, report := sales(t, folder, 2, "    repartition: {range: id, sort: [id]}\n"+other+inOrder)
	assert.EqualValues(t, salesRows, report.Tables[1].RowsLoaded)
	assert.EqualValues(t, 13901, report.Tables[0].RowsLoaded)
	assert.LessOrEqual(t, idDescents(t, cfg.Output.Path), scanJumps)
}

// Every value has an extract of its own, named after it; together they hold every row.
func TestSplitBy(t *testing.T) {
	folder := t.TempDir()
	salesLake(t, folder)
	plainCfg, plain := sales(t, folder, 1, "")
	want := contentsOf(t, plainCfg.Output.Path)
	require.NoError(t, os.Remove(plainCfg.Output.Path))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "sales-gone.hyper"), []byte("old"), 0o600))
	for _, workers := range []int{1, 3} {
		_, report := sales(t, folder, workers, "    repartition: {split_by: tenant}\n")
		requireSameAccount(t, plain, report)
		require.Len(t, report.Outputs, len(tenants))
		var got []string
		files := []string{"lake", "config.yaml", "sales-gone.hyper"}
		for _, output := range report.Outputs {
			files = append(files, filepath.Base(output.Path))
			got = append(got, contentsOf(t, output.Path)...)
			assert.Len(t, rowsIn(t, output.Path, `SELECT tenant FROM x."Extract"."Extract" GROUP BY tenant`), 1)
			assert.EqualValues(t, fmt.Sprint(output.Rows), query(t, output.Path, `SELECT count(*) FROM x."Extract"."Extract"`))
			assert.Len(t, output.SHA256, 64)
		}
		slices.Sort(got)
		requireRows(t, want, got)
		requireOnly(t, folder, files...)
		assert.Contains(t, files, "sales-a%2Fb%20c.hyper")
		assert.Contains(t, files, "sales-~null.hyper")
		assert.Contains(t, files, "sales-~empty.hyper")
		assert.Contains(t, strings.Join(report.Warnings, "\n"), "left as it is: sales-gone.hyper")
	}
}

// Each of the extracts is sorted.
func TestSplitsAreSorted(t *testing.T) {
	folder := t.TempDir()
	salesLake(t, folder)
	_, report := sales(t, folder, 1, "    repartition: {split_by: tenant, sort: [id]}\n"+inOrder)
	require.Len(t, report.Outputs, len(tenants))
	for _, output := range report.Outputs {
		assert.Greater(t, output.Rows, int64(2000))
		assert.LessOrEqual(t, idDescents(t, output.Path), scanJumps)
	}
}

// When one of the extracts is bad, none is moved into place.
func TestSplitMovesAllOrNone(t *testing.T) {
	folder := t.TempDir()
	salesLake(t, folder)
	cfg := configure(t, folder, fmt.Sprintf(strings.ReplaceAll(salesConfig, "count(*) > 0", "max(id) filter (where octet_length(tenant) = 2) is null"), 1)+
		"    repartition: {split_by: tenant}\n")
	report, err := run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, "in the extract of %C3%BC")
	assert.Equal(t, failure.Check, failure.Of(err, failure.Engine).Kind)
	assert.Empty(t, report.Outputs)
	requireOnly(t, folder, "lake", "config.yaml")

	cfg = configure(t, folder, fmt.Sprintf(salesConfig, 1)+"    repartition: {split_by: tenant}\n")
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "sales-~null.hyper"), 0o755))
	_, err = run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, "is a folder")
	requireOnly(t, folder, "lake", "config.yaml", "sales-~null.hyper")
}

// Extracts can be written to and staged on remote storage.
func TestSplitOnRemoteStorage(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	folder := t.TempDir()
	salesLake(t, folder)
	cfg, report := sales(t, folder, 2, fmt.Sprintf("    repartition: {split_by: tenant}\nstaging: %q\noutput: {path: %q}\n",
		storage.Join(bucket, "stage"), storage.Join(bucket, "out/x.hyper")))
	var want []string
	for _, output := range report.Outputs {
		want = append(want, output.Path)
	}
	assert.Len(t, want, len(tenants))
	assert.ElementsMatch(t, want, storagetest.Names(t, storage.Join(bucket, "out")))
	assert.Empty(t, storagetest.Names(t, cfg.Staging))
}

// Without rows there are no extracts.
func TestSplitOfNothing(t *testing.T) {
	folder := t.TempDir()
	salesLake(t, folder)
	cfg := configure(t, folder, "on_empty: allow\n"+fmt.Sprintf(strings.ReplaceAll(salesConfig, "id >= 100", "id < 0"), 1)+"    repartition: {split_by: tenant}\n")
	report, err := run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Empty(t, report.Outputs)
	requireOnly(t, folder, "lake", "config.yaml")
}

// What needs the columns is refused by the plan, with its place.
func TestPlansRefuseRepartition(t *testing.T) {
	folder := t.TempDir()
	salesLake(t, folder)
	for settings, says := range map[string][2]string{
		"{by: [tennant], shards: 2}": {`config.yaml:11:24: tables[0].repartition.by[0]: the table loads no column "tennant"`, `did you mean "tenant"?`},
		"{range: zzz}":               {`config.yaml:11:26: tables[0].repartition.range: the table loads no column "zzz"`, "name columns that the table loads"},
		"{sort: [day, sold]}":        {`config.yaml:11:31: tables[0].repartition.sort names the column "day" twice`, ""},
		"{split_by: amount}":         {`config.yaml:11:18: repartition: split_by: column amount is of type float64, which does not suit it`, "choose another column"},
	} {
		cfg := configure(t, folder, fmt.Sprintf(salesConfig, 1)+"    repartition: "+settings+"\n")
		_, err := pipelines.MakePlan(t.Context(), cfg)
		require.ErrorContains(t, err, says[0], settings)
		failed := failure.Of(err, failure.Engine)
		assert.Equal(t, failure.Config, failed.Kind)
		assert.True(t, failed.Early)
		assert.Contains(t, failed.Hint, says[1])
	}
}
