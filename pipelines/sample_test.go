package pipelines_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
)

const sampledConfig = `name: two
state: states
refresh: {mode: changed}
tables:
  - name: items
    source: {uri: "lake/*.parquet"}
    rules: [{column: id, min: 1, max: 12}]
    rejects: {path: rejects, max_rows: 0}
    checks: [{row_count: {min: 100}}]
    primary_key: [id]
  - name: others
    source: {uri: "lake/*.parquet", where: "id > 4"}
    foreign_keys: [{columns: [id], references: items, to: [id]}]
publish: {server: "https://127.0.0.1:1", datasource: D}
validate: {engine: %s}
`

// Of few rows, those that stand first are read, and no more, whoever reads them; what whole runs made and know stays as it is.
func TestSamples(t *testing.T) {
	folder := t.TempDir()
	for i := range 3 { // in row groups of two rows
		runtest.WriteTable(t, filepath.Join(folder, "lake", fmt.Sprintf("%d.parquet", i)),
			fmt.Sprintf(`[{"id": %d}, {"id": %d}, {"id": %d}, {"id": %d}, {"id": %d}]`, 5*i, 5*i+1, 5*i+2, 5*i+3, 5*i+4),
			runtest.Field("id", runtest.Int64Type))
	}
	for _, engine := range []string{"auto", "go"} {
		for _, limit := range []int64{1, 2, 5, 6, 14, 15, 99} {
			t.Run(fmt.Sprintf("%s, %d", engine, limit), func(t *testing.T) {
				cfg := runtest.Configure(t, folder, fmt.Sprintf(sampledConfig, engine))
				require.NoError(t, cfg.TakeSample(config.Sample{Limit: limit}))
				got, err := runtest.Run(t, t.Context(), cfg, nil)
				require.NoError(t, err)
				read := min(limit, 15)
				items, others := got.Tables[0], got.Tables[1]
				assert.Equal(t, []int64{15, 15 - read, read}, []int64{items.RowsInFiles, items.RowsPruned, items.RowsRead})
				assert.Equal(t, read-items.RowsRejected, items.RowsLoaded)
				var rows []string
				for id := int64(1); id < min(read, 13); id++ {
					rows = append(rows, fmt.Sprint(id))
				}
				assert.Equal(t, rows, runtest.RowsIn(t, cfg.Output.Path, `SELECT id FROM x."Extract".items ORDER BY 1`))
				assert.Equal(t, int(items.RowsRejected), len(runtest.RejectRows(t, cfg.Tables[0].Rejects.Path)))
				assert.Equal(t, others.RowsInFiles, others.RowsRead+others.RowsPruned)
				assert.LessOrEqual(t, others.RowsRead, limit)
				assert.Nil(t, got.Publish)
				assert.NotEmpty(t, got.Warnings)
			})
		}
	}
	left, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	var names []string
	for _, path := range left {
		names = append(names, filepath.Base(path))
	}
	assert.Equal(t, []string{"config.yaml", "lake", "rejects.sample", "two.sample.hyper", "two.sample.hyperlake"}, names)
}

func TestSamplesOfTables(t *testing.T) {
	folder := t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "lake", "a.parquet"), `[{"id": 5}, {"id": 6}]`, runtest.Field("id", runtest.Int64Type))
	load := func() *config.Config { return runtest.Configure(t, folder, fmt.Sprintf(sampledConfig, "auto")) }
	cfg := load()
	require.NoError(t, cfg.TakeSample(config.Sample{Tables: []string{"Extract.others"}}))
	assert.Contains(t, cfg.Where("tables[0].source.where"), "config.yaml:12:", "the place of the table that is left")
	got, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, report.Succeeded, got.Status)
	require.Len(t, got.Tables, 1)
	assert.EqualValues(t, 2, got.Tables[0].RowsLoaded)

	cfg = load()
	require.NoError(t, cfg.TakeSample(config.Sample{Tables: []string{"items"}}))
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, "rows", "checks count where all rows are there")
	assert.Equal(t, failure.Check, failure.Of(err, failure.Engine).Kind)

	err = load().TakeSample(config.Sample{Tables: []string{"itms"}})
	require.EqualError(t, err, "--table itms: the configuration has no such table; it has items, others")
	assert.Equal(t, "did you mean items?", failure.Of(err, failure.Engine).Hint)
}
