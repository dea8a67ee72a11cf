package lineage_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/lineage"
	"hyperlake/pipelines/report"
)

// filling is a command that brings something of every kind into the lake.
func filling(t *testing.T) (lineage.Command, *report.Report) {
	t.Helper()
	t.Setenv("PG_URL", "postgres://me:c4nary@db.example:5433/sales?application_name=c4nary")
	t.Setenv("NO_URL", "::c4nary::")
	c, _ := orders()
	c.Ingests = true
	c.Entries = []config.IngestConfig{
		{Name: "videos", To: "/lake/videos/day=2026-11-28", Pinned: "/lake/videos", HTTP: &config.IngestHTTP{URL: "https://api.example/v1/videos?key=c4nary"}},
		{Name: "rates", To: "s3://bucket/lake/rates", Pinned: "s3://bucket/lake/rates", CSV: &config.IngestCSV{URI: config.Globs{"/drop/*.csv", "/drop/*.txt", "/old/*.csv"}}},
		{Name: "events", To: "/lake/events", Pinned: "/lake/events", JSONL: &config.IngestJSONL{URI: config.Globs{"gs://bucket/events/*.jsonl"}}},
		{Name: "prices", To: "/lake/prices", Pinned: "/lake/prices", XLSX: &config.IngestXLSX{URI: config.Globs{"/sheets/*.xlsx"}}},
		{Name: "crm", To: "/lake/crm", Pinned: "/lake/crm", Command: &config.IngestCommand{Run: []string{"fetch", "--token=c4nary"}}},
		{Name: "sales", To: "/lake/sales", Pinned: "/lake/sales", Postgres: &config.IngestPostgres{URLEnv: "PG_URL", Query: "select 'c4nary'"}},
		{Name: "other", To: "/lake/other", Pinned: "/lake/other", Postgres: &config.IngestPostgres{URLEnv: "NO_URL", Query: "select 'c4nary'"}},
	}
	r := &report.Report{Status: report.Succeeded}
	for _, entry := range c.Entries {
		r.Ingest = append(r.Ingest, report.IngestAccount{
			Name: entry.Name, To: entry.To, Rows: 9, Rejected: 1, Bytes: 100, Columns: []report.IngestColumn{{Name: "id", Type: "bigint"}, {Name: "name", Type: "text"}},
		})
	}
	return c, r
}

var (
	filledFrom = []string{
		"https://api.example /v1/videos", "file /drop", "file /old", "gs://bucket events", "file /sheets", "command fetch", "postgres://db.example:5433 sales",
		"postgres unknown",
	}
	filledFolders = []string{
		"file /lake/videos", "s3://bucket lake/rates", "file /lake/events", "file /lake/prices", "file /lake/crm", "file /lake/sales", "file /lake/other",
	}
)

func TestEventsOfAnIngest(t *testing.T) {
	s := listen(t, accept)
	c, r := filling(t)
	require.NoError(t, tell(t, c, r, ""))
	require.Len(t, s.events, 2)
	compiler := schemas(t)
	for i, kind := range []string{"START", "COMPLETE"} {
		check(t, compiler, s.events[i])
		assert.Equal(t, kind, s.events[i]["eventType"])
		assert.Equal(t, filledFrom, names(s.events[i], "inputs"))
		assert.Equal(t, filledFolders, names(s.events[i], "outputs"))
	}
	assert.NotContains(t, s.raw, "c4nary", "neither passwords, queries nor arguments")
	first := s.events[1]["outputs"].([]any)[0].(map[string]any)
	text, err := json.Marshal(first)
	require.NoError(t, err)
	for _, part := range []string{
		`{"name":"id","ordinal_position":1,"type":"bigint"}`, `{"name":"name","ordinal_position":2,"type":"text"}`, `"rowCount":9,"size":100`, `"storageLayer":"parquet"`,
	} {
		assert.Contains(t, string(text), part)
	}
	input, err := json.Marshal(s.events[1]["inputs"].([]any)[0])
	require.NoError(t, err)
	assert.Contains(t, string(input), `"rowCount":10`)
}

// A run reads the folders that it has filled before. Of one that failed, those are told that it filled.
func TestEventsOfARunThatIngests(t *testing.T) {
	s := listen(t, accept)
	c, filled := filling(t)
	c.Ingests = false
	_, r := orders()
	r.Ingest = filled.Ingest
	require.NoError(t, tell(t, c, r, ""))
	check(t, schemas(t), s.events[1])
	assert.Equal(t, filledFrom, names(s.events[1], "inputs")[:len(filledFrom)])
	assert.Contains(t, names(s.events[1], "inputs"), "file /lake/orders")
	assert.Equal(t, filledFolders, names(s.events[1], "outputs")[:len(filledFolders)])
	assert.Contains(t, names(s.events[1], "outputs"), "tableau://tableau.example marketing/Sales/Nightly/Orders")

	r.Status, r.Ingest = report.Rejected, r.Ingest[:2]
	r.Ingest[1].Failed = true
	require.NoError(t, tell(t, c, r, "too many rejects"))
	check(t, schemas(t), s.events[3])
	assert.Equal(t, "FAIL", s.events[3]["eventType"])
	assert.Equal(t, filledFolders[:1], names(s.events[3], "outputs"))
}
