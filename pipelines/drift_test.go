package pipelines_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
)

// loaded runs a configuration of the files of a folder's lake, and returns the rows.
func loaded(t *testing.T, folder, source, rest string) ([]string, *report.Report) {
	t.Helper()
	cfg := runtest.Configure(t, folder, "name: x\ntables:\n  - source: {uri: lake/*.parquet"+source+"}\n"+rest)
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	return runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows), report
}

// What a configuration makes of one table whose timestamps Spark wrote in two ways.
func TestInt96BesideInstants(t *testing.T) {
	lake := filepath.Join(t.TempDir(), "lake")
	for _, name := range []string{"recent", "int96_kolkata", "millis_berlin"} {
		sparkFile(t, lake, name)
	}
	for _, drift := range []string{"", ", on_drift: union"} {
		source := "name: x\ntables:\n  - source: {uri: " + lake + "/*.parquet, select: [id, t]" + drift + "}\n"
		if drift == "" {
			_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, t.TempDir(), source))
			require.ErrorContains(t, err, "the files differ")
		} else {
			plan := runtest.RequireSame(t, source)
			assert.Equal(t, "TIMESTAMPTZ", plan.Columns[1].SQLType)
		}
		plan := runtest.RequireSame(t, source+"    columns: {t: {type: timestamptz}}\n    rules: [{column: t, min: 1800-01-01T00:00:00Z}]\n    rejects: {path: rejects}\n")
		assert.Equal(t, "TIMESTAMPTZ", plan.Columns[1].SQLType)
		require.Len(t, plan.Drift, 1)
		assert.Contains(t, plan.Drift[0], "read as timestamp[us, tz=UTC]")
		assert.Equal(t, 1, plan.Deferred)
	}
	folder := t.TempDir()
	sparkFile(t, filepath.Join(folder, "lake"), "int96_kolkata")
	rows, _ := loaded(t, folder, ", select: [id, t], where: 'id == 23'", "    columns: {t: {type: timestamptz}}\n")
	assert.Equal(t, []string{"23|2019-12-31 19:32:03+00"}, rows, "INT96 alone is an instant, too, where one is asked for")
}

// A structure may gain and lose fields, and fields may widen.
func TestStructuresThatGrow(t *testing.T) {
	folder := t.TempDir()
	lake := filepath.Join(folder, "lake")
	person := func(fields ...arrow.Field) arrow.Field { return runtest.Field("p", arrow.StructOf(fields...)) }
	runtest.WriteTable(t, filepath.Join(lake, "a.parquet"), `[{"id": 1, "p": {"name": "Ada", "age": 36}}, {"id": 2, "p": null}]`,
		runtest.Field("id", runtest.Int64Type), person(runtest.Field("name", runtest.TextType), runtest.Field("age", runtest.Int32Type)))
	runtest.WriteTable(t, filepath.Join(lake, "b.parquet"), `[{"id": 3, "p": {"mail": "a@b", "age": 5000000000, "name": "Bob"}}]`,
		runtest.Field("id", runtest.Int64Type), person(runtest.Field("mail", runtest.TextType), runtest.Field("age", runtest.Int64Type), runtest.Field("name", runtest.TextType)))

	_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, "name: x\ntables:\n  - source: {uri: lake/*.parquet, nested: json}\n"))
	require.ErrorContains(t, err, "the files differ")
	rows, _ := loaded(t, folder, ", nested: json, on_drift: union", "")
	assert.Equal(t, []string{`1|{"name":"Ada","age":36,"mail":null}`, "2|NULL", `3|{"name":"Bob","age":5000000000,"mail":"a@b"}`}, rows)
	rows, _ = loaded(t, folder, ", nested: flatten, on_drift: union", "    columns: {p.mail: {rename: mail}}\n    rules: [{column: p.age, max: 40, on_fail: warn}]\n")
	assert.Equal(t, []string{"1|Ada|36|NULL", "2|NULL|NULL|NULL", "3|Bob|5000000000|a@b"}, rows)

	runtest.WriteTable(t, filepath.Join(lake, "c.parquet"), `[{"id": 4, "p": {"name": "Eve", "age": "old"}}]`,
		runtest.Field("id", runtest.Int64Type), person(runtest.Field("name", runtest.TextType), runtest.Field("age", runtest.TextType)))
	rows, report := loaded(t, folder, ", nested: flatten, on_drift: union", "    columns: {p.age: {type: bigint}}\n    rejects: {path: rejects}\n")
	assert.Equal(t, []string{"1|Ada|36|NULL", "2|NULL|NULL|NULL", "3|Bob|5000000000|a@b"}, rows)
	assert.EqualValues(t, 1, report.Tables[0].RowsRejected)
}

// What writers do not agree on says nothing about values.
func TestStructuresThatAreAlike(t *testing.T) {
	folder := t.TempDir()
	lake := filepath.Join(folder, "lake")
	runtest.WriteTable(t, filepath.Join(lake, "a.parquet"), `[{"id": 1, "p": {"a": 1, "b": [1]}}]`, runtest.Field("id", runtest.Int64Type),
		runtest.Field("p", arrow.StructOf(arrow.Field{Name: "a", Type: runtest.Int64Type}, runtest.Field("b", arrow.ListOfNonNullable(runtest.Int64Type)))))
	runtest.WriteTable(t, filepath.Join(lake, "b.parquet"), `[{"id": 2, "p": {"b": [null, 2], "a": null}}]`, runtest.Field("id", runtest.Int64Type),
		runtest.Field("p", arrow.StructOf(runtest.Field("b", arrow.ListOf(runtest.Int64Type)), runtest.Field("a", runtest.Int64Type))))
	rows, _ := loaded(t, folder, ", nested: json", "")
	assert.Equal(t, []string{`1|{"a":1,"b":[1]}`, `2|{"a":null,"b":[null,2]}`}, rows)
	rows, _ = loaded(t, folder, "", "    columns: {p: {nested: flatten}, p.b: {nested: json}}\n")
	assert.Equal(t, []string{"1|1|[1]", "2|NULL|[null,2]"}, rows)
}

// A column that is a number in some files and text in others becomes what is asked for.
func TestNumbersBesideText(t *testing.T) {
	folder := t.TempDir()
	lake := filepath.Join(folder, "lake")
	runtest.WriteTable(t, filepath.Join(lake, "a.parquet"), `[{"n": 1, "id": 7}, {"n": 2, "id": -100}, {"n": 3, "id": null}]`, runtest.Field("n", runtest.Int64Type), runtest.Field("id", runtest.Int64Type))
	runtest.WriteTable(t, filepath.Join(lake, "b.parquet"), `[{"n": 4, "id": "12"}, {"n": 5, "id": "x-1"}]`, runtest.Field("n", runtest.Int64Type), runtest.Field("id", runtest.TextType))
	runtest.WriteTable(t, filepath.Join(lake, "c.parquet"), `[{"n": 6, "id": "1.50"}]`, runtest.Field("n", runtest.Int64Type), runtest.Field("id", &arrow.Decimal128Type{Precision: 5, Scale: 2}))

	for _, drift := range []string{"", ", on_drift: union"} {
		_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, "name: x\ntables:\n  - source: {uri: lake/*.parquet"+drift+"}\n"))
		require.ErrorContains(t, err, `column "id" is`)
		assert.True(t, failure.Of(err, failure.Engine).Early)
		hint := failure.Of(err, failure.Engine).Hint
		assert.Contains(t, hint, "columns: {id: {type: text}}")
		assert.NotContains(t, hint, "on_drift", "which does not help")
		rows, _ := loaded(t, folder, drift, "    columns: {id: {type: text, rename: key, default: none}}\n")
		assert.Equal(t, []string{"1|7", "2|-100", "3|none", "4|12", "5|x-1", "6|1.50"}, rows)

		asked := "    columns: {id: {type: bigint}}\n    rules: [{column: id, min: 0}]\n    rejects: {path: rejects}\n"
		rows, report := loaded(t, folder, drift, asked)
		assert.Equal(t, []string{"1|7", "3|NULL", "4|12"}, rows)
		assert.EqualValues(t, 3, report.Tables[0].RowsRejected)
		rejected := strings.Join(runtest.RejectRows(t, filepath.Join(folder, "rejects")), " ")
		for _, value := range []string{`"-100"`, `"x-1"`, `"1.50"`} {
			assert.Contains(t, rejected, value, "rejects hold what the files do, as text")
		}
		rows, _ = loaded(t, folder, drift+", where: 'id > 8'", asked)
		assert.Equal(t, []string{"4|12"}, rows, "text of numbers has another order than numbers")
	}
}

// Local times become instants in their zone; files that say instants stay what they are.
func TestLocalTimesBesideInstants(t *testing.T) {
	folder := t.TempDir()
	lake := filepath.Join(folder, "lake")
	runtest.WriteTable(t, filepath.Join(lake, "b.parquet"), `[{"n": 1, "t": "2026-07-01 12:00:00"}]`, runtest.Field("n", runtest.Int64Type), runtest.Field("t", &arrow.TimestampType{Unit: arrow.Microsecond}))
	runtest.WriteTable(t, filepath.Join(lake, "a.parquet"), `[{"n": 2, "t": "2026-07-01 12:00:00"}]`, runtest.Field("n", runtest.Int64Type), runtest.Field("t", arrow.FixedWidthTypes.Timestamp_us))
	for _, drift := range []string{"", ", on_drift: union"} {
		config := "name: x\ntables:\n  - source: {uri: lake/*.parquet" + drift + "}\n    columns: {t: {type: timestamptz}}\n"
		_, err := pipelines.MakePlan(t.Context(), runtest.Configure(t, folder, config))
		require.ErrorContains(t, err, "the files differ")
		assert.Contains(t, failure.Of(err, failure.Engine).Hint, "columns: {t: {type: timestamptz, timezone: UTC}}")
	}
	rows, _ := loaded(t, folder, "", "    columns: {t: {type: timestamptz, timezone: Europe/Berlin}}\n")
	assert.Equal(t, []string{"1|2026-07-01 10:00:00+00", "2|2026-07-01 12:00:00+00"}, rows)
}
