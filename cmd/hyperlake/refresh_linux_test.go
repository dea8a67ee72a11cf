//go:build faults

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/report"
)

// refreshConfig has rejects and a check.
const refreshConfig = `name: sales
refresh: {mode: changed}
tables:
  - source: {uri: "lake/**/*.parquet"}
    rules: [{column: l_quantity, max: 45}, {column: l_shipmode, in: [AIR, MAIL, RAIL, SHIP, TRUCK], on_fail: warn}]
    rejects: {path: rejects}
    checks: [{row_count: {min: 1}}]
`

// contentSQL tells extracts apart, whatever the order of their rows.
const contentSQL = `select day, count(*), sum(l_orderkey), sum(l_partkey * l_linenumber), sum(l_extendedprice), min(l_comment), max(l_comment) ` +
	`from "Extract"."Extract" group by 1 order by 1`

// nightOf puts another file into a day of the lake.
func nightOf(t *testing.T, folder string, random *rand.Rand) {
	t.Helper()
	part := 1 + random.IntN(3)
	data, err := os.ReadFile(fmt.Sprintf("../../testdata/lake/lineitem/lineitem.%d.parquet", part))
	require.NoError(t, err)
	path := filepath.Join(folder, "lake", fmt.Sprintf("day=%d", random.IntN(6)), fmt.Sprintf("%d.parquet", random.IntN(2)))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path+".tmp", data, 0o600))
	require.NoError(t, os.Rename(path+".tmp", path))
}

// tablesOf are the accounts of the tables in a report, without what differs between runs.
func tablesOf(t *testing.T, text string) []report.TableAccount {
	t.Helper()
	r := reportOf(t, text)
	for i := range r.Tables {
		r.Tables[i].RejectsPath = ""
	}
	return r.Tables
}

// Wherever a night is killed, the next run ends as a full build of the same lake would, and so do all after it: with one extract, and
// with several, of which some may have been moved.
func TestNightsThatAreKilled(t *testing.T) {
	for name, more := range map[string]string{"one extract": "", "an extract for each day": "    repartition: {split_by: day}\n"} {
		t.Run(name, func(t *testing.T) { killNights(t, refreshConfig+more) })
	}
}

func killNights(t *testing.T, config string) {
	folder := t.TempDir()
	random := rand.New(rand.NewPCG(1, 0))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "sales.yaml"), []byte(config), 0o600))
	for range 6 {
		nightOf(t, folder, random)
	}
	began := time.Now()
	runs(t, folder, 0, "generate", "sales.yaml")
	usual := time.Since(began)
	modes, killed := map[report.RefreshMode]int{}, 0
	for range 12 {
		nightOf(t, folder, random)
		cmd := program(t, folder, nil, "generate", "sales.yaml")
		require.NoError(t, cmd.Start())
		time.Sleep(time.Duration(random.Int64N(int64(usual)))) // at some moment: which one, nobody needs to know
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			killed++
		}
		printed, _ := runs(t, folder, 0, "generate", "sales.yaml", "--json", "--lock-wait", "10s")
		got := reportOf(t, printed)
		modes[got.Refresh.Mode]++
		full, _ := runs(t, folder, 0, "generate", "sales.yaml", "--json", "--set", "refresh.mode=full",
			"--set", "output.path=full.hyper", "--set", "tables.0.rejects.path=full-rejects")
		assert.Equal(t, tablesOf(t, full), tablesOf(t, printed))
		extracts := extractsOf(t, folder, reportOf(t, full), got)
		for want, got := range extracts {
			want, _ := runs(t, folder, 0, "sql", want, contentSQL, "--csv")
			got, _ := runs(t, folder, 0, "sql", got, contentSQL, "--csv")
			require.Equal(t, want, got)
		}
		rejected := `select count(*), sum(l_orderkey), sum(_row) from external(array%s, format => 'parquet')`
		require.Equal(t, rejectsSQL(t, folder, "full-rejects", rejected), rejectsSQL(t, folder, "rejects", rejected))
	}
	t.Log(killed, "killed", modes)
	assert.Positive(t, killed)
	assert.Positive(t, modes[report.RefreshChanged])
	listed, _ := runs(t, folder, 0, "history", "sales.yaml")
	assert.Contains(t, listed, "lost")
	assert.NotContains(t, listed, "running")
}

func reportOf(t *testing.T, text string) report.Report {
	t.Helper()
	var r report.Report
	require.NoError(t, json.Unmarshal([]byte(text), &r))
	return r
}

// extractsOf are the extracts of a full build, and those of a refresh that should be the same.
func extractsOf(t *testing.T, folder string, full, got report.Report) map[string]string {
	t.Helper()
	if len(full.Outputs) == 0 {
		return map[string]string{"full.hyper": "sales.hyper"}
	}
	require.Len(t, got.Outputs, len(full.Outputs))
	extracts := map[string]string{}
	for i, extract := range full.Outputs {
		assert.Equal(t, []any{extract.Value, extract.Rows}, []any{got.Outputs[i].Value, got.Outputs[i].Rows})
		extracts[extract.Path] = got.Outputs[i].Path
	}
	there, err := filepath.Glob(filepath.Join(folder, "sales-*.hyper"))
	require.NoError(t, err)
	assert.Len(t, there, len(extracts))
	return extracts
}

// rejectsSQL asks hyperd about the reject files of a folder.
func rejectsSQL(t *testing.T, folder, name, query string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, name, "*.parquet"))
	require.NoError(t, err)
	quoted := make([]string, len(files))
	for i, file := range files {
		quoted[i] = "'" + file + "'"
	}
	extracts, err := filepath.Glob(filepath.Join(folder, "sales*.hyper"))
	require.NoError(t, err)
	printed, _ := runs(t, folder, 0, "sql", "--allow-external", extracts[0], fmt.Sprintf(query, "["+strings.Join(quoted, ", ")+"]"), "--csv")
	return printed
}
