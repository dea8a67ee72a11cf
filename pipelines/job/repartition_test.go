package job_test

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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
	"hyperlake/runners"
	"hyperlake/runners/engine"
)

// scan is the values of a column of an extract as it stands, without asking for an order.
func scan(t *testing.T, path, value string) []string {
	return runtest.RowsIn(t, path, "SELECT "+value+` FROM x."Extract"."Extract"`)
}

// Wherever rows are moved, the extract has the same rows and the run the same account.
func TestRepartitionedRowsAreTheSame(t *testing.T) {
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	plainCfg, plain := runtest.Sales(t, folder, 1, "")
	want := runtest.ContentsOf(t, plainCfg.Output.Path)
	require.Len(t, want, 13901)
	for _, moved := range []string{
		"{by: [tenant, amount], shards: 4}", "{by: [day], shards: 3, sort: [amount, id]}", "{range: sold, shards: 5}", "{range: amount, sort: [amount]}",
		"{range: tenant}", "{shards: 3}", "{shards: 1, sort: [id]}", "{sort: [tenant, day]}",
	} {
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprint(moved, workers), func(t *testing.T) {
				cfg, report := runtest.Sales(t, folder, workers, "    repartition: "+moved+"\n")
				runtest.RequireRows(t, want, runtest.ContentsOf(t, cfg.Output.Path))
				runtest.RequireSameAccount(t, plain, report)
				assert.Len(t, report.Tables[0].Checks, 1)
			})
		}
	}
	runtest.RequireOnly(t, folder, "lake", "config.yaml", "sales.hyper")
}

// The rows stand in the file as they were sorted.
func TestTheOrderInTheFile(t *testing.T) {
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	for _, sorted := range []string{"{range: day, sort: [day, id], shards: 6}", "{sort: [sold, id]}"} {
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprint(sorted, workers), func(t *testing.T) {
				cfg, _ := runtest.Sales(t, folder, workers, "    repartition: "+sorted+"\n"+inOrder)
				want := runtest.RowsIn(t, cfg.Output.Path, `SELECT id FROM x."Extract"."Extract" ORDER BY sold NULLS LAST, id`)
				assert.LessOrEqual(t, descents(want, scan(t, cfg.Output.Path, "id")), scanJumps)
			})
		}
	}
	cfg, _ := runtest.Sales(t, folder, 3, "    repartition: {by: [tenant], shards: 2, sort: [id]}\n"+inOrder)
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
	order := runtest.RowsIn(t, path, `SELECT id FROM x."Extract"."Extract" ORDER BY id`)
	return descents(order, scan(t, path, "id"))
}

// The plan says where rows go, and that rows that move pass through this program.
func TestThePlanSaysWhatMoves(t *testing.T) {
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	cfg := runtest.Configure(t, folder, fmt.Sprintf(runtest.SalesConfig, 2)+"    repartition: {range: day, shards: 4}\n")
	plan := runtest.PlanOf(t, cfg)
	assert.Equal(t, []string{"4 shards by ranges of day, of about equally many rows by the statistics in the footers, to which a run adds a sample of the rows; rows go through spills on staging"}, plan.Repartition.Notes)
	assert.Zero(t, plan.Deferred)
	assert.Equal(t, []string{"repartition moves rows"}, plan.Materialised)

	cfg = runtest.Configure(t, folder, fmt.Sprintf(runtest.SalesConfig, 1)+"    repartition: {sort: [day]}\n")
	plan = runtest.PlanOf(t, cfg)
	assert.Equal(t, []string{"rows stay with who read them", "the whole table is sorted by day when the extract is made"}, plan.Repartition.Notes)
	assert.Equal(t, 5, plan.Deferred, "hyperd may read what need not be moved")

	cfg = runtest.Configure(t, folder, fmt.Sprintf(strings.ReplaceAll(runtest.SalesConfig, "{rename: sold}", "{type: timestamp}"), 1)+"    repartition: {range: day, shards: 9}\n")
	assert.Contains(t, runtest.PlanOf(t, cfg).Repartition.Notes[0], "the footers do not tell the values of day apart")
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
	runtest.SalesLake(t, folder)
	plainCfg, plain := runtest.Sales(t, folder, 1, "")
	want := runtest.ContentsOf(t, plainCfg.Output.Path)
	for name, runFolder := range map[string]string{"local": filepath.Join(t.TempDir(), "stage"), "remote": storage.Join(bucket, "stage")} {
		t.Run(name, func(t *testing.T) {
			faults.Inject(storagetest.Fault{On: storagetest.Write, Status: 503, Times: 2})
			cfg := runtest.Configure(t, folder, fmt.Sprintf(runtest.SalesConfig, 3)+"    repartition: {by: [id], shards: 3}\nstaging: "+runFolder+"\n")
			id, err := staging.NewRunID()
			require.NoError(t, err)
			runner, err := runners.New(runners.Options{Name: "direct", JobName: id})
			require.NoError(t, err)
			var left []string
			report, err := pipelines.Run(t.Context(), cfg, pipelines.RunOptions{ID: id, Log: slog.New(slog.DiscardHandler), Engine: spillWatch{runner, func() {
				left = storagetest.Names(t, storage.Join(runFolder, id))
			}}})
			require.NoError(t, err)
			runtest.RequireSameAccount(t, plain, report)
			assert.NotEmpty(t, left, "partials are still there")
			assert.NotContains(t, strings.Join(left, " "), "spills")
			assert.Empty(t, storagetest.Names(t, runFolder))
			runtest.RequireRows(t, want, runtest.ContentsOf(t, cfg.Output.Path))
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
		runtest.WriteParquet(t, filepath.Join(folder, "lake", fmt.Sprintf("%d.parquet", file)), values...)
	}
	cfg := runtest.Configure(t, folder, runtest.NumbersConfig+"    repartition: {range: n, shards: 4}\nstaging: stage\n")
	id, err := staging.NewRunID()
	require.NoError(t, err)
	runner, err := runners.New(runners.Options{Name: "direct", JobName: id})
	require.NoError(t, err)
	var rows []int
	_, err = pipelines.Run(t.Context(), cfg, pipelines.RunOptions{ID: id, Log: slog.New(slog.DiscardHandler), Engine: spillWatch{runner, func() {
		partials, err := filepath.Glob(filepath.Join(folder, "stage", id, "partials", "*.hyper"))
		require.NoError(t, err)
		for _, partial := range partials {
			n, err := strconv.Atoi(runtest.RowsIn(t, partial, `SELECT count(*) FROM x."Extract"."Extract"`)[0])
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
	runtest.SalesLake(t, folder)
	const other = "  - {name: other, source: {uri: lake/*.parquet}}\n"
	cfg, report := runtest.Sales(t, folder, 2, "    repartition: {range: id, sort: [id]}\n"+other+inOrder)
	assert.EqualValues(t, runtest.SalesRows, report.Tables[1].RowsLoaded)
	assert.EqualValues(t, 13901, report.Tables[0].RowsLoaded)
	assert.LessOrEqual(t, idDescents(t, cfg.Output.Path), scanJumps)
}

// Every value has an extract of its own, named after it; together they hold every row.
func TestSplitBy(t *testing.T) {
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	plainCfg, plain := runtest.Sales(t, folder, 1, "")
	want := runtest.ContentsOf(t, plainCfg.Output.Path)
	require.NoError(t, os.Remove(plainCfg.Output.Path))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "sales-gone.hyper"), []byte("old"), 0o600))
	for _, workers := range []int{1, 3} {
		_, report := runtest.Sales(t, folder, workers, "    repartition: {split_by: tenant}\n")
		runtest.RequireSameAccount(t, plain, report)
		require.Len(t, report.Outputs, len(runtest.Tenants))
		var got []string
		files := []string{"lake", "config.yaml", "sales-gone.hyper"}
		for _, output := range report.Outputs {
			files = append(files, filepath.Base(output.Path))
			got = append(got, runtest.ContentsOf(t, output.Path)...)
			assert.Len(t, runtest.RowsIn(t, output.Path, `SELECT tenant FROM x."Extract"."Extract" GROUP BY tenant`), 1)
			assert.EqualValues(t, fmt.Sprint(output.Rows), runtest.Query(t, output.Path, `SELECT count(*) FROM x."Extract"."Extract"`))
			assert.Len(t, output.SHA256, 64)
		}
		slices.Sort(got)
		runtest.RequireRows(t, want, got)
		runtest.RequireOnly(t, folder, files...)
		assert.Contains(t, files, "sales-a%2Fb%20c.hyper")
		assert.Contains(t, files, "sales-~null.hyper")
		assert.Contains(t, files, "sales-~empty.hyper")
		assert.Contains(t, strings.Join(report.Warnings, "\n"), "left as it is: sales-gone.hyper")
	}
}

// Each of the extracts is sorted.
func TestSplitsAreSorted(t *testing.T) {
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	_, report := runtest.Sales(t, folder, 1, "    repartition: {split_by: tenant, sort: [id]}\n"+inOrder)
	require.Len(t, report.Outputs, len(runtest.Tenants))
	for _, output := range report.Outputs {
		assert.Greater(t, output.Rows, int64(2000))
		assert.LessOrEqual(t, idDescents(t, output.Path), scanJumps)
	}
}

// When one of the extracts is bad, none is moved into place.
func TestSplitMovesAllOrNone(t *testing.T) {
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	cfg := runtest.Configure(t, folder, fmt.Sprintf(strings.ReplaceAll(runtest.SalesConfig, "count(*) > 0", "max(id) filter (where octet_length(tenant) = 2) is null"), 1)+
		"    repartition: {split_by: tenant}\n")
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, "in the extract of %C3%BC")
	assert.Equal(t, failure.Check, failure.Of(err, failure.Engine).Kind)
	assert.Empty(t, report.Outputs)
	runtest.RequireOnly(t, folder, "lake", "config.yaml")

	cfg = runtest.Configure(t, folder, fmt.Sprintf(runtest.SalesConfig, 1)+"    repartition: {split_by: tenant}\n")
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "sales-~null.hyper"), 0o755))
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, "is a folder")
	runtest.RequireOnly(t, folder, "lake", "config.yaml", "sales-~null.hyper")
}

// Extracts can be written to and staged on remote storage.
func TestSplitOnRemoteStorage(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	cfg, report := runtest.Sales(t, folder, 2, fmt.Sprintf("    repartition: {split_by: tenant}\nstaging: %q\noutput: {path: %q}\n",
		storage.Join(bucket, "stage"), storage.Join(bucket, "out/x.hyper")))
	var want []string
	for _, output := range report.Outputs {
		want = append(want, output.Path)
	}
	assert.Len(t, want, len(runtest.Tenants))
	assert.ElementsMatch(t, want, runtest.WithoutStates(storagetest.Names(t, storage.Join(bucket, "out"))))
	assert.Empty(t, storagetest.Names(t, cfg.Staging))
}

// Without rows there are no extracts.
func TestSplitOfNothing(t *testing.T) {
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	cfg := runtest.Configure(t, folder, "on_empty: allow\n"+fmt.Sprintf(strings.ReplaceAll(runtest.SalesConfig, "id >= 100", "id < 0"), 1)+"    repartition: {split_by: tenant}\n")
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Empty(t, report.Outputs)
	runtest.RequireOnly(t, folder, "lake", "config.yaml")
}

// What needs the columns is refused by the plan, with its place.
func TestPlansRefuseRepartition(t *testing.T) {
	folder := t.TempDir()
	runtest.SalesLake(t, folder)
	for settings, says := range map[string][2]string{
		"{by: [tennant], shards: 2}": {`config.yaml:11:24: tables[0].repartition.by[0]: the table loads no column "tennant"`, `did you mean "tenant"?`},
		"{range: zzz}":               {`config.yaml:11:26: tables[0].repartition.range: the table loads no column "zzz"`, "name columns that the table loads"},
		"{sort: [day, sold]}":        {`config.yaml:11:31: tables[0].repartition.sort names the column "day" twice`, ""},
		"{split_by: amount}":         {`config.yaml:11:18: repartition: split_by: column amount is of type float64, which does not suit it`, "choose another column"},
	} {
		cfg := runtest.Configure(t, folder, fmt.Sprintf(runtest.SalesConfig, 1)+"    repartition: "+settings+"\n")
		_, err := pipelines.MakePlan(t.Context(), cfg)
		require.ErrorContains(t, err, says[0], settings)
		failed := failure.Of(err, failure.Engine)
		assert.Equal(t, failure.Config, failed.Kind)
		assert.True(t, failed.Early)
		assert.Contains(t, failed.Hint, says[1])
	}
}
