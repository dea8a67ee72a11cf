//go:build postgres

package pipelines_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
	"hyperlake/internal/ingest/postgrestest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/runtest"
	"hyperlake/pipelines/starter"
)

// From a table of a database to an extract: types are the table's, and when they change, the next run is refused, or goes on.
func TestRunsIngestFromPostgres(t *testing.T) {
	database := postgrestest.Start(t).Database(t, "",
		`CREATE TABLE orders AS SELECT i AS id, i * 1.5::numeric(10,2) AS total, date '2026-01-01' + i AS day FROM generate_series(1, 1000) i`,
		`ALTER TABLE orders ALTER total TYPE numeric(10,2)`)
	t.Setenv("ORDERS_URL", database.URL())
	folder := t.TempDir()
	text := `name: orders
ingest:
  - {to: lake/orders, postgres: {url_env: ORDERS_URL, query: select * from orders, split_by: id, parallel: 2}}
tables:
  - source: {uri: lake/orders/*.parquet}
`
	cfg := runtest.Configure(t, folder, text)
	_, err := pipelines.MakePlan(t.Context(), cfg)
	require.ErrorContains(t, err, "no files match")
	assert.Contains(t, failure.Of(err, failure.Engine).Hint, "hyperlake ingest")
	record, err := runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"1000|750750.00|2028-09-27"}, runtest.RowsIn(t, cfg.Output.Path, `SELECT count(*), sum(total), max(day) FROM x."Extract"."Extract"`))
	told, err := json.Marshal(record)
	require.NoError(t, err)
	assert.NotContains(t, string(told), database.URL())
	plan, err := pipelines.MakePlan(t.Context(), cfg)
	require.NoError(t, err)
	require.Len(t, plan.Ingest, 1)
	assert.True(t, plan.Ingest[0].Pinned)
	assert.Equal(t, "numeric(10,2)", plan.Ingest[0].Columns[1].Type)

	database.Exec(t, `ALTER TABLE orders ALTER id TYPE bigint, ADD note text`)
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.ErrorContains(t, err, `column "id" is bigint, which was integer; column "note" is new (text)`)
	assert.True(t, failure.Of(err, failure.Engine).Early)
	cfg = runtest.Configure(t, folder, text)
	cfg.Ingest[0].OnDrift = "union"
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"1000|0"}, runtest.RowsIn(t, cfg.Output.Path, `SELECT count(*), count(note) FROM x."Extract"."Extract"`))
	database.Exec(t, `ALTER TABLE orders DROP note, ALTER id TYPE integer`)
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"1000|0|500500"}, runtest.RowsIn(t, cfg.Output.Path, `SELECT count(*), count(note), sum(id) FROM x."Extract"."Extract"`))
}

// The configuration that is made of a query runs as it is, whatever the query holds.
func TestStartsFromPostgres(t *testing.T) {
	database := postgrestest.Start(t).Database(t, "", `CREATE TABLE orders AS SELECT i AS id, '${i}'::text AS "odd: name" FROM generate_series(1, 10) i`)
	t.Setenv("ORDERS_URL", database.URL())
	folder := t.TempDir()
	options := ingest.PostgresOptions{URLEnv: "ORDERS_URL", Query: "SELECT * FROM public.orders\nWHERE \"odd: name\" = '${i}'"}
	text, err := starter.WritePostgres(t.Context(), options, folder)
	require.NoError(t, err)
	assert.NotContains(t, text, database.URL())
	assert.Contains(t, text, "name: orders\n")
	assert.Contains(t, text, "    #   odd: name  text\n")
	cfg := runtest.Configure(t, folder, text)
	_, err = runtest.Run(t, t.Context(), cfg, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"10|${i}"}, runtest.RowsIn(t, cfg.Output.Path, `SELECT count(*), max("odd: name") FROM x."Extract"."Extract"`))
}
