package pipelines

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/dustin/go-humanize"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/machine"
	"hyperlake/internal/storage"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
)

// Engine runs a Beam pipeline; the package runners has them.
type Engine interface {
	// Name is the engine's name for the report.
	Name() string

	// Check says what would keep every pipeline from running; nothing is started for it.
	Check(ctx context.Context) error

	// Remote says whether workers are other processes than this one.
	Remote() bool

	// Run builds the pipeline on root and runs it to its end. progress is called now and
	// then with the counters of the namespace "hyperlake". Cancelling ctx ends it soon.
	Run(ctx context.Context, build func(root beam.Scope), progress func(counts map[string]int64)) error
}

// RunOptions are what a run needs besides its configuration.
type RunOptions struct {
	ID       string // from NewRunID
	Resume   string // the id of an earlier run, from FindRun; empty to begin anew
	Engine   Engine
	Log      *slog.Logger
	Progress func(Progress) // called from one goroutine at a time; nil for none

	// LogValues lets values of rejected and offending rows into the report. They may be
	// personal data.
	LogValues bool

	// PublishCommand is the command line that publishes the extract of this run, for hints.
	PublishCommand string
}

// Progress is the state of a run.
type Progress struct {
	Stage     string // as in the report
	Rows      int64
	TotalRows int64         // that the footers promise; 0 as long as they are not read
	Elapsed   time.Duration // in this stage
	Uncounted bool          // how many rows are done is not known, or not yet

	// Written is how many bytes hyperd has written, as far as its files have grown; 0 in other
	// stages than load. Of files that it reads itself, it counts rows only when a statement ends.
	Written int64

	// Bytes and TotalBytes are those of a file that is being sent; 0 in other stages.
	Bytes, TotalBytes int64
}

// NewRunID makes a name for a run that sorts by time and that no other run has.
func NewRunID() (string, error) {
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("make a run id: %w", err)
	}
	return time.Now().UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(random[:]), nil
}

// Run builds the extract of a configuration, and publishes it if the configuration says
// where. It always returns a report, of failures, too. After a failure the output path
// holds what it held before, unless only publishing failed.
func Run(ctx context.Context, cfg *Config, options RunOptions) (*Report, error) {
	r := &run{cfg: cfg, options: options, report: newReport(cfg, options)}
	err := r.run(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	err = r.withNeeds(err)
	r.report.finish(err)
	return r.report, err
}

// run is one run under way.
type run struct {
	cfg     *Config
	options RunOptions
	report  *Report
	plan    *Plan
	lease   *hyperd.Lease
	job     *job
	inPlace bool // the extract is
}

func (r *run) run(ctx context.Context) (err error) {
	if err := machine.CheckLimits(); err != nil {
		return failure.Of(err, failure.Engine).BeforeData()
	}
	if err := r.options.Engine.Check(ctx); err != nil {
		return err
	}
	if err := r.stage("plan", func() (work, error) { return r.makePlan(ctx) }); err != nil {
		if r.plan != nil { // the data is why
			return cmp.Or(r.publishRejects(ctx, make([]rejects.Bundle, len(r.plan.Tables)), err), err)
		}
		return err
	}
	publisher, err := r.preparePublishing(ctx)
	if err != nil {
		return err
	}
	defer removeEmpty(missingFolders(r.cfg.Output.Path)) // if nothing came of them
	staging, err := openStaging(ctx, r.cfg, r.options.ID, r.options.Resume)
	if err != nil {
		return err
	}
	defer func() {
		if mayStillWrite(err) {
			hyperd.Kill() // whatever still runs must not write into a folder that goes away
		}
		if leaveErr := r.leave(ctx, staging, err); leaveErr != nil { // which changes nothing for the extract
			r.warn(fmt.Sprintf("something stays on staging, which `hyperlake clean` removes: %v", leaveErr))
		}
	}()
	if r.lease, err = hyperd.Acquire(ctx, r.cfg.Hyperd); err != nil {
		return err
	}
	defer func() { r.lease.Release() }()
	if err := r.plan.tryChecks(ctx, r.cfg, r.lease, staging.local); err != nil {
		return err
	}
	var built result
	if err := r.stage("load", func() (done work, err error) {
		version, lease := make(chan error, 1), r.lease
		go func() {
			var err error
			r.report.HyperdVersion, err = lease.Version(ctx)
			version <- err
		}()
		built, done, err = r.load(ctx, staging)
		return done, cmp.Or(err, <-version)
	}); err != nil {
		return err
	}
	verdict := r.report.brokenThresholds(r.cfg.Tables)
	if verdict == nil {
		verdict = r.judgeEmptyTables()
	}
	if verdict == nil {
		verdict = r.stage("check", func() (work, error) {
			return work{rows: r.report.rowsLoaded()}, r.check(ctx, r.lease, &built, staging.local)
		})
	}
	if err := r.publishRejects(ctx, built.Rejects, verdict); err != nil {
		return err
	}
	if verdict != nil {
		return verdict
	}
	extract := built.Extract
	if err := r.stage("move", func() (work, error) { return r.moveAll(ctx, built) }); err != nil {
		return err
	}
	if r.inPlace = true; publisher == nil {
		return nil
	}
	return r.publishPlaced(ctx, publisher, r.lease, extract, staging.local)
}

// work is what a stage got through.
type work struct{ rows, bytes int64 }

// stage times one part of the run for the report.
func (r *run) stage(name string, do func() (work, error)) error {
	started := time.Now()
	r.showProgress(Progress{Stage: name, Uncounted: true}, started)
	r.options.Log.Debug("stage begins", "stage", name)
	done, err := do()
	r.report.addStage(name, time.Since(started), done)
	return err
}

func (r *run) showProgress(p Progress, started time.Time) {
	if r.options.Progress == nil {
		return
	}
	p.Elapsed = time.Since(started)
	if r.plan != nil {
		p.TotalRows = r.plan.rows()
	}
	r.options.Progress(p)
}

func (r *run) makePlan(ctx context.Context) (work, error) {
	plan, err := MakePlan(ctx, r.cfg)
	if err == nil {
		err = plan.sampleRanges(ctx)
	}
	if err != nil {
		return work{}, err
	}
	r.plan = plan
	r.report.planned(plan)
	for _, warning := range plan.Warnings {
		r.options.Log.Warn(warning)
	}
	if plan.rows() == 0 && r.cfg.OnEmpty != OnEmptyAllow {
		return work{}, r.report.nothingToLoad()
	}
	r.options.Log.Info("planned", "tables", len(plan.Tables), "rows", plan.rows(), "shards", plan.Shards, "format_version", int(plan.FormatVersion))
	return work{rows: plan.rows()}, nil
}

// load has the engine build the extract on staging, and proves its counts. The file that
// it returns is local.
func (r *run) load(ctx context.Context, staging *staging) (result, work, error) {
	workers, err := r.hyperdForWorkers(ctx)
	if err != nil {
		return result{}, work{}, err
	}
	if r.job, err = r.newJob(staging, workers); err != nil {
		return result{}, work{}, err
	}
	done, err := r.runJob(ctx)
	if err == nil {
		err = r.renewLease(ctx)
	}
	if err != nil {
		return result{}, work{}, err
	}
	made := done
	counted, err := done.fetchAndCount(ctx, r.lease, r.job.sink.Layout, staging.local, r.job.sink.Keep)
	if err != nil {
		return result{}, work{}, err
	}
	r.report.loaded(r.plan, done)
	if err := reconcile(r.plan, done.Extract, done.Rejects, counted); err != nil {
		return result{}, work{}, err
	}
	if r.job.merged == nil {
		if err := r.noteMerged(ctx, staging, made); err != nil {
			return result{}, work{}, err
		}
	}
	return done, work{rows: r.report.rowsLoaded(), bytes: r.report.bytesIn()}, nil
}

// move puts the extract into place.
func (r *run) move(ctx context.Context, extract hyper.File) (work, error) {
	output := r.cfg.Output.Path
	if err := moveTo(ctx, extract.Path, output); err != nil {
		return work{}, failure.New(failure.Storage, "move the extract of %s to %s: %w", humanize.IBytes(uint64(extract.Bytes)), output, err).
			WithHint("%s", placeHint(err, output))
	}
	r.report.moved(extract)
	return work{rows: r.report.rowsLoaded(), bytes: extract.Bytes}, nil
}

// placeHint says what to do where a file cannot be moved to its place.
func placeHint(err error, output string) string {
	hint := storage.Hint(err)
	if _, local := storage.LocalPath(output); local && hint == "" {
		hint = fmt.Sprintf("check that the folder %s can be written", filepath.Dir(output))
	}
	return hint
}

// moveTo moves a local file to its place, whole or not at all.
func moveTo(ctx context.Context, from, to string) error {
	if _, local := storage.LocalPath(to); local {
		if err := storage.Adopt(from, to); err != nil { // hyperd keeps its files from others
			return err
		}
		return storage.MoveFile(from, to)
	}
	return overwrite(ctx, to, func(condition storage.Condition) error {
		_, err := storage.Upload(ctx, from, to, condition)
		return err
	})
}

// overwrite has write replace what stands at a remote name, or make it.
func overwrite(ctx context.Context, to string, write func(storage.Condition) error) error {
	store, err := storage.For(to)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := overwriteOnce(ctx, store, to, write)
		overtaken := errors.Is(err, storage.ErrChanged) || errors.Is(err, storage.ErrExists)
		if !overtaken || attempt == moveAttempts {
			return err
		}
	}
}

// moveAttempts is how often a run tries to be the last to write the output, when others
// write it at the same time.
const moveAttempts = 3

// overwriteOnce replaces the version that stands at a name, and no other: a request that is
// repeated because its reply was lost cannot undo what somebody wrote in between.
func overwriteOnce(ctx context.Context, store storage.Store, to string, write func(storage.Condition) error) error {
	condition := storage.IfAbsent()
	standing, err := store.Stat(ctx, to)
	switch {
	case err == nil && !standing.Folder:
		condition = storage.IfUnchanged(standing)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return write(condition)
}
