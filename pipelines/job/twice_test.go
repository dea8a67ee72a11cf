//go:build faults

package job_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/staging"
	"hyperlake/runners/engine"
	"hyperlake/runners/enginetest"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
)

// fewSeeds is how often each configuration runs on the unkind engine, unless the environment
// asks for more.
const fewSeeds = 1

// unkind is the engine that runs every bundle again and again. It calls after when a job is
// done, before the driver goes on.
type unkind struct {
	*enginetest.Engine
	after func()
}

func (u unkind) Run(ctx context.Context, job engine.Job) error {
	err := u.Engine.Run(ctx, job)
	if err == nil {
		u.after()
	}
	return err
}

// outcome is what a run made, as far as it must not depend on the engine.
type outcome struct {
	Rows    map[string][]string // of extracts and tables, sorted
	Rejects []string
	Tables  []report.TableAccount
}

func outcomeOf(t *testing.T, cfg *config.Config, report *report.Report) outcome {
	t.Helper()
	o := outcome{Rows: map[string][]string{}, Tables: report.Tables}
	extracts := []string{cfg.Output.Path}
	if len(report.Outputs) > 0 {
		extracts = nil
		for _, output := range report.Outputs {
			extracts = append(extracts, output.Path)
		}
	}
	zero := strings.NewReplacer("|-0|", "|0|") // of 0 and -0 hyperd keeps the one that came first into a block
	for _, extract := range extracts {
		local := runtest.Fetched(t, extract)
		for _, table := range report.Tables {
			rows := runtest.RowsIn(t, local, fmt.Sprintf(`SELECT * FROM x."%s"."%s"`, table.Schema, table.Name))
			for i := range rows {
				rows[i] = zero.Replace(rows[i])
			}
			slices.Sort(rows)
			o.Rows[path.Base(extract)+" "+table.Name] = rows
		}
	}
	for _, table := range cfg.Tables {
		if table.Rejects.Path != "" {
			o.Rejects = append(o.Rejects, runtest.RejectRows(t, table.Rejects.Path)...)
		}
	}
	slices.Sort(o.Rejects)
	return o
}

// requireEachOnce checks that the results of a job refer to files on staging that are there,
// and to none of them twice.
func requireEachOnce(t *testing.T, staging string) {
	t.Helper()
	standing := storagetest.Names(t, staging)
	results := slices.DeleteFunc(slices.Clone(standing), func(uri string) bool { return !strings.HasPrefix(path.Base(uri), "result") })
	require.NotEmpty(t, results)
	store, err := storage.For(staging)
	require.NoError(t, err)
	for _, uri := range results {
		seen := map[string]bool{}
		var result struct {
			Extract hyper.File
			Outputs []hyper.File
			Rejects []rejects.Account
		}
		data, err := store.Get(t.Context(), uri)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &result))
		var refs []string
		for _, extract := range append(result.Outputs, result.Extract) {
			if extract.Path != "" {
				refs = append(refs, extract.Path)
			}
		}
		for _, bundle := range result.Rejects {
			for _, file := range bundle.Files {
				refs = append(refs, file.URI)
			}
		}
		require.NotEmpty(t, refs)
		for _, ref := range refs {
			assert.False(t, seen[ref], "%s is referred to twice", ref)
			assert.Contains(t, standing, ref)
			seen[ref] = true
		}
	}
}

// runTwice runs a configuration on the unkind engine; resume is the id of a run before, or empty.
func runTwice(t *testing.T, cfg *config.Config, engine *enginetest.Engine, resume string) (*report.Report, error) {
	t.Helper()
	id, err := staging.NewRunID()
	require.NoError(t, err)
	staging := storage.Join(cfg.Staging, cmp.Or(resume, id))
	report, err := pipelines.Run(t.Context(), cfg, pipelines.RunOptions{
		ID: id, Resume: resume, Log: slog.New(slog.DiscardHandler), Engine: unkind{engine, func() { requireEachOnce(t, staging) }},
	})
	t.Logf("%+v: %v", engine.Attempts(), err)
	return report, err
}

// runResumed runs a configuration on an engine that gives up now and then, and resumes it until
// it succeeds.
func runResumed(t *testing.T, cfg *config.Config, engine *enginetest.Engine) *report.Report {
	t.Helper()
	resumed, none := *cfg, 0
	resumed.Runner.Retries = &none
	for resume := ""; ; {
		report, err := runTwice(t, &resumed, engine, resume)
		if err == nil {
			return report
		}
		failed := failure.Of(err, "none")
		require.True(t, failed.Kind == failure.Engine && failed.Retry, err)
		resume = ""
		if report.Resumable != nil {
			resume = report.Resumable.RunID
		}
	}
}

const twiceRules = `
name: x
staging: stage
runner: {parallelism: 4}
tables:
  - name: lineitem
    source: {uri: "%LAKE%/lineitem/*.parquet", where: "l_shipdate >= date('1993-01-01')"}
    rules:
      - {column: l_quantity, max: 40}
      - {column: l_comment, max_length: 40, matches: "^[^x]*$", on_fail: warn}
      - {expr: l_shipdate <= l_receiptdate}
    rejects: {path: rejects}
    checks: [{unique: [l_orderkey, l_linenumber]}]
  - name: orders
    schema: other
    source: {uri: "%LAKE%/orders/*.parquet", select: [o_comment, o_orderkey]}
    rules: [{column: o_totalprice, min: "2000.50"}]
`

// twiceWarnings has no rejects, but rows that hyperd loads and Go has to count.
const twiceWarnings = `
name: x
staging: stage
runner: {parallelism: 4}
tables:
  - name: lineitem
    source: {uri: "%LAKE%/lineitem/*.parquet"}
    rules: [{column: l_quantity, max: 40, on_fail: warn}]
`

const twiceSales = `
name: x
staging: stage
runner: {parallelism: 3}
tables:
  - name: sales
    source: {uri: "lake/*.parquet", where: "id >= 100"}
    rules:
      - {column: id, max: 14000}
      - {column: tenant, not_null: true, on_fail: warn}
    rejects: {path: rejects}
    repartition: `

// However often an engine runs bundles, in whatever order and with whatever attempts lost: the
// extract, the rejects and the account are those of the direct engine, and of staging nothing is left.
func TestEveryBundleMayRunTwice(t *testing.T) {
	for name, config := range map[string]string{
		"hyperd reads": twiceRules,
		"Go reads":     twiceRules + "validate: {engine: go}\n",
		"warnings":     twiceWarnings,
		"hash":         twiceSales + "{by: [tenant, amount], shards: 4}\n",
		"range":        twiceSales + "{range: day, sort: [day, id], shards: 5}\n",
		"sort":         twiceSales + "{sort: [tenant, day]}\n",
		"split":        twiceSales + "{split_by: tenant}\n",
		"two tables":   twiceSales + "{range: id, shards: 3}\n  - {name: other, source: {uri: lake/*.parquet}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			runtest.SalesLake(t, folder)
			cfg := runtest.Configure(t, folder, config)
			requireTwin(t, cfg)
			runtest.RequireOnly(t, cfg.Staging)
		})
	}
}

// Files of tables have deleted rows, other names for columns, and columns that they lack, whichever bundle reads them.
func TestEveryBundleOfATableMayRunTwice(t *testing.T) {
	const rules = "    rules: [{column: id, max: 50}]\n    rejects: {path: rejects}\n"
	for table, rest := range map[string]string{
		"delta/testdata/vectors": rules, "delta/testdata/names": "", "iceberg/testdata/positions": rules,
		"delta/testdata/v2_json": rules + "    repartition: {sort: [id]}\n", "iceberg/testdata/vectors": rules + "    repartition: {by: [id], shards: 2}\n",
		"iceberg/testdata/equality": strings.Replace(rules, "50", "2", 1),
	} {
		t.Run(table, func(t *testing.T) {
			place, err := filepath.Abs(filepath.Join("../../internal/lake", table))
			require.NoError(t, err)
			const before = "name: x\non_empty: allow\nstaging: stage\nrunner: {parallelism: 3}\ntables:\n"
			cfg := runtest.Configure(t, t.TempDir(), fmt.Sprintf(before+"  - source: {uri: %s, nested: json}\n", place)+rest)
			requireTwin(t, cfg)
			runtest.RequireOnly(t, cfg.Staging)
		})
	}
}

// requireTwin compares runs on the unkind engine with one on the direct one: when it repeats what fails;
// when it gives up, and the run gives it what is missing again; and when a run is resumed.
func requireTwin(t *testing.T, cfg *config.Config) {
	t.Helper()
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	want := outcomeOf(t, cfg, report)
	enginetest.EachSeed(t, fewSeeds, func(t *testing.T, seed uint64) {
		report, err := runTwice(t, cfg, enginetest.New(seed), "")
		require.NoError(t, err)
		want.requireSame(t, outcomeOf(t, cfg, report))

		report, err = runTwice(t, cfg, enginetest.New(seed).GiveUp(2), "")
		require.NoError(t, err)
		want.requireSame(t, outcomeOf(t, cfg, report))

		report = runResumed(t, cfg, enginetest.New(seed).GiveUp(2))
		want.requireSame(t, outcomeOf(t, cfg, report))
	})
}

// requireSame compares what runs made.
func (o outcome) requireSame(t *testing.T, got outcome) {
	t.Helper()
	require.Equal(t, o.Tables, got.Tables)
	require.True(t, slices.Equal(o.Rejects, got.Rejects), "the rejects differ")
	for extract, rows := range o.Rows {
		require.True(t, slices.Equal(rows, got.Rows[extract]), "the rows of %s differ", extract)
	}
	require.Len(t, got.Rows, len(o.Rows))
}

// The same with lake, staging and output on remote storage, where requests fail.
func TestEveryBundleMayRunTwiceOnRemoteStorage(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	runtest.UploadLake(t, bucket)
	for name, rest := range map[string]string{"loaded": "", "moved": "    repartition: {by: [l_orderkey], shards: 3}\n"} {
		t.Run(name, func(t *testing.T) {
			for _, operation := range []storagetest.Operation{storagetest.Read, storagetest.Write} {
				faults.Inject(storagetest.Fault{On: operation, Status: 503, Skip: 10, Times: 5})
			}
			stage := storage.Join(bucket, "stage")
			config := runtest.RemoteConfig(storage.Join(bucket, "lake"), storage.Join(bucket, "out/x.hyper"), stage, 3)
			requireTwin(t, runtest.Configure(t, t.TempDir(), strings.Replace(config, "staging:", rest+"staging:", 1)))
			require.Empty(t, storagetest.Names(t, stage))
		})
	}
}
