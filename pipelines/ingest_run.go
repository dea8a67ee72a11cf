package pipelines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
	"hyperlake/internal/lock"
	"hyperlake/internal/storage"
	"hyperlake/internal/trace"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/staging"
	"hyperlake/sinks/rejects"
)

// stageIngest is the name of the stage in the report.
const stageIngest = "ingest"

// IngestOptions are what [Ingest] needs besides a configuration.
type IngestOptions struct {
	ID       string // from NewRunID
	Only     string // the name of one entry; empty for all
	Log      *slog.Logger
	Progress func(report.Progress) // called from one goroutine at a time; nil for none
	Lock     refresh.LockOptions   // without Waiting, which is told in the log
	KeepRuns int                   // how many reports of ingests stay in the state; 0 for [refresh.DefaultKeep]
}

// Ingest brings into the lake what a configuration says, and builds nothing. Entries are done in order: the first that fails ends it,
// those before stay. It always returns a report, of failures, too. Of an interrupted one the error is the cause of ctx.
func Ingest(ctx context.Context, cfg *config.Config, options IngestOptions) (*report.Report, error) {
	of := RunOptions{ID: options.ID, Log: options.Log, Progress: options.Progress, Lock: options.Lock, KeepRuns: options.KeepRuns}
	r := &run{cfg: cfg, options: of, report: newReport(cfg, of)}
	r.report.IngestOnly, r.report.Output = true, report.Output{}
	entries, err := entriesOf(cfg, options.Only)
	if err == nil {
		err = r.ingest(ctx, entries)
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	finish(r.report, err)
	if r.hasIngested(err) {
		r.rememberIngest(ctx)
	}
	return r.report, err
}

// hasIngested says whether anything of an ingest began that has ended so.
func (r *run) hasIngested(err error) bool {
	failed := failure.Of(err, failure.Engine)
	return failed == nil || len(r.report.Ingest) > 0 || !failed.Early && failed.Kind != failure.Locked
}

// rememberIngest keeps the report of an ingest in the state, which no failure of it changes.
func (r *run) rememberIngest(ctx context.Context) {
	history, err := refresh.OpenIngests(r.cfg.StateFolder())
	if err == nil {
		ctx, cancel := staging.Closing(ctx)
		defer cancel()
		err = history.End(ctx, r.report, cmp.Or(r.options.KeepRuns, refresh.DefaultKeep))
	}
	if err != nil {
		r.warn(err.Error())
	}
}

// entriesOf are the entries of a configuration, or the one of a name.
func entriesOf(cfg *config.Config, only string) ([]config.IngestConfig, error) {
	if len(cfg.Ingest) == 0 {
		return nil, failure.New(failure.Config, "%s has no section ingest", cfg.File).
			WithHint("add one, such as ingest: [{to: lake/orders, csv: {uri: drop/*.csv}}]")
	}
	if only == "" {
		return cfg.Ingest, nil
	}
	var names []string
	for _, entry := range cfg.Ingest {
		if entry.Name == only {
			return []config.IngestConfig{entry}, nil
		}
		names = append(names, entry.Name)
	}
	e := failure.New(failure.Usage, "--only: the configuration has no ingest named %s", words.Shorten(only))
	if near, ok := words.Nearest(only, names); ok {
		return nil, e.WithHint("did you mean %q?", near)
	}
	return nil, e.WithHint("it has %s", strings.Join(names, ", "))
}

// ingestFirst brings into the lake what the run reads there afterwards. One that goes on with another run reads what that has read.
func (r *run) ingestFirst(ctx context.Context) error {
	if len(r.cfg.Ingest) == 0 || r.options.Resume != "" {
		return nil
	}
	err := r.ingest(ctx, r.cfg.Ingest)
	r.ofIngest = r.report.Warnings
	if failed := failure.Of(err, failure.Engine); failed != nil && !failed.Early {
		r.beginHistory(ctx) // of what began
	}
	return err
}

// ingest is the stage that brings entries into the lake, one after another.
func (r *run) ingest(ctx context.Context, entries []config.IngestConfig) error {
	return r.stage(ctx, stageIngest, func(ctx context.Context) (done work, err error) {
		for _, entry := range entries {
			account, err := r.ingestTraced(ctx, entry)
			if account != nil {
				done.rows, done.bytes = done.rows+account.Rows, done.bytes+account.Bytes
			}
			if err != nil {
				return done, err
			}
		}
		return done, nil
	})
}

// ingestTraced is [run.ingestEntry] as the report and a trace tell of it.
func (r *run) ingestTraced(ctx context.Context, entry config.IngestConfig) (*ingest.Account, error) {
	started := time.Now()
	ctx, span := trace.Start(ctx, stageIngest, attribute.String("hyperlake.ingest", entry.Name))
	account, err := r.ingestEntry(ctx, entry, started)
	if account != nil {
		r.noteIngest(entry, account, time.Since(started), err != nil)
		span.Note(attribute.Int64("hyperlake.rows", account.Rows), attribute.Int64("hyperlake.rejected", account.Rejected),
			attribute.Int64("hyperlake.bytes", account.Bytes))
	}
	span.End(err)
	return account, err
}

// ingestEntry brings one entry into the lake, while this run alone may write its folder.
func (r *run) ingestEntry(ctx context.Context, entry config.IngestConfig, started time.Time) (account *ingest.Account, err error) {
	missing := staging.MissingFolders(entry.To)
	options := r.options.Lock
	options.Waiting = func(other lock.Holder) {
		r.options.Log.Info("waiting for the lock of the folder", "folder", entry.To, "of", other.String(), "for", options.Wait)
		whom := cmp.Or(other.Brief(), "the lock of "+entry.Name)
		r.showProgress(report.Progress{Stage: "wait", Detail: "for " + whom, Uncounted: true}, started)
	}
	own, err := refresh.TakeLock(ctx, behindLinks(entry.To), r.options.ID, options)
	if err != nil {
		staging.RemoveEmpty(missing)
		return nil, err
	}
	defer func() {
		if releaseErr := own.Release(ctx); releaseErr != nil { // which changes nothing for the rows
			r.warn(fmt.Sprintf("the lock of %s stays until it expires: %v", entry.To, releaseErr))
		}
		if err != nil {
			staging.RemoveEmpty(missing)
		}
	}()
	held, stop := own.While(ctx)
	defer stop()
	source := openSource(entry, r.options.Log)
	defer func() { _ = source.Close() }() // what it read is counted by now
	account, err = ingest.Run(held, ingestEntryOf(entry, r.options.ID), source, ingest.Surroundings{
		Held: own.Held,
		Warn: r.warn,
		Progress: func(rows int64) {
			r.showProgress(report.Progress{Stage: stageIngest, Detail: entry.Name, Rows: rows}, started)
		},
		PlaceRejects: r.placerOf(entry, own),
	})
	if lost := own.Held(); err != nil && lost != nil {
		err = lost
	}
	return account, err
}

// behindLinks is the folder that a local path leads to, if there is one: so that all paths to it have one lock.
func behindLinks(folder string) string {
	if storage.IsLocal(folder) {
		if resolved, err := filepath.EvalSymlinks(folder); err == nil {
			return resolved
		}
	}
	return folder
}

// placerOf puts the rejects of an entry where its configuration says; nil if they are only counted.
func (r *run) placerOf(entry config.IngestConfig, own *refresh.Lock) func(context.Context, []ingest.RejectFile) error {
	if entry.Rejects.Path == "" {
		return nil
	}
	return func(ctx context.Context, files []ingest.RejectFile) error {
		if err := own.Held(); err != nil {
			return err
		}
		var staged []rejects.File
		for _, file := range files {
			staged = append(staged, rejects.File{URI: file.URI, Bytes: file.Bytes, Rows: file.Rows, SHA256: file.SHA256})
		}
		err := rejects.Publish(ctx, staged, entry.Rejects.Path, r.options.ID)
		if lost := own.Held(); lost != nil { // a request that was on its way may have arrived
			closing, cancel := staging.Closing(ctx)
			defer cancel()
			return errors.Join(lost, rejects.Withdraw(closing, entry.Rejects.Path, r.options.ID))
		}
		return err
	}
}

// noteIngest notes what became of the rows of an entry.
func (r *run) noteIngest(entry config.IngestConfig, account *ingest.Account, took time.Duration, failed bool) {
	noted := report.IngestAccount{
		Name: entry.Name, To: entry.To, Rows: account.Rows, Rejected: account.Rejected, Bytes: account.Bytes, Seconds: took.Seconds(),
		RejectsPath: entry.Rejects.Path, Drift: account.Schema.Drift, Failed: failed,
	}
	for _, rule := range account.Rules {
		noted.Rules = append(noted.Rules, report.IngestRule{Rule: rule.Rule, Column: rule.Column, Rows: rule.Rows})
	}
	for _, column := range account.Schema.Columns {
		noted.Columns = append(noted.Columns, report.IngestColumn{Name: column.Name, Type: column.Type})
	}
	r.report.Ingest = append(slices.Clip(r.report.Ingest), noted)
	for _, change := range account.Schema.Drift {
		r.warn(fmt.Sprintf("ingest %s: %s", entry.Name, change))
	}
	if failed {
		return
	}
	r.options.Log.Info("ingested", "ingest", entry.Name, "to", entry.To, "rows", account.Rows, "rejected", account.Rejected,
		"bytes", account.Bytes, "seconds", took.Seconds())
}

// IngestPlan is what an entry would bring where.
type IngestPlan struct {
	Name   string `json:"name"`
	To     string `json:"to"`
	Source string `json:"source"` // without credentials
	*ingest.Schema
}

// planIngest looks at the columns of all sources, and holds them against those that are pinned. Programs are not run: what they would do
// is not known.
func planIngest(ctx context.Context, cfg *config.Config) ([]IngestPlan, error) {
	var plans []IngestPlan
	for _, entry := range cfg.Ingest {
		of := ingestEntryOf(entry, "")
		schema, err := lookAt(ctx, entry, of)
		if err != nil {
			return nil, err
		}
		plans = append(plans, IngestPlan{Name: entry.Name, To: entry.To, Source: of.Source, Schema: schema})
	}
	return plans, nil
}

func lookAt(ctx context.Context, entry config.IngestConfig, of ingest.Entry) (*ingest.Schema, error) {
	if entry.Command != nil {
		return ingest.LookAtPinned(ctx, of)
	}
	source := openSource(entry, slog.New(slog.DiscardHandler))
	defer func() { _ = source.Close() }() // nothing was read that could be lost
	return ingest.LookAt(ctx, of, source)
}
