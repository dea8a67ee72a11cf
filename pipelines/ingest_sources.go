package pipelines

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"hyperlake/internal/ingest"
	"hyperlake/pipelines/config"
)

// openSource is the source of an entry, which connects and reads when it is asked for something. log is told what happens on the way.
func openSource(entry config.IngestConfig, log *slog.Logger) ingest.Source {
	switch {
	case entry.CSV != nil:
		return ingest.NewCSV(entry.CSV.Options())
	case entry.JSONL != nil:
		return ingest.NewJSONL(ingest.JSONLOptions{URI: entry.JSONL.URI, Nested: string(entry.JSONL.Nested)})
	case entry.XLSX != nil:
		return ingest.NewXLSX(entry.XLSX.Options())
	case entry.HTTP != nil:
		return ingest.NewHTTP(httpOptions(entry.HTTP, log))
	case entry.Command != nil:
		asked := entry.Command
		return ingest.NewCommand(ingest.CommandOptions{
			Run: asked.Run, Folder: asked.Folder, Format: string(asked.Format), Nested: string(asked.Nested), Timeout: lengthOf(asked.Timeout),
			Environment: asked.Environment, Log: log,
		})
	}
	asked := entry.Postgres
	return ingest.NewPostgres(ingest.PostgresOptions{
		URLEnv: asked.URLEnv, Query: asked.Query, SplitBy: asked.SplitBy, Parallel: asked.Parallel, Timeout: lengthOf(asked.Timeout),
	})
}

// httpOptions are those of an API.
func httpOptions(asked *config.IngestHTTP, log *slog.Logger) ingest.HTTPOptions {
	options := ingest.HTTPOptions{
		URL: asked.URL, Method: string(asked.Method), Body: asked.Body, HeaderEnv: asked.HeaderEnv, Records: asked.Records, Next: asked.Next,
		MaxPages: int64(asked.MaxPages), Timeout: lengthOf(asked.Timeout), Nested: string(asked.Nested), AllowHTTP: asked.AllowHTTP,
		Getenv: os.Getenv, Log: log,
	}
	if page := asked.Page; page != nil {
		options.Page = &ingest.PageOptions{Parameter: page.Parameter, Start: int64(page.Start), Step: int64(page.Step)}
	}
	return options
}

// lengthOf is how long a span is that begins now; 0 for none.
func lengthOf(span config.Span) time.Duration {
	if span.IsZero() {
		return 0
	}
	return span.Until(time.Now())
}

// sourceText says what an entry reads, for people, without credentials.
func sourceText(entry config.IngestConfig) string {
	switch {
	case entry.CSV != nil:
		return "csv: " + strings.Join(entry.CSV.URI, ", ")
	case entry.JSONL != nil:
		return "jsonl: " + strings.Join(entry.JSONL.URI, ", ")
	case entry.XLSX != nil:
		return "xlsx: " + strings.Join(entry.XLSX.URI, ", ")
	case entry.HTTP != nil:
		address, _, _ := strings.Cut(entry.HTTP.URL, "?") // a query may hold a key
		return "http: " + address
	case entry.Command != nil:
		return "command: " + entry.Command.Run[0] // arguments may hold a password
	}
	return fmt.Sprintf("postgres: the server in $%s", cmp.Or(entry.Postgres.URLEnv, "PGHOST"))
}

// ingestEntryOf is an entry as a run is given it.
func ingestEntryOf(entry config.IngestConfig, runID string) ingest.Entry {
	of := ingest.Entry{
		Name: entry.Name, RunID: runID, Source: sourceText(entry), To: entry.To, Pinned: entry.Pinned,
		Columns: map[string]string{}, Infers: infers(entry), Sparse: isSparse(entry), Union: entry.OnDrift == config.OnDriftUnion,
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

// infers says whether types are inferred from texts.
func infers(entry config.IngestConfig) bool {
	return entry.Postgres == nil && (entry.Command == nil || entry.Command.Format != config.CommandArrow)
}

// isSparse says whether rows have the keys that they need, instead of all columns.
func isSparse(entry config.IngestConfig) bool {
	return entry.JSONL != nil || entry.HTTP != nil || entry.Command != nil && entry.Command.Format == config.CommandJSONL
}
