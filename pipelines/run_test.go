package pipelines_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/internal/storage"
	"hyperlake/pipelines"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
)

func TestMain(m *testing.M) { hyperdtest.Main(m.Run) }

// longConfig loads the sample lake over and over, for long enough to be disturbed.
func longConfig() string {
	var config strings.Builder
	config.WriteString("name: long\ntables:\n")
	for i := range 20 {
		fmt.Fprintf(&config, "  - {name: t%d, source: {uri: \"%%LAKE%%/lineitem/*.parquet\"}}\n", i)
	}
	return config.String()
}

// hyperd reads these files itself: what it sees in them is what the extract must hold.
func TestTheExtractHoldsTheRowsOfTheLake(t *testing.T) {
	for _, workers := range []string{"auto", "4"} {
		t.Run(workers, func(t *testing.T) {
			folder := t.TempDir()
			cfg := runtest.Configure(t, folder, runtest.SampleConfig+"runner: {parallelism: "+workers+"}\n")
			record, err := runtest.Run(t, t.Context(), cfg, nil)
			require.NoError(t, err)
			runtest.RequireOnly(t, folder, "config.yaml", "tpch.hyper")

			lake := runtest.SampleLake(t)
			lineitem := fmt.Sprintf(`external(array['%s/lineitem/lineitem.1.parquet', '%[1]s/lineitem/lineitem.2.parquet', '%[1]s/lineitem/lineitem.3.parquet'], format=>'parquet')`, lake)
			good := `SELECT * FROM ` + lineitem + ` WHERE l_quantity <= 40`
			loaded := `SELECT * FROM x."Extract"."lineitem"`
			orders := fmt.Sprintf(`SELECT o_comment, o_orderkey FROM external('%s/orders/orders.1.parquet', format=>'parquet') WHERE o_totalprice >= 2000.50`, lake)
			for _, difference := range []string{
				loaded + " EXCEPT ALL " + good, good + " EXCEPT ALL " + loaded,
				`SELECT * FROM x."other"."orders" EXCEPT ALL ` + orders, orders + ` EXCEPT ALL SELECT * FROM x."other"."orders"`,
			} {
				assert.Equal(t, "0", runtest.Query(t, cfg.Output.Path, "SELECT count(*) FROM ("+difference+") d"), difference)
			}

			assert.Equal(t, report.Succeeded, record.Status)
			table := record.Tables[0]
			assert.EqualValues(t, 60175, table.RowsRead)
			assert.Equal(t, table.RowsRead, table.RowsLoaded+table.RowsRejected)
			assert.Equal(t, runtest.Query(t, cfg.Output.Path, "SELECT count(*) FROM "+lineitem+" WHERE l_quantity > 40"), fmt.Sprint(table.RowsRejected))
			assert.Equal(t, table.RowsRejected, table.Rules[0].Failed)
			assert.Equal(t, runtest.Query(t, cfg.Output.Path, "SELECT count(*) FROM "+lineitem+" WHERE l_shipmode = 'REG AIR'"), fmt.Sprint(table.Rules[1].Failed))
			assert.EqualValues(t, 15000, record.Tables[1].RowsLoaded+record.Tables[1].RowsRejected)
			assert.Positive(t, record.Tables[1].RowsRejected)
			stat, err := os.Stat(cfg.Output.Path)
			require.NoError(t, err)
			assert.Equal(t, stat.Size(), record.Output.Bytes)
		})
	}
}

func TestEmptyLakes(t *testing.T) {
	t.Run("no files", func(t *testing.T) {
		folder := t.TempDir()
		_, err := runtest.Run(t, t.Context(), runtest.Configure(t, folder, runtest.NumbersConfig), nil)
		failed := failure.Of(err, failure.Engine)
		require.NotNil(t, failed)
		assert.Equal(t, failure.Source, failed.Kind)
		assert.True(t, failed.Early)
		assert.ErrorContains(t, err, "no files match")
		runtest.RequireOnly(t, folder, "config.yaml")
	})
	t.Run("no rows", func(t *testing.T) {
		folder := t.TempDir()
		runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"))
		record, err := runtest.Run(t, t.Context(), runtest.Configure(t, folder, runtest.NumbersConfig), nil)
		assert.ErrorContains(t, err, "hold no rows")
		assert.Equal(t, failure.Data, failure.Of(err, failure.Engine).Kind)
		assert.Equal(t, report.Rejected, record.Status)
		runtest.RequireOnly(t, folder, "config.yaml", "lake")
	})
	t.Run("no rows, allowed", func(t *testing.T) {
		folder := t.TempDir()
		runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"))
		cfg := runtest.Configure(t, folder, runtest.NumbersConfig+"on_empty: allow\n")
		_, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		assert.Equal(t, "0", runtest.Query(t, cfg.Output.Path, `SELECT count(n) FROM x."Extract"."Extract"`))
	})
	t.Run("all rows rejected, allowed", func(t *testing.T) {
		folder := t.TempDir()
		runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"), 1, 2, 3)
		cfg := runtest.Configure(t, folder, runtest.NumbersConfig+"    rules: [{column: n, min: 4}]\non_empty: allow\n")
		report, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		assert.EqualValues(t, 3, report.Tables[0].RowsRejected)
		assert.Equal(t, "0", runtest.Query(t, cfg.Output.Path, `SELECT count(*) FROM x."Extract"."Extract"`))
	})
	t.Run("some files without rows", func(t *testing.T) {
		folder := t.TempDir()
		runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"))
		runtest.WriteParquet(t, filepath.Join(folder, "lake", "b.parquet"), 1, 2, 3)
		cfg := runtest.Configure(t, folder, runtest.NumbersConfig)
		_, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		assert.Equal(t, "6", runtest.Query(t, cfg.Output.Path, `SELECT sum(n) FROM x."Extract"."Extract"`))
	})
}

// A run that ends without an extract leaves no folder behind that it made for it, but for that of the state, where it is remembered.
func TestFailuresLeaveNoFolders(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"), 1, 2, 3)
	require.NoError(t, os.Symlink("gone", filepath.Join(folder, "dangling")))
	config := "output: {path: new/deep/er/x.hyper}\n" + runtest.NumbersConfig + "    rules: [{column: n, min: 4%}]\n"
	for _, onFail := range []string{"", ", on_fail: fail"} {
		for _, staging := range []string{"", "staging: stage\n"} {
			_, err := runtest.Run(t, t.Context(), runtest.Configure(t, folder, strings.ReplaceAll(config, "%", onFail)+staging), nil)
			require.Error(t, err)
			runtest.RequireOnly(t, filepath.Join(folder, "new", "deep", "er"))
			require.NoError(t, os.RemoveAll(filepath.Join(folder, "new")))
		}
	}
	require.NoError(t, os.Mkdir(filepath.Join(folder, "new"), 0o755))
	nothing := strings.ReplaceAll(strings.ReplaceAll(config, "%", ""), "lake/", "other/")
	_, err := runtest.Run(t, t.Context(), runtest.Configure(t, folder, nothing), nil)
	require.Error(t, err)
	assert.DirExists(t, filepath.Join(folder, "new"), "what was there stays")
	assert.NoDirExists(t, filepath.Join(folder, "new", "deep"), "a run that did not begin is not remembered")

	_, err = runtest.Run(t, t.Context(), runtest.Configure(t, folder, strings.ReplaceAll(config, "new/deep", "dangling")), nil)
	require.Error(t, err)
	_, err = os.Lstat(filepath.Join(folder, "dangling"))
	require.NoError(t, err)

	built := errors.New("nothing was built")
	err = output.Place(t.Context(), filepath.Join(folder, "other", "x.hyper"), func(string) (string, error) { return "", built })
	require.ErrorIs(t, err, built)
	assert.NoDirExists(t, filepath.Join(folder, "other"))

	report, err := runtest.Run(t, t.Context(), runtest.Configure(t, folder, strings.ReplaceAll(config, "min: 4%", "min: 0")), nil)
	require.NoError(t, err)
	assert.FileExists(t, report.Output.Path)
}

// Where an output cannot be is known before anything is made.
func TestPlacesWhereNoOutputCanBe(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"), 1)
	places := map[string]string{filepath.Join(folder, "config.yaml", "deep", "x.hyper"): "config.yaml is a file, not a folder"}
	if readOnly := "/proc/sys"; storage.CheckWritable(readOnly) != nil {
		places[readOnly+"/new/x.hyper"] = "cannot be made: write to " + readOnly
	}
	for path, says := range places {
		cfg := runtest.Configure(t, folder, runtest.NumbersConfig+fmt.Sprintf("output: {path: %q}\n", path))
		_, err := pipelines.MakePlan(t.Context(), cfg)
		requireEarly(t, err, says)
		_, err = runtest.Run(t, t.Context(), cfg, nil)
		requireEarly(t, err, says)
	}
}

func TestFailuresLeaveTheOutputAlone(t *testing.T) {
	cases := []struct {
		name   string
		before func(t *testing.T, folder string) // after planning, before the pipeline
		rules  string
		kind   failure.Kind
		says   []string
	}{
		{
			name: "a file is replaced during the run",
			before: func(t *testing.T, folder string) {
				runtest.WriteParquet(t, filepath.Join(folder, "lake", "b.parquet"), 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9)
			},
			kind: failure.Source,
			says: []string{"b.parquet", "changed"},
		},
		{
			name: "a file goes away during the run",
			before: func(t *testing.T, folder string) {
				require.NoError(t, os.Remove(filepath.Join(folder, "lake", "b.parquet")))
			},
			kind: failure.Source,
			says: []string{"b.parquet", "no such file"},
		},
		{
			name: "a page is damaged during the run",
			before: func(t *testing.T, folder string) {
				path := filepath.Join(folder, "lake", "b.parquet")
				stat, err := os.Stat(path)
				require.NoError(t, err)
				data, err := os.ReadFile(path)
				require.NoError(t, err)
				for i := 4; i < 40; i++ {
					data[i] = 0xff
				}
				require.NoError(t, os.WriteFile(path, data, 0o644))
				require.NoError(t, os.Chtimes(path, stat.ModTime(), stat.ModTime()))
			},
			kind: failure.Source,
			says: []string{"b.parquet", "row group 0"},
		},
		{
			name:  "a rule with on_fail: fail is broken",
			rules: "    rules: [{name: small, column: n, max: 3, on_fail: fail}]\n",
			kind:  failure.Data,
			says:  []string{"small", "b.parquet"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"), 1, 2, 3)
			runtest.WriteParquet(t, filepath.Join(folder, "lake", "b.parquet"), 4, 5, 6)
			cfg := runtest.Configure(t, folder, runtest.NumbersConfig+c.rules)
			require.NoError(t, os.WriteFile(cfg.Output.Path, []byte(runtest.Previous), 0o644))
			before := func() {
				if c.before != nil {
					c.before(t, folder)
				}
			}
			report, err := runtest.Run(t, t.Context(), cfg, before)
			require.Error(t, err)
			assert.Equal(t, c.kind, failure.Of(err, failure.Engine).Kind, err)
			for _, words := range c.says {
				assert.ErrorContains(t, err, words)
			}
			assert.Equal(t, c.kind, report.Error.Kind)
			runtest.RequireOnly(t, folder, "config.yaml", "lake", "numbers.hyper")
			kept, err := os.ReadFile(cfg.Output.Path)
			require.NoError(t, err)
			assert.Equal(t, runtest.Previous, string(kept))
		})
	}
}

func TestCancellingEndsTheRunAtOnce(t *testing.T) {
	folder := t.TempDir()
	cfg := runtest.Configure(t, folder, longConfig())
	stop := failure.New(failure.Interrupted, "interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	var cancelled atomic.Int64
	record, err := runtest.Run(t, ctx, cfg, func() {
		time.AfterFunc(100*time.Millisecond, func() {
			cancelled.Store(time.Now().UnixNano())
			cancel(stop)
		})
	})
	took := time.Since(time.Unix(0, cancelled.Load()))
	require.ErrorIs(t, err, stop)
	assert.Less(t, took, time.Minute)
	assert.Equal(t, report.Interrupted, record.Status)
	runtest.RequireOnly(t, folder, "config.yaml")
}

func TestARunRemovesWhatADeadOneLeft(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"), 1, 2, 3)
	dead := filepath.Join(folder, ".numbers.hyperlake-20200101T000000Z-00000000")
	fresh := filepath.Join(folder, ".numbers.hyperlake-20990101T000000Z-00000000")
	for _, path := range []string{dead, fresh} {
		require.NoError(t, os.MkdirAll(filepath.Join(path, "partials"), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dead, "lock"), nil, 0o644)) // nobody holds it
	_, err := runtest.Run(t, t.Context(), runtest.Configure(t, folder, runtest.NumbersConfig), nil)
	require.NoError(t, err)
	runtest.RequireOnly(t, folder, "config.yaml", "lake", "numbers.hyper", filepath.Base(fresh))
}

func TestStagingElsewhere(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"), 1, 2, 3)
	cfg := runtest.Configure(t, folder, runtest.NumbersConfig+"staging: stage\noutput: {path: deep/er/numbers.hyper}\n")
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	runtest.RequireOnly(t, folder, "config.yaml", "lake", "deep", "stage")
	runtest.RequireOnly(t, filepath.Join(folder, "stage"))
	runtest.RequireOnly(t, filepath.Join(folder, "deep", "er"), "numbers.hyper")
}

func TestPlanRefusals(t *testing.T) {
	twoColumns := func(t *testing.T, folder string) {
		schema := arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.BinaryTypes.String}, {Name: "m", Type: arrow.PrimitiveTypes.Int32}}, nil)
		builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		builder.Field(0).(*array.StringBuilder).Append("x")
		builder.Field(1).(*array.Int32Builder).Append(1)
		file, err := os.Create(filepath.Join(folder, "lake", "b.parquet"))
		require.NoError(t, err)
		w, err := pqarrow.NewFileWriter(schema, file, nil, pqarrow.DefaultWriterProps())
		require.NoError(t, err)
		require.NoError(t, w.Write(builder.NewRecord()))
		require.NoError(t, w.Close())
	}
	cases := []struct {
		name, config string
		prepare      func(t *testing.T, folder string)
		says         []string
	}{
		{"drift", "", twoColumns, []string{`column "n" is int64 in 1 file (first `, "a.parquet), utf8 in 1 file (first ", `b.parquet); column "m" is int32 in 1 file`, "missing in 1 file"}},
		{"unknown column in select", "", nil, []string{`no column "nn" in the files`}},
		{"unknown column in a rule", "    rules: [{column: m, min: 1}]\n", nil, []string{`rule "m >= 1": there is no column m; did you mean n?`}},
		{"a rule that does not fit the type", "    rules: [{column: n, min: x}]\n", nil, []string{"x", "int64"}},
		{"a folder as output", "", func(t *testing.T, folder string) {
			require.NoError(t, os.Mkdir(filepath.Join(folder, "numbers.hyper"), 0o755))
		}, []string{"numbers.hyper is a folder"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"), 1)
			if c.prepare != nil {
				c.prepare(t, folder)
			}
			cfg := runtest.Configure(t, folder, runtest.NumbersConfig+c.config)
			if c.name == "unknown column in select" {
				cfg.Tables[0].Source.Select = []string{"nn"}
			}
			_, err := pipelines.MakePlan(t.Context(), cfg)
			var failed *failure.Error
			require.ErrorAs(t, err, &failed)
			assert.True(t, failed.Early, "exit code 2")
			for _, words := range c.says {
				assert.ErrorContains(t, err, words)
			}
			if c.name != "a folder as output" {
				assert.ErrorContains(t, err, "table Extract.Extract")
			}
		})
	}
}
