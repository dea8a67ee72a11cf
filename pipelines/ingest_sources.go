package pipelines

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"hyperlake/internal/ingest"
	"hyperlake/pipelines/config"
)

// openSource is the source of an entry, which connects and reads when it is asked for something.
func openSource(entry config.IngestConfig) ingest.Source {
	switch {
	case entry.CSV != nil:
		return ingest.NewCSV(entry.CSV.Options())
	case entry.JSONL != nil:
		return ingest.NewJSONL(ingest.JSONLOptions{URI: entry.JSONL.URI, Nested: string(entry.JSONL.Nested)})
	}
	asked := entry.Postgres
	options := ingest.PostgresOptions{URLEnv: asked.URLEnv, Query: asked.Query, SplitBy: asked.SplitBy, Parallel: asked.Parallel}
	if !asked.Timeout.IsZero() {
		options.Timeout = asked.Timeout.Until(time.Now())
	}
	return ingest.NewPostgres(options)
}

// sourceText says what an entry reads, for people, without credentials.
func sourceText(entry config.IngestConfig) string {
	switch {
	case entry.CSV != nil:
		return "csv: " + strings.Join(entry.CSV.URI, ", ")
	case entry.JSONL != nil:
		return "jsonl: " + strings.Join(entry.JSONL.URI, ", ")
	}
	return fmt.Sprintf("postgres: the server in $%s", cmp.Or(entry.Postgres.URLEnv, "PGHOST"))
}

// ingestEntryOf is an entry as a run is given it.
func ingestEntryOf(entry config.IngestConfig, runID string) ingest.Entry {
	of := ingest.Entry{
		Name: entry.Name, RunID: runID, Source: sourceText(entry), To: entry.To, Pinned: entry.Pinned,
		Columns: map[string]string{}, Infers: entry.Postgres == nil, Sparse: entry.JSONL != nil, Union: entry.OnDrift == config.OnDriftUnion,
		AllowEmpty: entry.OnEmpty == config.OnEmptyAllow,
		Rejects:    ingest.Limits{MaxRows: entry.Rejects.MaxRows, Warn: entry.Rejects.OnFail.IsWarn()},
	}
	if most := entry.Rejects.MaxRatio; most != nil {
		ratio := float64(*most)
		of.Rejects.MaxRatio = &ratio
	}
	for name, column := range entry.Columns {
		of.Columns[name] = column.Type
	}
	return of
}
