package pipelines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"go.opentelemetry.io/otel/attribute"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/machine"
	"hyperlake/internal/trace"
	"hyperlake/pipelines/checks"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/job"
	"hyperlake/pipelines/output"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/staging"
	"hyperlake/runners/engine"
	"hyperlake/sinks/rejects"
	"hyperlake/transforms/repartition"
)

// RunOptions are what a run needs besides its configuration.
type RunOptions struct {
	ID       string // from NewRunID
	Resume   string // the id of an earlier run, from FindRun; empty to begin anew
	Engine   engine.Engine
	Log      *slog.Logger
	Progress func(report.Progress) // called from one goroutine at a time; nil for none

	// LogValues lets values of rejected and offending rows into the report. They may be
	// personal data.
	LogValues bool

	// PublishCommand is the command line that publishes the extract of this run, for hints.
	PublishCommand string

	// PublishPause waits before something of publishing is tried again, unless the context ends; nil for as long as it is told.
	PublishPause func(context.Context, time.Duration) error

	// Reload is a condition on the unit columns of tables, whose units are loaded whether they changed or not; empty for none.
	Reload string

	// Lock is how the lock of the output is taken, without Waiting, which the run tells in its log. Wait is for all that others may
	// have locked: when it is over, counted from the beginning, ledgers are not waited for either.
	Lock refresh.LockOptions

	// KeepRuns is how many reports of runs stay in the state; 0 for [refresh.DefaultKeep].
	KeepRuns int
}

// Run builds the extract of a configuration, and publishes it if the configuration says
// where. It always returns a report, of failures, too. After a failure the output path
// holds what it held before, unless only publishing failed. Of an interrupted run the error is the
// cause of ctx.
func Run(ctx context.Context, cfg *config.Config, options RunOptions) (*report.Report, error) {
	r := &run{cfg: cfg, options: options, report: newReport(cfg, options)}
	err := r.run(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	err = r.withNeeds(err)
	finish(r.report, err)
	r.endHistory(ctx)
	return r.report, err
}

// run is one run under way.
type run struct {
	cfg       *config.Config
	options   RunOptions
	report    *report.Report
	seen      string              // stands for what decides, as far as it is known without a plan; empty if nobody asks
	outline   *plan.Outline       // of the plan
	plan      *plan.Plan          // nil where nothing changed at a glance
	part      *plan.Plan          // what of it is loaded
	moves     []repartition.Moves // where rows of its tables go
	telling   sync.Mutex          // of who tells progress
	lock      *refresh.Lock       // of the output
	waitUntil time.Time           // the end of the wait for locks: of the output, and of ledgers
	lease     *hyperd.Lease
	job       *job.Job
	inPlace   bool // the extract is

	ofIngest []string // warnings of what was brought into the lake first

	comparison
	rewritten  bool             // the extract was, since patches had made it too large
	history    *refresh.History // once the run has begun, as what follows
	earlier    []report.RunSummary
	rowsBefore checks.RowsBefore
}

func (r *run) run(ctx context.Context) error {
	if err := machine.CheckLimits(); err != nil {
		return failure.Of(err, failure.Engine).BeforeData()
	}
	r.tell("prepare", "ask the engine")
	if err := r.options.Engine.Check(ctx); err != nil {
		return err
	}
	if err := output.CheckPlace(ctx, r.cfg.Output.Path); err != nil {
		return err
	}
	return r.whileLocked(ctx, func(ctx context.Context) error {
		if err := r.ingestFirst(ctx); err != nil {
			return err
		}
		return r.runAlone(ctx)
	})
}

// runAlone is the run while no other one writes the output.
func (r *run) runAlone(ctx context.Context) (err error) {
	if err := r.planBy(ctx, r.lookOrPlan); err != nil {
		return err
	}
	publisher, err := r.preparePublishing(ctx)
	if err != nil {
		return err
	}
	r.beginHistory(ctx)
	if err := r.compare(ctx); err != nil {
		return err
	}
	if r.isUnchanged(r.cfg.Output.Path) {
		err := r.leaveUnchanged(ctx)
		if isOfLast(err) && r.plan == nil {
			err = cmp.Or(r.planBy(ctx, r.planAfterAll), err)
		}
		if !r.fallBack(err) {
			return err
		}
	}
	r.tell("prepare", "staging and hyperd")
	runFolder, err := staging.Open(ctx, r.cfg, r.options.ID, r.options.Resume)
	if err != nil {
		return err
	}
	defer func() {
		if staging.MayStillWrite(err) {
			hyperd.Kill() // whatever still runs must not write into a folder that goes away
		}
		if leaveErr := r.leave(ctx, runFolder, err); leaveErr != nil { // which changes nothing for the extract
			r.warn(fmt.Sprintf("something stays on staging, which `hyperlake clean` removes: %v", leaveErr))
		}
	}()
	if r.lease, err = hyperd.Acquire(ctx, r.cfg.Hyperd); err != nil {
		return err
	}
	defer func() { r.lease.Release() }()
	if err := checks.TryOn(ctx, r.cfg, r.plan, r.lease, runFolder.Local); err != nil {
		return err
	}
	built, err := r.build(ctx, runFolder)
	if r.fallBack(err) {
		built, err = r.build(ctx, runFolder)
	}
	if err != nil {
		return err
	}
	verdict := r.judge(ctx, &built, runFolder.Local)
	if err := r.placeRejects(ctx, built.Rejects, verdict); err != nil {
		return err
	}
	if verdict != nil {
		return verdict
	}
	if err := r.remember(ctx, built); err != nil {
		return err
	}
	var versions []string
	if err := r.stage(ctx, "move", func(ctx context.Context) (_ work, err error) {
		versions, err = output.Move(r.watch(ctx, "move", nil), r.cfg.Output, built, r.report, r.lock.Held, r.warn)
		return work{rows: r.report.RowsLoaded(), bytes: r.report.Output.Bytes}, err
	}); err != nil {
		return err
	}
	if r.inPlace = true; publisher != nil {
		if err := r.publishPlaced(ctx, publisher, built.Extract, runFolder.Local); err != nil {
			return err
		}
	}
	r.commit(ctx, r.options.ID, versions)
	return nil
}

// build makes the extract on staging. Meanwhile it asks hyperd for its version.
func (r *run) build(ctx context.Context, runFolder *staging.Folder) (built job.Result, err error) {
	err = r.stage(ctx, "load", func(ctx context.Context) (done work, err error) {
		version, lease := make(chan error, 1), r.lease
		go func() {
			var err error
			r.report.HyperdVersion, err = lease.Version(ctx)
			version <- err
		}()
		built, done, err = r.load(ctx, runFolder)
		return done, cmp.Or(err, <-version)
	})
	if err == nil && r.patches() {
		err = r.stage(ctx, "patch", func(ctx context.Context) (work, error) {
			built, err = r.patch(ctx, built, runFolder)
			return work{rows: r.part.Rows(), bytes: bytesOf(built.All())}, err
		})
	}
	if err == nil {
		noteLoad(r.report, r.plan, built)
	}
	return built, err
}

// judge says why the extract must not be moved into place; nil if it may. It warns of what is wrong all the same.
func (r *run) judge(ctx context.Context, built *job.Result, scratch string) error {
	defer r.warnOfChecks()
	if err := checks.BrokenThresholds(r.report, r.cfg.Tables); err != nil {
		return err
	}
	if err := r.judgeEmpty(); err != nil {
		return err
	}
	return r.stage(ctx, "check", func(ctx context.Context) (work, error) {
		return work{rows: r.report.RowsLoaded()}, r.inspect(ctx, built, scratch)
	})
}

// warnOfChecks tells what thresholds and checks only warn of.
func (r *run) warnOfChecks() {
	for _, warning := range checks.Warnings(r.report) {
		r.warn(warning)
	}
}

// work is what a stage got through.
type work struct{ rows, bytes int64 }

// stage times one part of the run for the report, and for whom traces are told.
func (r *run) stage(ctx context.Context, name string, do func(context.Context) (work, error)) error {
	started := time.Now()
	ctx, span := trace.Start(ctx, "stage "+name)
	r.showProgress(report.Progress{Stage: name, Uncounted: true}, started)
	r.options.Log.Debug("stage begins", "stage", name)
	done, err := do(ctx)
	addStage(r.report, name, time.Since(started), done)
	span.Note(attribute.Int64("hyperlake.rows", done.rows), attribute.Int64("hyperlake.bytes", done.bytes))
	span.End(err)
	return err
}

// warn adds a warning to the report, and says it.
func (r *run) warn(message string) {
	r.report.Warnings = append(slices.Clip(r.report.Warnings), message)
	r.options.Log.Warn(message)
}

// load has the engine build the extract on staging, and proves its counts. The file that
// it returns is local.
func (r *run) load(ctx context.Context, staging *staging.Folder) (job.Result, work, error) {
	done, err := r.runJob(ctx, staging)
	if err == nil {
		err = r.renewLease(ctx)
	}
	if err != nil {
		return job.Result{}, work{}, err
	}
	r.tell("load", "count")
	made, sink := done, r.job.Sink()
	counted, err := done.FetchAndCount(ctx, r.lease, sink.Layout, staging.Local, sink.Keep)
	if err != nil {
		return job.Result{}, work{}, err
	}
	if err := job.Reconcile(r.part, done.Extract, done.Rejects, counted); err != nil {
		return job.Result{}, work{}, err
	}
	if err := r.job.NoteMerged(ctx, made); err != nil {
		return job.Result{}, work{}, err
	}
	loaded := work{rows: done.Extract.Rows()}
	for _, table := range r.part.Tables {
		loaded.bytes += table.BytesToRead()
	}
	return done, loaded, nil
}

// runJob makes the job of the run, and runs what of it is not done.
func (r *run) runJob(ctx context.Context, staging *staging.Folder) (job.Result, error) {
	started, merging := time.Now(), time.Time{}
	workers, err := r.hyperdForWorkers(ctx)
	if err != nil {
		return job.Result{}, err
	}
	if r.job, err = job.New(job.Params{
		Config: r.cfg, Plan: r.part, Moves: r.moves, Staging: staging, Workers: workers, LogValues: r.options.LogValues,
	}); err != nil {
		return job.Result{}, err
	}
	if err := r.job.Prepare(ctx); err != nil {
		return job.Result{}, err
	}
	if r.options.Resume != "" {
		r.report.Reused = r.job.Reused(r.options.Resume)
		if r.report.Reused.Partials == 0 && !r.report.Reused.Merged {
			r.warn("nothing of run " + r.options.Resume + " can be reused: it had finished no partial whose files and configuration are unchanged")
		}
	}
	return r.job.Run(ctx, job.Driver{
		Engine: r.options.Engine, Log: r.options.Log, Renew: r.renewLease,
		Progress: func(done job.Progress) {
			p := loadProgress(done, r.part.Rows())
			if p.Detail == detailMerge {
				merging = cmp.Or(merging, time.Now())
				r.showProgress(p, merging)
				return
			}
			r.showProgress(p, started)
		},
	})
}

// renewLease takes a lease on the hyperd that runs now, or on a new one: that of before may
// have died, and the workers of a job go on with another.
func (r *run) renewLease(ctx context.Context) (err error) {
	r.lease.Release()
	renewed, err := hyperd.Acquire(ctx, r.cfg.Hyperd)
	if err == nil {
		r.lease = renewed
	}
	return err
}

// judgeEmpty fails a run that has no row to load, unless it may be empty.
func (r *run) judgeEmpty() error {
	warnings, err := checks.JudgeEmpty(r.report, r.cfg.OnEmpty)
	for _, warning := range warnings {
		r.warn(warning)
	}
	return err
}

// inspect holds the checks against the finished extracts. Meanwhile it seals them.
func (r *run) inspect(ctx context.Context, built *job.Result, scratch string) error {
	type outcome struct {
		sums []string
		err  error
	}
	sealing := make(chan outcome, 1)
	var isInspected atomic.Bool // until then, people wait for a check
	go func() {
		sums, err := output.Seal(r.watch(ctx, "check", &isInspected), built.Files())
		sealing <- outcome{sums, err}
	}()
	inspection := checks.Inspection{
		Config: r.cfg, Plan: r.plan, Report: r.report, Before: r.rowsBefore, LogValues: r.options.LogValues, Checking: r.tellCheck,
	}
	err := inspection.Inspect(ctx, r.lease, built.All(), scratch)
	isInspected.Store(true)
	done := <-sealing
	if err == nil {
		err = done.err
	}
	if err == nil {
		built.Sealed(done.sums)
	}
	return err
}

// placeRejects makes the folders of rejects hold those of this run, if the run finished:
// it succeeded, or the data is why it did not.
func (r *run) placeRejects(ctx context.Context, aside []rejects.Account, verdict error) error {
	failed := failure.Of(verdict, failure.Engine)
	if failed != nil && failed.Kind != failure.Data && failed.Kind != failure.Check {
		return nil
	}
	for i, table := range r.plan.Tables {
		if table.RejectsPath == "" {
			continue
		}
		if err := r.lock.Held(); err != nil {
			return errors.Join(err, verdict)
		}
		err := rejects.Publish(ctx, aside[i].Files, table.RejectsPath, r.options.ID)
		if lost := r.lock.Held(); lost != nil { // a request that was on its way may have arrived
			closing, cancel := staging.Closing(ctx)
			defer cancel()
			return errors.Join(lost, rejects.Withdraw(closing, table.RejectsPath, r.options.ID), verdict)
		}
		if err != nil {
			return errors.Join(err, verdict)
		}
		r.report.Tables[i].RejectsPath = table.RejectsPath
	}
	return nil
}

// leave ends the use of staging. What a run that failed has finished stays, where the user
// chose the place, for another run to resume from.
func (r *run) leave(ctx context.Context, runFolder *staging.Folder, failed error) error {
	ctx, cancel := staging.Closing(ctx)
	defer cancel()
	if failed == nil || r.inPlace || !runFolder.Durable || r.job == nil {
		return runFolder.Remove(ctx)
	}
	part, files, err := r.job.Leftover(ctx, runFolder.ID())
	if err != nil {
		r.options.Log.Warn("staging is left as it is", "folder", runFolder.URI, "error", err)
		return runFolder.Release(ctx)
	}
	if part == nil {
		return runFolder.Remove(ctx)
	}
	r.report.Resumable = part
	return runFolder.Keep(ctx, files)
}

// withNeeds adds to a failure for lack of room how much the run may take, once that is
// planned. Any other error stays as it is.
func (r *run) withNeeds(err error) error {
	if r.plan == nil || !failure.IsFull(err) {
		return err
	}
	load := r.plan.DiskLoad(r.cfg.WorkerSpool().MostBytes())
	extract := uint64(plan.Growth * load.Lake)
	known := failure.Of(err, failure.Storage)
	return failure.New(known.Kind, "%w", err).OnFullDisk().WithHint("%s; with %s to read, "+
		"this run may take %s on staging, %s at the output, and %s in the spool of each worker", known.Hint,
		humanize.IBytes(uint64(load.Lake)), humanize.IBytes(2*extract), humanize.IBytes(extract), humanize.IBytes(uint64(load.Spool)))
}
