package cli

import (
	"io"
	"log/slog"
	"time"

	"hyperlake/pipelines/metrics"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/staging"
)

// newJSONHandler logs lines of one shape: time, level and msg, then fields. Times that something took are numbers of seconds.
func newJSONHandler(w io.Writer, level slog.Level) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
		if attr.Value.Kind() == slog.KindDuration {
			attr.Value = slog.Float64Value(attr.Value.Duration().Seconds())
		}
		return attr
	}})
}

// identify gives a command an id, which what it logs has from now on, and the name of the configuration. A terminal is spared
// both.
func (a *app) identify(name string) (id string, err error) {
	if id, err = staging.NewRunID(); err != nil {
		return "", err
	}
	if !a.forPeople {
		a.identity = []any{"run", id, "name", name}
		a.log, a.engineLog = a.log.With(a.identity...), a.engineLog.With(a.identity...)
		slog.SetDefault(a.engineLog)
	}
	return id, nil
}

// logsFields says whether results are logged as fields of lines, and not told in sentences.
func (a *app) logsFields() bool { return a.flags.logFormat == formatJSON }

// logEnding logs how a command ended.
func (a *app) logEnding(ending metrics.Ending) {
	if !a.logsFields() {
		return
	}
	fields := []any{"exit_code", ending.ExitCode, "seconds", ending.Ended.Sub(ending.Started).Round(time.Millisecond)}
	switch r := ending.Report; {
	case r == nil:
	case ending.Ingests:
		fields = append(fields, "status", string(r.Status), "entries", len(r.Ingest), "rows_rejected", r.IngestRejected(),
			"warnings", len(r.Warnings))
	default:
		fields = append(fields, "status", string(r.Status), "complete", r.Complete, "tables", len(r.Tables),
			"rows_loaded", r.RowsLoaded(), "rows_rejected", r.RowsRejected(), "bytes_in", r.BytesIn(),
			"output", r.Output.Path, "bytes", r.Output.Bytes, "warnings", len(r.Warnings))
		if r.Refresh != nil {
			fields = append(fields, "mode", string(r.Refresh.Mode), "units_changed", r.Refresh.UnitsChanged, "units", r.Refresh.Units)
		}
	}
	a.log.Info("run ended", fields...)
}

// logSummary logs what became of the rows, as far as they were all counted, and of the data sources.
func (a *app) logSummary(record *report.Report) {
	if reused := record.Reused; reused != nil {
		a.log.Info("partials were reused", "earlier_run", reused.RunID, "partials", reused.Partials, "rows", reused.Rows)
	}
	if record.Complete {
		for i := range record.Tables {
			a.logTable(&record.Tables[i])
		}
	}
	a.logPublished(record.Publish)
}

// logTable logs what became of the rows of a table, and which rules they broke, and checks it.
func (a *app) logTable(table *report.TableAccount) {
	log := a.log.With("schema", table.Schema, "table", table.Name)
	log.Info("rows of a table", "rows_in_files", table.RowsInFiles, "rows_pruned", table.RowsPruned, "rows_deleted", table.RowsDeleted,
		"rows_read", table.RowsRead, "rows_filtered", table.RowsFiltered, "rows_rejected", table.RowsRejected, "rows_loaded", table.RowsLoaded,
		"rejects", table.RejectsPath)
	for _, rule := range table.Rules {
		if rule.Failed > 0 {
			log.Info("rule broken", "rule", rule.Name, "rows", rule.Failed, "on_fail", rule.OnFail)
		}
	}
	for _, check := range table.Checks {
		log.Info("check evaluated", "check", check.Name, "passed", check.Passed, "on_fail", check.OnFail)
	}
}

// logPublished logs what became of the data sources.
func (a *app) logPublished(record *report.Publishing) {
	if record == nil {
		return
	}
	for _, source := range append([]*report.Publishing{record}, record.Others...) {
		fields := []any{
			"outcome", source.Outcome, "datasource", source.Datasource, "project", source.Project, "server", source.Server, "site", source.Site,
			"mode", string(source.Mode), "rows", source.Rows, "bytes", source.Bytes, "seconds", source.Seconds,
		}
		if source.Mode.Syncs() {
			fields = append(fields, "reason", source.Reason, "units_changed", source.UnitsChanged, "units", source.Units)
		}
		a.log.Info("data source", fields...)
		for _, refresh := range source.Refreshed {
			a.log.Info("refreshed", "kind", refresh.Kind, "refreshed", refresh.Name, "job", refresh.JobID)
		}
	}
}

// logResumable logs what another run can go on with, unless people are told so in a sentence.
func (a *app) logResumable(part *report.Part) bool {
	if a.logsFields() {
		a.log.Info("what is finished stays on staging", "resume", part.RunID, "partials", part.Partials, "rows", part.Rows)
	}
	return a.logsFields()
}
