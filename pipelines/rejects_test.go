package pipelines_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
)

const amountsConfig = `
name: amounts
tables:
  - source: {uri: lake/**/*.parquet}
    columns: {amount: {type: "numeric(9,2)"}}
    rules:
      - {column: amount, max: 100}
      - {column: id, not_null: true}
      - {column: note, matches: "^[a-z]*$", on_fail: warn}
    rejects: `

// amountsLake has four rows, of which two are bad, one in two ways.
func amountsLake(t *testing.T) string {
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "lake", "day=2026-01-31", "a.parquet"),
		`[{"id": 1, "amount": "1.50", "note": "fine"}, {"id": 2, "amount": "many", "note": "secret ünï"}, {"id": 3, "amount": null, "note": null}, {"id": null, "amount": "500", "note": "x"}]`,
		runtest.Field("id", runtest.Int64Type), runtest.Field("amount", runtest.TextType), runtest.Field("note", runtest.TextType))
	return folder
}

func TestRejectsKeepWhatTheSourceHad(t *testing.T) {
	for _, workers := range []string{"1", "3"} {
		folder := amountsLake(t)
		cfg := runtest.Configure(t, folder, amountsConfig+"{path: bad/rows}\nrunner: {parallelism: "+workers+"}\n")
		record, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"1|1.50|fine|2026-01-31", "3|NULL|NULL|2026-01-31"}, runtest.RowsIn(t, cfg.Output.Path, runtest.ExtractRows))
		file := filepath.Join(folder, "lake", "day=2026-01-31", "a.parquet")
		rows := runtest.RejectRows(t, filepath.Join(folder, "bad", "rows"))
		require.Len(t, rows, 2)
		assert.JSONEq(t, `{"id": 2, "amount": "many", "note": "secret ünï", "day": "2026-01-31", "_file": "`+file+`", "_row_group": 0, "_row": 1,
			"_rules": ["note matches ^[a-z]*$", "amount does not convert to NUMERIC(9,2)"],
			"_reasons": ["found \"secret ünï\", expected matches ^[a-z]*$", "found \"many\", which does not convert to NUMERIC(9,2)"]}`, rows[0])
		assert.JSONEq(t, `{"id": null, "amount": "500", "note": "x", "day": "2026-01-31", "_file": "`+file+`", "_row_group": 1, "_row": 3,
			"_rules": ["amount <= 100", "id not null"], "_reasons": ["found 500.00, expected <= 100", "found NULL, expected not null"]}`, rows[1])
		assert.Equal(t, filepath.Join(folder, "bad", "rows"), record.Tables[0].RejectsPath)
		assert.Contains(t, record.Tables[0].Samples, report.Sample{Rule: "id not null", File: file, RowGroup: 1, Row: 3, Form: "NULL"})
		text, err := json.Marshal(record)
		require.NoError(t, err)
		assert.NotContains(t, string(text), "secret")
		assert.NotContains(t, string(text), "many")
	}
}

// Repaired rejects are a source for the same configuration.
func TestRejectsAreASource(t *testing.T) {
	folder := amountsLake(t)
	cfg := runtest.Configure(t, folder, amountsConfig+"{path: bad}\n")
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	cfg = runtest.Configure(t, folder, amountsConfig+"{path: bad2}\n")
	cfg.Tables[0].Source.URI = config.Globs{filepath.Join(folder, "bad", "*.parquet")}
	cfg.Tables[0].Rules = nil
	cfg.Tables[0].Columns = nil
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"2|many|secret ünï|2026-01-31", "NULL|500|x|2026-01-31"},
		runtest.RowsIn(t, cfg.Output.Path, `SELECT * FROM x."Extract"."Extract" ORDER BY 1 NULLS LAST`))
	cfg.Tables[0].Source.Select = []string{"_row", "id"}
	cfg.Tables[0].Rejects.Path = ""
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err, "who asks for the columns gets them")
}

func TestRejectsAreReplacedAsAWhole(t *testing.T) {
	folder := amountsLake(t)
	cfg := runtest.Configure(t, folder, amountsConfig+"{path: bad}\n")
	bad := filepath.Join(folder, "bad")
	for range 2 {
		_, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		assert.Len(t, runtest.RejectRows(t, bad), 2)
	}
	cfg.Tables[0].Source.Where = "id == 1"
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Empty(t, runtest.RejectRows(t, bad), "the last run had none")
	runtest.RequireOnly(t, folder, "config.yaml", "lake", "bad", "amounts.hyper")

	require.NoError(t, os.WriteFile(filepath.Join(bad, "mine.txt"), nil, 0o600))
	_, err = pipelines.MakePlan(t.Context(), cfg)
	require.ErrorContains(t, err, "mine.txt")
	assert.True(t, failure.Of(err, failure.Engine).Early)
}

func TestThresholds(t *testing.T) {
	for limits, says := range map[string]string{
		"max_rows: 2":                 "",
		"max_rows: 1":                 `2 of 4 rows were rejected, max_rows allows 1: broken were "amount <= 100" by 1 rows (first in file `,
		"max_ratio: 0.5":              "",
		"max_ratio: 0.49":             "max_ratio allows 0.49 of them",
		"max_rows: 9, max_ratio: 0.1": "max_ratio allows",
	} {
		t.Run(limits, func(t *testing.T) {
			folder := amountsLake(t)
			cfg := runtest.Configure(t, folder, amountsConfig+"{path: bad, "+limits+"}\n")
			require.NoError(t, os.WriteFile(cfg.Output.Path, []byte("as before"), 0o600))
			record, err := runtest.Run(t, t.Context(), cfg, nil)
			assert.Len(t, runtest.RejectRows(t, filepath.Join(folder, "bad")), 2, "rejects are kept")
			assert.NotNil(t, record.Tables[0].Thresholds)
			if says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, says)
			assert.NotContains(t, err.Error(), "many")
			assert.Equal(t, failure.Data, failure.Of(err, failure.Engine).Kind)
			assert.Equal(t, report.Rejected, record.Status)
			assert.NotEmpty(t, record.Tables[0].Samples)
			data, err := os.ReadFile(cfg.Output.Path)
			require.NoError(t, err)
			assert.Equal(t, "as before", string(data))
		})
	}
}

// Rows that were all rejected leave nothing to load, as no rows do. What the rules say about
// them is kept.
func TestNothingButRejects(t *testing.T) {
	const bad = `
    rules: [{column: id, max: 0}]
`
	cases := map[string]struct {
		config string // behind the source of the first table
		says   string // empty: an extract is built
	}{
		"all rejected":          {bad + "    rejects: {path: bad}", `table Extract.Extract: of 3 rows 3 were rejected: broken were "id <= 0" by 3 rows (first in file `},
		"by a conversion":       {"\n    columns: {note: {type: integer}}", `broken were "note does not convert to INTEGER" by 3 rows`},
		"filtered and rejected": {", where: 'id != 2'}" + bad, "of 3 rows source.where leaves out 1, and 2 were rejected"},
		"pruned":                {", where: 'id > 7'}", "of 3 rows source.where leaves out 3"},
		"go":                    {bad + "validate: {engine: go}", "3 were rejected"},
		"three workers":         {bad + "runner: {parallelism: 3}", "3 were rejected"},
		"one of two tables":     {bad + "  - {name: other, source: {uri: lake/*.parquet}}", ""},
		"both tables":           {bad + "  - {name: other, source: {uri: lake/*.parquet}, rules: [{column: id, min: 9}]}", "table Extract.other: of 3 rows 3 were rejected"},
		"allowed":               {bad + "on_empty: allow", ""},
		"split":                 {bad + "    repartition: {split_by: note}", "3 were rejected"},
		"not merged":            {bad + "output: {merge: none}", "3 were rejected"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			runtest.WriteTable(t, filepath.Join(folder, "lake", "a.parquet"), `[{"id": 1, "note": "a"}, {"id": 2, "note": "b"}, {"id": 3, "note": "c"}]`,
				runtest.Field("id", runtest.Int64Type), runtest.Field("note", runtest.TextType))
			source := "name: x\ntables:\n  - source: {uri: lake/*.parquet"
			if !strings.HasPrefix(c.config, ",") {
				source += "}"
			}
			cfg := runtest.Configure(t, folder, source+c.config+"\n")
			require.NoError(t, os.WriteFile(cfg.Output.Path, []byte("as before"), 0o600))
			record, err := runtest.Run(t, t.Context(), cfg, nil)
			if c.says == "" {
				require.NoError(t, err)
				if len(record.Tables) == 2 {
					require.Len(t, record.Warnings, 1)
					assert.Contains(t, record.Warnings[0], "table Extract.Extract is empty: of 3 rows 3 were rejected")
				}
				return
			}
			require.ErrorContains(t, err, c.says)
			known := failure.Of(err, failure.Engine)
			assert.Equal(t, failure.Data, known.Kind)
			assert.False(t, known.Early)
			assert.Contains(t, known.Hint, "on_empty: allow")
			assert.Equal(t, report.Rejected, record.Status)
			data, err := os.ReadFile(cfg.Output.Path)
			require.NoError(t, err)
			assert.Equal(t, "as before", string(data))
			if cfg.Tables[0].Rejects.Path != "" {
				assert.Len(t, runtest.RejectRows(t, cfg.Tables[0].Rejects.Path), 3)
			}
		})
	}
}

func TestRejectsOnRemoteStorage(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	folder := amountsLake(t)
	cfg := runtest.Configure(t, folder, amountsConfig+"{path: "+storage.Join(bucket, "bad")+"}\nstaging: "+storage.Join(bucket, "stage")+"\n")
	for range 2 {
		_, err := runtest.Run(t, t.Context(), cfg, nil)
		require.NoError(t, err)
		assert.Len(t, runtest.RejectRows(t, storage.Join(bucket, "bad")), 2)
		assert.Empty(t, storagetest.Names(t, storage.Join(bucket, "stage")))
	}
}

func TestRejectsOfManyTypes(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "lake", "f.parquet"), `[{"id": 1, "tags": ["a", null], "d": "1.50", "at": "2026-01-31 00:00:00"}]`,
		runtest.Field("id", runtest.Int64Type), runtest.Field("tags", arrow.ListOf(runtest.TextType)), runtest.Field("d", &arrow.Decimal128Type{Precision: 9, Scale: 2}), runtest.Field("at", arrow.FixedWidthTypes.Timestamp_us))
	cfg := runtest.Configure(t, folder, "name: x\non_empty: allow\ntables:\n  - source: {uri: lake/*.parquet, nested: json}\n    rules: [{column: id, max: 0}]\n    rejects: {path: bad}\n")
	_, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	rows := runtest.RejectRows(t, filepath.Join(folder, "bad"))
	require.Len(t, rows, 1)
	assert.Contains(t, rows[0], `"tags":["a",null]`)
}
