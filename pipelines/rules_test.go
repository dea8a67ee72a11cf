package pipelines_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines"
	"hyperlake/pipelines/runtest"
)

const rulesConfig = runtest.NumbersConfig + `    rules:
      - {column: code, in_file: codes.txt}
      - {column: code, min_length: 2, max_length: 3, matches: "^[A-ZÉ]+$"}
      - {column: rate, finite: true, on_fail: warn}
      - {name: shipped first, expr: "shipped <= received"}
      - {expr: "10 / n >= 1 && code.trim() != ''"}
`

// writeRulesLake has a row that breaks each rule, one that breaks several, and good ones.
func writeRulesLake(t *testing.T, folder string) {
	t.Helper()
	date := arrow.FixedWidthTypes.Date32
	runtest.WriteTable(t, filepath.Join(folder, "lake", "a.parquet"), `[
		{"n": 1, "code": "AB", "rate": 0.5, "shipped": 10, "received": 11},
		{"n": 2, "code": "ZZ", "rate": 0.5, "shipped": 10, "received": 11},
		{"n": 3, "code": "abc", "rate": 0.5, "shipped": 10, "received": 11},
		{"n": 4, "code": "AB", "rate": 0.5, "shipped": 12, "received": 11},
		{"n": 0, "code": "X", "rate": null, "shipped": 12, "received": 11},
		{"n": 5, "code": null, "rate": null, "shipped": null, "received": 11},
		{"n": 6, "code": "ÉÉÉ", "rate": 0.5, "shipped": 11, "received": 11}]`,
		runtest.Field("n", runtest.Int64Type), runtest.Field("code", runtest.TextType), runtest.Field("rate", arrow.PrimitiveTypes.Float64), runtest.Field("shipped", date), runtest.Field("received", date))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "codes.txt"), []byte("\ufeffAB\r\nabc\r\n\r\nÉÉÉ"), 0o600))
}

func TestRulesOfEveryKind(t *testing.T) {
	folder := t.TempDir()
	writeRulesLake(t, folder)
	cfg := runtest.Configure(t, folder, rulesConfig)
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	var failed []string
	for _, rule := range report.Tables[0].Rules {
		if rule.Failed > 0 {
			failed = append(failed, rule.Name)
		}
	}
	assert.Equal(t, []string{
		"code in file codes.txt", "code at least 2 characters and at most 3 characters and matches ^[A-ZÉ]+$",
		"shipped first", "10 / n >= 1 && code.trim() != ''",
	}, failed)
	assert.EqualValues(t, 4, report.Tables[0].RowsRejected)
	assert.Equal(t, []string{"1", "5", "6"}, runtest.RowsIn(t, cfg.Output.Path, `SELECT n FROM x."Extract"."Extract" ORDER BY 1`))

	table := runtest.PlanOf(t, cfg)
	assert.Equal(t, []string{"code.trim()"}, table.RowByRow)
	assert.Empty(t, table.Rules[0].Values, "a plan does not list the values of a file")
}

// A rule may be about columns that are not loaded.
func TestExpressionsReadColumnsThatAreNotLoaded(t *testing.T) {
	folder := t.TempDir()
	writeRulesLake(t, folder)
	cfg := runtest.Configure(t, folder, runtest.NumbersConfig+"    rules: [{expr: shipped <= received}]\n")
	cfg.Tables[0].Source.Select = []string{"n"}
	report, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 2, report.Tables[0].RowsRejected)
	assert.Len(t, runtest.PlanOf(t, cfg).Columns, 1)
}

func TestSetsAreReadForThePlan(t *testing.T) {
	folder := t.TempDir()
	writeRulesLake(t, folder)
	cfg := runtest.Configure(t, folder, rulesConfig)
	require.NoError(t, os.Remove(filepath.Join(folder, "codes.txt")))
	_, err := pipelines.MakePlan(t.Context(), cfg)
	refused := failure.Of(err, failure.Engine)
	require.NotNil(t, refused)
	assert.Equal(t, `table Extract.Extract: rule "code in file codes.txt": in_file `+filepath.Join(folder, "codes.txt")+`: there is no such file`, refused.Message)
	assert.Equal(t, failure.Config, refused.Kind)
	assert.True(t, refused.Early, "exit code 2")
	assert.NotEmpty(t, refused.Hint)
}
