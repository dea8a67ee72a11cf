package cli

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"hyperlake/internal/trace"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/lineage"
	"hyperlake/pipelines/metrics"
)

// watched is a command that others watch, by metrics, traces, lineage and its log. Nothing of what it does depends on them.
type watched struct {
	cfg      *config.Config
	ending   metrics.Ending
	span     trace.Span // of all of it
	endTrace func(context.Context)
	lineage  *lineage.Teller
}

// watch begins a command, of a configuration, that others watch. It brings entries into the lake first, or only. The context that it
// returns is for all that the command does.
func (a *app) watch(
	ctx context.Context, command, id string, cfg *config.Config, entries []config.IngestConfig,
) (context.Context, *watched) {
	w := &watched{cfg: cfg, ending: metrics.Ending{
		Name: cfg.Name, Started: time.Now(), Publishes: command == commandPublish, Ingests: command == commandIngest,
	}}
	for _, entry := range cfg.Ingest {
		w.ending.Entries = append(w.ending.Entries, entry.Name)
	}
	w.endTrace = trace.Open(ctx, trace.Run{
		ID: id, Name: cfg.Name, Version: pipelines.Version(),
		Warn: func(err error) { a.log.Warn("traces were not delivered", "error", err) },
	})
	ctx, w.span = trace.Start(ctx, command)
	var err error
	if w.lineage, err = lineage.Begin(lineage.Command{
		ID: id, Version: pipelines.Version(), Config: cfg, Started: w.ending.Started, Publishes: w.ending.Publishes,
		Ingests: w.ending.Ingests, Entries: entries,
	}); err != nil {
		a.log.Warn(notTold, "error", err)
	}
	return ctx, w
}

// notTold is what is said where lineage was not told.
const notTold = "lineage was not delivered"

// commandPublish is the command that builds nothing.
const commandPublish = "publish"

// endWatch tells those who watch how a command ended.
func (a *app) endWatch(ctx context.Context, w *watched, end ending) {
	w.ending.Report, w.ending.Ended, w.ending.ExitCode = end.report, time.Now(), end.code
	ctx = context.WithoutCancel(ctx)
	a.leaveMetrics(ctx, w.cfg.Metrics.TextFile, w.ending)
	w.span.Note(attribute.Int("hyperlake.exit_code", end.code))
	if r := end.report; r != nil {
		w.span.Note(attribute.String("hyperlake.status", string(r.Status)), attribute.Int64("hyperlake.rows", r.RowsLoaded()))
	}
	w.span.End(end.err())
	told := make(chan struct{})
	go func() { // side by side: both may take seconds
		defer close(told)
		w.endTrace(ctx)
	}()
	message := ""
	if end.failed != nil {
		message = end.failed.Message
	}
	if err := w.lineage.End(ctx, w.ending.Ended, end.report, message); err != nil {
		a.log.Warn(notTold, "error", err)
	}
	<-told
	a.logEnding(w.ending)
}

// leaveMetrics leaves the metrics where the configuration wants them.
func (a *app) leaveMetrics(ctx context.Context, path string, ending metrics.Ending) {
	if path == "" {
		return
	}
	warning, err := metrics.Write(ctx, path, ending)
	if err != nil {
		a.log.Warn("the metrics were not written", "error", err)
	}
	if warning != "" {
		a.log.Warn(warning)
	}
}
