package pipelines

import (
	"context"
	"time"

	"github.com/google/uuid"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
	"hyperlake/transforms/parquetread"
	"hyperlake/transforms/repartition"
)

// job is what the pipeline of a run is made of, each time that it runs.
type job struct {
	plan        *Plan
	sink        hyper.Params
	moves       repartition.Params
	aside       rejects.Params
	fingerprint string

	finished  *finished // what need not be made again
	merged    *merged   // what an earlier run made of the whole plan; nil if none did
	resultURI string    // where the pipeline writes its result
}

// newJob prepares a job whose workers have that hyperd.
func (r *run) newJob(staging *staging, workers hyperd.Config) (*job, error) {
	j := &job{
		plan: r.plan,
		sink: hyper.Params{
			Layout: r.plan.layout(), Hyperd: workers, Spool: r.cfg.WorkerSpool(), Verify: parquetread.VerifyPages,
			Staging: staging.path, Checksums: staging.durable, Split: r.plan.splits(), Keep: r.cfg.Output.Merge == MergeNone,
		},
		aside: rejects.Params{Staging: staging.path},
	}
	for _, table := range r.plan.Tables {
		aside := rejects.Table{Write: table.RejectsPath != "", Values: r.options.LogValues}
		for _, rule := range table.Rules {
			aside.Rules = append(aside.Rules, rule.Name)
		}
		j.aside.Tables = append(j.aside.Tables, aside)
	}
	if disks, ok := r.options.Engine.(DiskPlanner); ok {
		disks.NeedDisk(r.plan.diskLoad(j.sink.Spool.MostBytes()).bytes())
	}
	var err error
	if j.moves, err = r.plan.repartitionParams(staging); err != nil {
		return nil, err
	}
	j.fingerprint, err = r.plan.fingerprint(j.sink, j.aside)
	return j, err
}

// find reads from the manifest what is finished of the whole plan, and whether all of it is.
// An attempt that is not usable is made again.
func (j *job) find(ctx context.Context, usable func(*attempt) bool) (*finished, *merged, error) {
	entries, err := readManifest(ctx, j.sink.Staging)
	if err != nil {
		return nil, nil, failure.Of(err, failure.Storage)
	}
	whole := j.findMerged(ctx, entries, usable)
	j.plan.cut()
	return j.plan.finished(j.fingerprint, entries, usable), whole, ctx.Err()
}

// prepare makes ready to run what is not finished.
func (j *job) prepare(ctx context.Context) error {
	done, whole, err := j.find(ctx, func(a *attempt) bool { return a.verify(ctx) == nil })
	if err != nil {
		return err
	}
	j.merged = whole
	j.finished = done
	j.plan.without(done)
	j.resultURI = storage.Join(j.sink.Staging, "result-"+uuid.NewString()+".json") // of no other time
	return nil
}

// runJob runs the pipeline until it gives a result. Files on which hyperd and the rules
// disagree are read here the second time. Where the engine gives up at the first failure,
// what is missing is run again after one that another attempt may not meet: runner.retries
// times in the whole run, whatever is finished in between.
func (r *run) runJob(ctx context.Context) (result, error) {
	failures, disputed := 0, false
	for {
		if err := r.job.prepare(ctx); err != nil {
			return result{}, err
		}
		r.noteReused()
		if r.job.merged != nil {
			return r.job.merged.Result, nil
		}
		done, err := r.runOnce(ctx)
		switch {
		case err == nil && len(done.Disputed) == 0:
			return done, nil
		case err == nil && disputed:
			return result{}, failure.New(failure.Engine, "hyperd and the rules disagree on %s", done.Disputed[0].Parts[0].Files[0].Info.URI).
				WithHint("set validate.engine to go, and report this as a defect")
		case err == nil:
			disputed = true
			r.options.Log.Warn("hyperd and the rules disagree; all rows of these files are read here", "first", done.Disputed[0].Parts[0].Files[0].Info.URI)
			r.plan.materialise(done.Disputed)
		case ctx.Err() != nil || !failure.Of(err, failure.Engine).Retry || failures == r.cfg.Runner.retries():
			return result{}, err
		default:
			failures++
			r.options.Log.Warn("what is missing is run again", "failure", err, "retry", failures, "of", r.cfg.Runner.retries())
			hyperd.Kill() // it may still work for attempts that nobody waits for, or be what failed
			if err := r.renewLease(ctx); err != nil {
				return result{}, err
			}
		}
	}
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

// noteReused says, where a run is resumed, what of it was finished before.
func (r *run) noteReused() {
	if r.options.Resume == "" || r.report.Reused != nil {
		return
	}
	r.report.Reused = r.job.part(r.options.Resume, r.job.finished, r.job.merged)
	if len(r.job.finished.Partials) == 0 && r.job.merged == nil {
		r.warn("nothing of run " + r.options.Resume + " can be reused: it had finished no partial whose files and configuration are unchanged")
	}
}

// runOnce runs the pipeline, and reads its result.
func (r *run) runOnce(ctx context.Context) (result, error) {
	started := time.Now()
	reused := r.job.finished.rows()
	err := r.options.Engine.Run(ctx, r.job.build,
		func(counts map[string]int64) {
			rows := reused + counts["rows_loaded"] + counts["rows_rejected"] + counts["rows_filtered"]
			_, counted := counts["rows_read"]
			r.showProgress(Progress{Stage: "load", Rows: rows, Written: counts["bytes_written"], Uncounted: !counted}, started)
		})
	if err != nil {
		return result{}, err
	}
	return readResult(ctx, r.job.resultURI)
}
