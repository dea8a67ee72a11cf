package checks_test

import (
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
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
)

// checkedLake has orders and their customers, of which one is missing.
func checkedLake(t *testing.T, config string) *config.Config {
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "orders", "f.parquet"),
		`[{"id": 1, "customer": 7, "day": "2026-01-31"}, {"id": 2, "customer": 8, "day": "2026-02-01"}, {"id": 2, "customer": null, "day": null}, {"id": null, "customer": 7, "day": null}]`,
		runtest.Field("id", runtest.Int64Type), runtest.Field("customer", runtest.Int64Type), runtest.Field("day", arrow.FixedWidthTypes.Date32))
	runtest.WriteTable(t, filepath.Join(folder, "customers", "f.parquet"), `[{"key": 7, "name": "x"}]`, runtest.Field("key", runtest.Int64Type), runtest.Field("name", runtest.TextType))
	return runtest.Configure(t, folder, `
name: shop
tables:
  - name: customers
    source: {uri: customers/*.parquet}
    columns: {key: {rename: id}}
    primary_key: [key]
  - name: orders
    source: {uri: orders/*.parquet}
    foreign_keys: [{columns: [customer], references: customers, to: [key]}]
    checks: `+config+"\n")
}

// What hyperd does not take is known before any data is read, all of it at once and with its place.
func TestChecksAreTriedOnTablesWithoutRows(t *testing.T) {
	for name, c := range map[string]struct{ checks, says, more string }{
		"a misspelt column":  {`[{sql: 'select count(idd) = 4 from "Extract"."orders"'}]`, "unknown column 'idd'", ""},
		"no such table":      {`[{sql: 'select true from nowhere'}]`, "nowhere", ""},
		"no SQL":             {`[{sql: 'select true from'}]`, "syntax error", ""},
		"two columns":        {`[{sql: 'select true, true'}]`, "this one has 2 columns", ""},
		"another type":       {`[{sql: 'select sum(day) = 4 from "Extract"."orders"'}]`, "sum", ""},
		"several, not alone": {`[{sql: 'select true'}, {sql: 'select a'}, {unique: [id]}, {sql: 'select b'}]`, "unknown column 'a'", "checks[3].sql: unknown column 'b'"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := checkedLake(t, c.checks)
			report, err := runtest.Run(t, t.Context(), cfg, nil)
			failed := failure.Of(err, failure.Engine)
			require.NotNil(t, failed)
			assert.Equal(t, failure.Config, failed.Kind)
			assert.True(t, failed.Early, "exit code 2")
			assert.Regexp(t, `\.yaml:\d+:\d+: tables\[1\]\.checks\[\d\]\.sql: `, failed.Message)
			assert.Contains(t, failed.Message, c.says)
			if c.more == "" {
				assert.Empty(t, failed.More)
			} else {
				require.Len(t, failed.More, 1)
				assert.Contains(t, failed.More[0].Message, c.more)
			}
			assert.NoFileExists(t, cfg.Output.Path)
			for _, stage := range report.Stages {
				assert.NotEqual(t, "load", stage.Name)
			}
		})
	}
}

func TestChecks(t *testing.T) {
	cases := []struct {
		name, check string
		message     string // empty if it passes
		offending   int64
	}{
		{"sql", `{sql: 'select count(*) = 4 from "Extract"."orders"'}`, "", 0},
		{"sql over two tables", `{sql: 'select count(*) = 2 from "Extract"."orders" o join "Extract"."customers" c on c.id = o.customer'}`, "", 0},
		{"false sql", `{name: few, sql: 'select count(*) < 4 from "Extract"."orders"'}`, "it is false, expected is true", 0},
		{"NULL", `{sql: 'select null::boolean'}`, "it is NULL, expected is true", 0},
		{"not a boolean", `{sql: 'select 1'}`, "it is neither true nor false, expected is true", 0},
		{"a value that does not do", `{sql: "select bool_and(cast('c4nary' || id as int) > 0) from \"Extract\".\"orders\""}`,
			"it cannot be evaluated: there is a value for which it has no result (hyperd error 22P02); --log-values shows more", 0},
		{"several rows", `{sql: 'select true from "Extract"."orders"'}`, "it cannot be evaluated: ", 0},
		{"unique", `{unique: [customer, id]}`, "", 0},
		{"not unique", `{unique: [id]}`, "2 rows have values of (id) that other rows have, too", 2},
		{"rows", `{row_count: {min: 4, max: 4}}`, "", 0},
		{"too few rows", `{row_count: {min: 5}}`, "there are 4 rows, expected are at least 5 rows", 0},
		{"too many rows", `{row_count: {max: 3}}`, "there are 4 rows, expected are at most 3 rows", 0},
		{"keys", `{foreign_keys: true}`, "1 rows refer to a row of customers that is not there", 1},
		{"old", `{freshness: {column: day, max_age: 2d}}`, "the latest value is 2026-02-01, expected is none before", 0},
		{"fresh", `{freshness: {column: day, max_age: 36500d}}`, "", 0},
		{"nothing to compare with", `{compare_previous: {max_change: 0}}`, "", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg := checkedLake(t, "["+c.check+"]")
			record, err := runtest.Run(t, t.Context(), cfg, nil)
			require.Len(t, record.Tables, 2)
			require.Len(t, record.Tables[1].Checks, 1)
			result := record.Tables[1].Checks[0]
			assert.Empty(t, result.Samples, "values are shown only when they may be")
			if c.message == "" {
				require.NoError(t, err)
				assert.True(t, result.Passed)
				return
			}
			require.Error(t, err)
			assert.Equal(t, failure.Check, failure.Of(err, failure.Engine).Kind)
			assert.Equal(t, report.Rejected, record.Status)
			assert.False(t, result.Passed)
			assert.Contains(t, result.Message, c.message)
			assert.Contains(t, err.Error(), c.message)
			assert.NotContains(t, result.Message, "c4nary", "a value")
			if c.offending > 0 {
				require.NotNil(t, result.Offending)
				assert.Equal(t, c.offending, *result.Offending)
			}
			assert.NoFileExists(t, cfg.Output.Path)
		})
	}
}

func TestChecksLeaveTheOutputAlone(t *testing.T) {
	cfg := checkedLake(t, "[{unique: [id]}, {row_count: {min: 9}}, {row_count: {min: 1}}]")
	require.NoError(t, os.WriteFile(cfg.Output.Path, []byte("as before"), 0o600))
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, "2 checks do not pass")
	var passed []bool
	for _, result := range report.Tables[1].Checks {
		passed = append(passed, result.Passed)
	}
	assert.Equal(t, []bool{false, false, true}, passed, "every check is evaluated")
	data, err := os.ReadFile(cfg.Output.Path)
	require.NoError(t, err)
	assert.Equal(t, "as before", string(data))
}

func TestComparePrevious(t *testing.T) {
	cfg := checkedLake(t, "[{compare_previous: {max_change: 0.5}}]")
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	cfg.Tables[1].Source.Where = "id == 1"
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, "there are 1 rows, in the previous extract there were 4")
	cfg.Tables[1].Source.Where = "id != null && id <= 2 && customer == null || id == 1"
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err, "half of the rows may go")
}

// The number of rows is compared with that of earlier runs as soon as there are enough, of which runs that were rejected are none.
func TestRowCountVsHistory(t *testing.T) {
	cfg := checkedLake(t, "[{row_count: {min: 1, vs_history: 2, max_deviation: 1}}]")
	for _, known := range []string{"0 runs", "1 run"} {
		record, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		note := "the number of rows was not compared with earlier runs: " + known + " of the 2 that it needs made an extract"
		assert.Equal(t, note, record.Tables[1].Checks[0].Message)
		assert.True(t, record.Tables[1].Checks[0].Passed)
		assert.Contains(t, record.Warnings, `check "at least 1 rows and about as many rows as in the last 2 runs" of table Extract.orders passes, but `+note)
	}
	cfg.Tables[1].Source.Where = "id == 1"
	for range 3 {
		_, err := runtest.Run(t, t.Context(), cfg, nil)
		require.ErrorContains(t, err, "there are 1 rows, expected are at least 1 rows and 3 to 5 rows "+
			"(in the last 2 runs the median was 4 and its median deviation 1, of which 1 are allowed)")
	}
	cfg.Tables[1].Source.Where = "id != null"
	record, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Empty(t, record.Tables[1].Checks[0].Message)
	assert.Empty(t, record.Warnings)
}

// What only warns is told, and the extract is in place.
func TestChecksThatWarn(t *testing.T) {
	cfg := checkedLake(t, "[{unique: [id], on_fail: warn}, {sql: 'select null::boolean', on_fail: warn}, {unique: [customer, id], on_fail: fail}]")
	record, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, report.Succeeded, record.Status)
	assert.FileExists(t, cfg.Output.Path)
	var results []string
	for _, result := range record.Tables[1].Checks {
		results = append(results, fmt.Sprint(result.Passed, " ", result.OnFail))
	}
	assert.Equal(t, []string{"false warn", "false warn", "true fail"}, results)
	assert.Equal(t, []string{
		`check "unique (id)" of table Extract.orders does not pass: 2 rows have values of (id) that other rows have, too (on_fail: warn)`,
		`check "\"select null::boolean\"" of table Extract.orders does not pass: it is NULL, expected is true (on_fail: warn)`,
	}, record.Warnings)

	cfg.Tables[1].Checks[2].Unique = []string{"id"}
	record, err = runtest.Run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, "check does not pass")
	assert.NotContains(t, err.Error(), "NULL", "what only warns is no reason")
	assert.Len(t, record.Warnings, 2, "but told all the same")
}

func known(n int64) *int64 { return &n }

func TestColumnsAreDescribed(t *testing.T) {
	cfg := checkedLake(t, "[]")
	record, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []report.Column{
		{Name: "id", SQLType: "BIGINT", Nulls: 1, Min: "1", Max: "2", Distinct: known(2)},
		{Name: "customer", SQLType: "BIGINT", Nulls: 1, Min: "7", Max: "8", Distinct: known(2)},
		{Name: "day", SQLType: "DATE", Nulls: 2, Min: "2026-01-31", Max: "2026-02-01", Distinct: known(2)},
	}, record.Tables[1].Columns)
	assert.Equal(t, report.Column{Name: "name", SQLType: "TEXT", Hidden: true, Distinct: known(1)}, record.Tables[0].Columns[1])
}

func TestAssumedKeysAreInTheExtract(t *testing.T) {
	cfg := checkedLake(t, "[]")
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	constraints := runtest.RowsIn(t, cfg.Output.Path, `SELECT contype, count(*) FROM x.pg_catalog.pg_constraint GROUP BY 1 ORDER BY 1`)
	assert.Equal(t, "f|1 p|1", strings.Join(constraints, " "))
}

func TestKeysThatAreRefused(t *testing.T) {
	for keys, says := range map[string]string{
		"primary_key: [nope]":   `no column "nope"`,
		"primary_key: [id, id]": `names the column "id" twice`,
		"foreign_keys: [{columns: [customer], references: customers, to: [name]}]": "which is not its primary key",
	} {
		cfg := checkedLake(t, "[]")
		text, err := os.ReadFile(filepath.Join(filepath.Dir(cfg.Output.Path), "config.yaml"))
		require.NoError(t, err)
		replaced := strings.Replace(string(text), "foreign_keys: [{columns: [customer], references: customers, to: [key]}]", keys, 1)
		cfg = runtest.Configure(t, filepath.Dir(cfg.Output.Path), replaced)
		_, err = pipelines.MakePlan(t.Context(), cfg)
		require.ErrorContains(t, err, says, keys)
		require.ErrorContains(t, err, "config.yaml:10:", keys)
		assert.True(t, failure.Of(err, failure.Engine).Early)
	}
}

// hyperd believes assumed keys. The checks must not.
func TestKeysAreNotBelieved(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteParquet(t, filepath.Join(folder, "lake", "a.parquet"), 1, 2, 3)
	runtest.WriteParquet(t, filepath.Join(folder, "lake", "b.parquet"), 3, 4)
	cfg := runtest.Configure(t, folder, runtest.NumbersConfig+"    primary_key: [n]\n    checks: [{foreign_keys: true}, {unique: [n]}]\n")
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, "2 checks do not pass")
	var messages []string
	for _, result := range report.Tables[0].Checks {
		if !result.Passed {
			messages = append(messages, result.Message)
		}
	}
	assert.Equal(t, []string{"2 rows have values of (n) that other rows have, too", "2 rows have values of (n) that other rows have, too"}, messages)

	runtest.WriteTable(t, filepath.Join(folder, "lake", "b.parquet"), `[{"n": null}]`, runtest.Field("n", runtest.Int64Type))
	report, err = runtest.Run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, "primary key (n) is not NULL")
	require.NotNil(t, report.Tables[0].Checks[1].Offending)
	assert.EqualValues(t, 1, *report.Tables[0].Checks[1].Offending)
}
