package pipelines_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/starter"
)

func TestHivePartitionsBecomeColumns(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "not=a key")
	lake := filepath.Join(folder, "lake")
	for i, path := range []string{
		"day=2026-01-31/region=a%2Fb%20%3D/n=1", "day=2026-02-01/region=__HIVE_DEFAULT_PARTITION__/n=-7", "day=2026-02-01/region=100%/n=30",
	} {
		runtest.WriteTable(t, filepath.Join(lake, path, "f.parquet"), fmt.Sprintf(`[{"id": %d}]`, i), runtest.Field("id", runtest.Int32Type))
	}
	runtest.WriteTable(t, filepath.Join(lake, "_hidden=1", "f.parquet"), `[{"id": 9}]`, runtest.Field("id", runtest.Int32Type))
	require.NoError(t, os.WriteFile(filepath.Join(lake, "_SUCCESS"), nil, 0o600))

	cfg := runtest.Configure(t, folder, runtest.NumbersConfig)
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"0|2026-01-31|a/b =|1", "1|2026-02-01|NULL|-7", "2|2026-02-01|100%|30"}, runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows))
	var types []string
	for _, column := range runtest.PlanOf(t, cfg).Columns {
		types = append(types, fmt.Sprint(column.Name, " ", column.SQLType, " ", column.Nullable))
	}
	assert.Equal(t, []string{"id INTEGER true", "day DATE false", "region TEXT true", "n BIGINT false"}, types)

	cfg.Tables[0].Source.Partitions = config.PartitionsNone
	assert.Len(t, runtest.PlanOf(t, cfg).Columns, 1)
}

// The type of a partition column can be given, as that of any other.
func TestPartitionOfAGivenType(t *testing.T) {
	folder := t.TempDir()
	for _, month := range []string{"01", "12", "x"} {
		runtest.WriteTable(t, filepath.Join(folder, "lake", "month="+month, "f.parquet"), `[{"id": 1}]`, runtest.Field("id", runtest.Int32Type))
	}
	cfg := runtest.Configure(t, folder, runtest.NumbersConfig+"    columns: {month: {type: smallint}}\n")
	record, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"1|1", "1|12"}, runtest.RowsIn(t, cfg.Output.Path, `SELECT * FROM x."Extract"."Extract" ORDER BY 2`))
	assert.EqualValues(t, 1, record.Tables[0].RowsRejected)
	assert.Equal(t, []report.Rule{{Name: "month does not convert to SMALLINT", Failed: 1, OnFail: "reject"}}, record.Tables[0].Rules)
}

func TestPartitionsThatAreRefused(t *testing.T) {
	cases := map[string]struct {
		paths  []string
		config string
		says   string
	}{
		"another value in the files": {[]string{"id=2/f"}, "", `column "id" is 1, but the name of the folder says 2`},
		"twice in a path":            {[]string{"k=1/k=2/f"}, "", `two folders of`},
		"missing in a file":          {[]string{"k=1/f", "f"}, "", `"k" is a key in the folders of`},
		"none where some must be":    {[]string{"f"}, "partitions: hive", "is named key=value"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			for _, path := range c.paths {
				runtest.WriteTable(t, filepath.Join(folder, "lake", path+".parquet"), `[{"id": 1}]`, runtest.Field("id", runtest.Int32Type))
			}
			cfg := runtest.Configure(t, folder, "name: x\ntables:\n  - source:\n      uri: lake/**/*.parquet\n      "+c.config+"\n")
			_, err := pipelines.MakePlan(t.Context(), cfg)
			require.ErrorContains(t, err, c.says)
			assert.True(t, failure.Of(err, failure.Engine).Early)
		})
	}
}

// driftingLake has files that agree in one column only.
func driftingLake(t *testing.T) string {
	folder := t.TempDir()
	lake := filepath.Join(folder, "lake")
	runtest.WriteTable(t, filepath.Join(lake, "a.parquet"), `[{"id": 1, "n": 7, "only a": "x"}]`,
		runtest.Field("id", runtest.Int64Type), runtest.Field("n", runtest.Int32Type), runtest.Field("only a", runtest.TextType))
	runtest.WriteTable(t, filepath.Join(lake, "b.parquet"), `[{"n": 5000000000, "id": 2}]`,
		runtest.Field("n", runtest.Int64Type), runtest.Field("id", runtest.Int64Type))
	runtest.WriteTable(t, filepath.Join(lake, "c.parquet"), `[{"id": 3, "n": "1.50"}]`,
		runtest.Field("id", runtest.Int64Type), runtest.Field("n", &arrow.Decimal128Type{Precision: 9, Scale: 2}))
	return folder
}

func TestDriftFails(t *testing.T) {
	folder := driftingLake(t)
	cfg := runtest.Configure(t, folder, runtest.NumbersConfig)
	_, err := pipelines.MakePlan(t.Context(), cfg)
	for _, says := range []string{
		`column "n" is int32 in 1 file (first `, `a.parquet), int64 in 1 file (first `, `decimal(9, 2) in 1 file`, `column "only a" is utf8 in 1 file`, "missing in 2 files",
	} {
		require.ErrorContains(t, err, says)
	}
	assert.Contains(t, failure.Of(err, failure.Engine).Hint, "on_drift: union")

	cfg.Tables[0].Source.Select = []string{"id"}
	assert.Len(t, runtest.PlanOf(t, cfg).Columns, 1, "columns that nobody needs may differ")
}

func TestDriftUnion(t *testing.T) {
	folder := driftingLake(t)
	config := "name: numbers\ntables:\n  - source: {uri: lake/**/*.parquet, on_drift: union}\n"
	for _, workers := range []string{"auto", "3"} {
		cfg := runtest.Configure(t, folder, config+"runner: {parallelism: "+workers+"}\n")
		_, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"1|7.00|x", "2|5000000000.00|NULL", "3|1.50|NULL"}, runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows))
		drift := runtest.PlanOf(t, cfg).Drift
		require.Len(t, drift, 2)
		assert.Contains(t, drift[0], `column "n" is int32 in 1 file`)
		assert.Contains(t, drift[0], "read as decimal(21, 2)")
		assert.Contains(t, drift[1], "missing in 2 files")
		assert.Contains(t, drift[1], "NULL where it is missing")
	}
	runtest.WriteTable(t, filepath.Join(folder, "lake", "d.parquet"), `[{"id": 4, "n": "x"}]`, runtest.Field("id", runtest.Int64Type), runtest.Field("n", runtest.TextType))
	_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, config))
	require.ErrorContains(t, err, `column "n" is`)
	require.ErrorContains(t, err, "none of these types holds")
}

// A column of which nobody knows the type can be missing, too.
func TestDriftUnionOfAColumnOfNulls(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "lake", "a.parquet"), `[{"id": 1, "nothing": null}]`, runtest.Field("id", runtest.Int64Type), runtest.Field("nothing", arrow.Null))
	runtest.WriteTable(t, filepath.Join(folder, "lake", "b.parquet"), `[{"id": 2}, {"id": 3}, {"id": 4}]`, runtest.Field("id", runtest.Int64Type))
	cfg := runtest.Configure(t, folder, "name: numbers\ntables:\n  - source: {uri: lake/*.parquet, on_drift: union}\n    rules: [{column: id, max: 3}]\n    rejects: {path: rejects}\n")
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"1|NULL", "2|NULL", "3|NULL"}, runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows))
	assert.Len(t, runtest.RejectRows(t, cfg.Tables[0].Rejects.Path), 1)
}

func TestWherePrunesAndFilters(t *testing.T) {
	folder := t.TempDir()
	for year, rows := range map[string]string{
		"2024": `[{"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}, {"id": 5}]`, // three row groups
		"2025": `[{"id": 6}, {"id": 7}, {"id": 8}, {"id": null}]`,
		"2026": `[{"id": 100}]`,
	} {
		runtest.WriteTable(t, filepath.Join(folder, "lake", "year="+year, "f.parquet"), rows, runtest.Field("id", runtest.Int64Type))
	}
	config := "name: numbers\ntables:\n  - source: {uri: lake/**/*.parquet, select: [id], where: 'year < 2026 && id >= 4'}\n"
	for _, workers := range []string{"auto", "3"} {
		cfg := runtest.Configure(t, folder, config+"runner: {parallelism: "+workers+"}\n")
		report, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"4", "5", "6", "7", "8"}, runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows))
		pruned := runtest.PlanOf(t, cfg).Pruned
		assert.Positive(t, pruned.Bytes)
		pruned.Bytes = 0
		assert.Equal(t, plan.Pruned{Files: 1, RowGroups: 2, Rows: 3}, pruned)
		table := report.Tables[0]
		assert.EqualValues(t, []int64{10, 3, 7, 2, 5}, []int64{table.RowsInFiles, table.RowsPruned, table.RowsRead, table.RowsFiltered, table.RowsLoaded})
	}
}

func TestWhereThatLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "lake", "f.parquet"), `[{"id": 1}, {"id": 3}]`, runtest.Field("id", runtest.Int64Type))
	for _, where := range []string{"id > 5", "id == 2"} { // pruned, filtered
		cfg := runtest.Configure(t, folder, "name: numbers\ntables:\n  - source: {uri: lake/*.parquet, where: '"+where+"'}\n")
		_, err := runtest.Run(t, t.Context(), cfg, nil)
		require.Error(t, err, where)
		assert.Equal(t, failure.Data, failure.Of(err, failure.Engine).Kind)
		runtest.RequireOnly(t, folder, "config.yaml", "lake")
	}
}

func TestNestedColumns(t *testing.T) {
	folder := t.TempDir()
	address := arrow.StructOf(runtest.Field("city", runtest.TextType), runtest.Field("zip", runtest.TextType), runtest.Field("tags", arrow.ListOf(runtest.TextType)))
	runtest.WriteTable(t, filepath.Join(folder, "lake", "f.parquet"),
		`[{"id": 1, "to": {"city": "Oslo", "zip": "0150", "tags": ["a", null]}, "list": [1, 2]}, {"id": 2, "to": null, "list": null}, {"id": 3, "to": {"city": null, "zip": "x", "tags": []}, "list": []}]`,
		runtest.Field("id", runtest.Int64Type), runtest.Field("to", address), runtest.Field("list", arrow.ListOf(runtest.Int64Type)))

	_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, runtest.NumbersConfig))
	require.ErrorContains(t, err, `"to"`)
	require.ErrorContains(t, err, `"list"`)
	assert.Contains(t, failure.Of(err, failure.Engine).Hint, "nested: json")
	assert.True(t, failure.Of(err, failure.Engine).Early)

	for _, key := range []string{"rename: there", "nullable: true"} { // of what is no column any more
		_, err = pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, runtest.NumbersConfig+"    columns: {to: {nested: flatten, "+key+"}, to.tags: {nested: json}, list: {nested: json}}\n"))
		require.ErrorContains(t, err, `column "to" is flattened`)
		assert.Contains(t, failure.Of(err, failure.Engine).Hint, `"to.city"`)
		assert.True(t, failure.Of(err, failure.Engine).Early)
	}

	cfg := runtest.Configure(t, folder, runtest.NumbersConfig+`    columns:
      to: {nested: flatten}
      to.zip: {type: integer}
      to.tags: {nested: json, rename: tags}
      list: {nested: json}
    rules: [{column: to.city, in: [Oslo]}]
`)
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{`1|Oslo|150|["a",null]|[1,2]`, `2|NULL|NULL|NULL|NULL`}, runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows))
	assert.EqualValues(t, 1, report.Tables[0].RowsRejected)

	cfg = runtest.Configure(t, folder, "name: numbers\ntables:\n  - source: {uri: lake/*.parquet, select: [to.city, id], nested: json}\n    columns: {to: {nested: flatten}}\n")
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"NULL|2", "NULL|3", "Oslo|1"}, runtest.RowsIn(t, cfg.Output.Path, `SELECT * FROM x."Extract"."Extract" ORDER BY 1 NULLS FIRST, 2`))
}

// hyperd has columns of its own in every table; wherever such a name comes from, another is needed.
func TestNamesOfSystemColumns(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "lake", "ctid=7", "f.parquet"), `[{"xmin": 1, "s": {"cmax": 2}, "XMAX": 3}]`,
		runtest.Field("xmin", runtest.Int64Type), runtest.Field("s", arrow.StructOf(runtest.Field("cmax", runtest.Int64Type))), runtest.Field("XMAX", runtest.Int64Type))
	const flat = "name: numbers\ntables:\n  - source: {uri: lake/**/*.parquet, nested: flatten}\n    columns: {"
	cases := map[string]string{ // columns to what the error says
		"": `hyperd keeps the name "xmin", "ctid" for itself; give the column another name, such as columns: {"xmin": {rename: xmin_}, "ctid": {rename: ctid_}}`,
		"xmin: {rename: a}, ctid: {rename: b}, s.cmax: {rename: cmax}":   `columns: {"s.cmax": {rename: cmax_}}`,
		"xmin: {rename: a}, ctid: {rename: b}, XMAX: {rename: tableoid}": `columns: {"XMAX": {rename: tableoid_}}`,
	}
	for columns, says := range cases {
		_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, flat+columns+"}\n"))
		requireEarly(t, err)
		known := failure.Of(err, failure.Engine)
		assert.Contains(t, strings.ReplaceAll(known.Message, ", so that no column of an extract can have it", "")+"; "+known.Hint, says)
	}
	for _, more := range []string{"", "validate: {engine: go}\n"} {
		cfg := runtest.Configure(t, folder, flat+"xmin: {rename: a}, ctid: {rename: b}}\n    rules: [{column: xmin, max: 1}]\n"+more)
		_, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"1|2|3|7"}, runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows))
	}
	text, err := starter.Write(t.Context(), filepath.Join(folder, "lake"), folder, config.FormatAuto)
	require.NoError(t, err)
	var names []string
	for _, column := range runtest.PlanOf(t, runtest.Configure(t, folder, text)).Columns {
		names = append(names, column.Name)
	}
	assert.Equal(t, []string{"xmin_", "s", "XMAX", "ctid_"}, names)
	_, err = plan.MapField(runtest.Field("tableoid", runtest.Int64Type))
	requireEarly(t, err, "tableoid_")
}

func TestGeography(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "lake", "f.parquet"),
		`[{"id": 1, "at": "POINT(1 2)"}, {"id": 2, "at": null}, {"id": 3, "at": "POINT(1 200)"}]`, runtest.Field("id", runtest.Int64Type), runtest.Field("at", runtest.TextType))
	cfg := runtest.Configure(t, folder, runtest.NumbersConfig+"    columns: {at: {type: geography}, id: {nullable: false}}\n")
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"1|POINT(1.0000000 2.0000000)", "2|NULL"}, runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows))
	assert.EqualValues(t, 1, report.Tables[0].RowsRejected)
	require.Len(t, report.Warnings, 1)
	assert.Contains(t, report.Warnings[0], "7 decimals")
}

func TestRealIsAsked(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "lake", "f.parquet"), `[{"f": 0.5}]`, runtest.Field("f", arrow.PrimitiveTypes.Float32))
	assert.Equal(t, "DOUBLE PRECISION", runtest.PlanOf(t, runtest.Configure(t, folder, runtest.NumbersConfig)).Columns[0].SQLType)
	assert.Equal(t, "REAL", runtest.PlanOf(t, runtest.Configure(t, folder, runtest.NumbersConfig+"    columns: {f: {type: real}}\n")).Columns[0].SQLType)
}

// A column of which the files hold nothing but NULL, without a type, is NOT NULL where that is asked for.
func TestAColumnOfNullsIsNotNull(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "lake", "f.parquet"), `[{"id": 1, "nothing": null}]`, runtest.Field("id", runtest.Int64Type), runtest.Field("nothing", arrow.Null))
	cfg := runtest.Configure(t, folder, "on_empty: allow\n"+runtest.NumbersConfig+"    columns: {nothing: {nullable: false}}\n")
	column := runtest.PlanOf(t, cfg).Columns[1]
	assert.Equal(t, "TEXT", column.SQLType)
	assert.False(t, column.Nullable)
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 1, report.Tables[0].RowsRejected)
}

func TestEmptyLakeWithGivenTypes(t *testing.T) {
	folder := t.TempDir()
	cfg := runtest.Configure(t, folder, "on_empty: allow\n"+runtest.NumbersConfig+"    columns: {b: {type: \"numeric(18,4)\"}, a: {type: timestamptz, timezone: UTC}}\n")
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Empty(t, runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows))

	cfg = runtest.Configure(t, folder, "on_empty: allow\n"+runtest.NumbersConfig)
	_, err = pipelines.MakePlan(t.Context(), cfg)
	require.ErrorContains(t, err, "nothing says which types")
}

// Whatever the order in which files are named or found, the plan is the same.
func TestTheOrderOfGlobsDoesNotMatter(t *testing.T) {
	folder := driftingLake(t)
	plans := map[string]bool{}
	for _, globs := range []string{"[lake/a.parquet, lake/b.parquet, lake/c.parquet]", "[lake/c.parquet, lake/*.parquet]", "lake/**/*.parquet"} {
		cfg := runtest.Configure(t, folder, "name: numbers\ntables:\n  - source: {on_drift: union, uri: "+globs+"}\n")
		plan, err := json.Marshal(runtest.PlanOf(t, cfg))
		require.NoError(t, err)
		plans[string(plan)] = true
	}
	assert.Len(t, plans, 1)
}

// What init writes for columns that cannot be loaded, or not as they are, is a plan.
func TestStartersArePlans(t *testing.T) {
	folder := t.TempDir()
	for i, fields := range [][]arrow.Field{
		{runtest.Field("id", runtest.Int32Type), runtest.Field("list", arrow.ListOf(runtest.Int64Type)), runtest.Field("wide", &arrow.Decimal256Type{Precision: 50, Scale: 2})},
		{runtest.Field("id", runtest.Int64Type), runtest.Field("list", arrow.ListOf(runtest.Int64Type)), runtest.Field("clash", runtest.TextType)},
		{runtest.Field("id", runtest.Int64Type), runtest.Field("a, b: {c} # d", runtest.TextType), runtest.Field("${x}", runtest.TextType), runtest.Field("clash", runtest.Int64Type)},
	} {
		runtest.WriteTable(t, filepath.Join(folder, "odd: [name]", "k'0=x", fmt.Sprintf("%d.parquet", i)), `[{"id": 1}]`, fields...)
	}
	runtest.WriteTable(t, filepath.Join(folder, "odd: [name]", "9.parquet"), `[{"id": null}]`, runtest.Field("id", runtest.Int32Type))
	text, err := starter.Write(t.Context(), filepath.Join(folder, "odd: [name]"), folder, config.FormatAuto)
	require.NoError(t, err)
	cfg := runtest.Configure(t, folder, text)
	table := runtest.PlanOf(t, cfg)
	var columns []string
	for _, column := range table.Columns {
		columns = append(columns, column.Name+" "+column.SQLType)
	}
	assert.Equal(t, []string{"id BIGINT", "list TEXT", "a, b: {c} # d TEXT", "${x} TEXT", "k'0 TEXT"}, columns)
	assert.Contains(t, text, "left out: column \"wide\"")
	assert.Contains(t, text, "left out: column \"clash\" is utf8 in 1 file")
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
}
