package job

import (
	"context"
	"log/slog"

	"github.com/google/uuid"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/staging"
	"hyperlake/runners/engine"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
	"hyperlake/transforms/parquetread"
	"hyperlake/transforms/repartition"
)

// Params say what a job does, and where.
type Params struct {
	Config  *config.Config
	Plan    *plan.Plan
	Moves   []repartition.Moves // of the tables of the plan, from [SampleRanges]
	Staging *staging.Folder
	Workers hyperd.Config // the hyperd of workers

	// LogValues lets values of rejected rows into the samples of the result.
	LogValues bool
}

// Job is the pipeline of a run, and what of its work is done. It runs it until all is. Not for
// concurrent use.
type Job struct {
	plan        *plan.Plan
	retries     int
	sink        hyper.Params
	moves       repartition.Params
	aside       rejects.Params
	fingerprint string

	read map[plan.TableFile]bool // files that are read in Go whatever was planned
	all  []parquetread.Shard     // of the plan, as it is cut without these

	left      []parquetread.Shard // that have to be read
	finished  *finished           // what need not be made again
	merged    *merged             // what an earlier run made of the whole plan; nil if none did
	resultURI string              // where the pipeline writes its result
}

// New makes a job. It looks at the free space of a local staging, if rows move; nothing is written. It
// fails with one of kind Storage, or where the plan cannot be described.
func New(p Params) (*Job, error) {
	j := &Job{
		plan: p.Plan, retries: p.Config.Runner.DriverRetries(), all: p.Plan.Cut(nil),
		sink: hyper.Params{
			Layout: p.Plan.Layout(), Hyperd: p.Workers, Spool: p.Config.WorkerSpool(), Verify: parquetread.VerifyPages,
			Staging: p.Staging.URI, Checksums: p.Staging.Durable, Split: p.Plan.SplitsTables(), Keep: p.Config.Output.Merge == config.MergeNone,
		},
		aside: rejects.Params{Staging: p.Staging.URI},
	}
	for _, table := range p.Plan.Tables {
		aside := rejects.Keep{Write: table.RejectsPath != "", Values: p.LogValues}
		for _, rule := range table.Rules {
			aside.Rules = append(aside.Rules, rule.Name)
		}
		j.aside.Tables = append(j.aside.Tables, aside)
	}
	var err error
	if j.moves, err = repartitionParams(p.Plan, p.Moves, p.Staging); err != nil {
		return nil, err
	}
	j.fingerprint, err = fingerprintOf(p.Plan, j.sink, j.aside)
	return j, err
}

// Sink says how workers load rows.
func (j *Job) Sink() hyper.Params { return j.sink }

// pipeline is what an engine is given.
func (j *Job) pipeline(progress func(counts map[string]int64)) engine.Job {
	return engine.Job{Build: j.build, DiskBytes: j.plan.DiskLoad(j.sink.Spool.MostBytes()).Bytes(), Progress: progress}
}

// Whole is the job for an engine where nothing of it is done, to be looked at. It writes its
// result to a place of no other meaning.
func (j *Job) Whole() engine.Job {
	whole := *j
	whole.left, whole.finished, whole.resultURI = j.all, &finished{}, storage.Join(j.sink.Staging, "result.json")
	return whole.pipeline(nil)
}

// Prepare finds out what of the job is done, and makes ready to run the rest. What is not there
// as it was written is made again. It fails where the manifest cannot be read: with one of kind Storage.
func (j *Job) Prepare(ctx context.Context) error {
	done, whole, err := j.find(ctx, func(a *attempt) bool { return a.verify(ctx) == nil })
	if err != nil {
		return err
	}
	j.merged, j.finished, j.left = whole, done, without(j.all, done)
	j.resultURI = storage.Join(j.sink.Staging, "result-"+uuid.NewString()+".json") // of no other time
	return nil
}

// find reads from the manifest what is finished of the whole plan, and whether all of it is.
// An attempt that is not usable is made again.
func (j *Job) find(ctx context.Context, usable func(*attempt) bool) (*finished, *merged, error) {
	entries, err := readManifest(ctx, j.sink.Staging)
	if err != nil {
		return nil, nil, failure.Of(err, failure.Storage)
	}
	whole := j.findMerged(ctx, entries, usable)
	return findFinished(j.all, len(j.plan.Tables), j.fingerprint, entries, usable), whole, ctx.Err()
}

// Driver is what runs a job: an engine, and what is done around it.
type Driver struct {
	Engine engine.Engine
	Log    *slog.Logger

	// Renew readies hyperd for another attempt, after one that failed.
	Renew func(ctx context.Context) error

	Progress func(Progress) // is told how far the job is; nil for nobody
}

// Progress is how far a job is.
type Progress struct {
	Rows    int64 // that are loaded, rejected or filtered
	Moved   int64 // that were read, and are on their way to their targets; 0 where none are moved
	Written int64 // bytes, by hyperd
	Counted bool  // the engine counts rows, as it may begin to do later
}

// Run runs a job that is prepared until it gives a result. Files on which hyperd and the rules
// disagree are read here the second time. Where the engine gives up at the first failure, what is
// missing is run again after one that another attempt may not meet: runner.retries times in all,
// whatever is finished in between. It fails with the last of these failures, and with one of kind Engine where
// hyperd and the rules disagree on files that were read here.
func (j *Job) Run(ctx context.Context, driver Driver) (Result, error) {
	failures, disputed := 0, false
	for {
		if j.merged != nil {
			return j.merged.Result, nil
		}
		done, err := j.runOnce(ctx, driver)
		switch {
		case err == nil && len(done.Disputed) == 0:
			return done, nil
		case err == nil && disputed:
			return Result{}, failure.New(failure.Engine, "hyperd and the rules disagree on %s", done.Disputed[0].Parts[0].Files[0].Info.URI).
				WithHint("set validate.engine to go, and report this as a defect")
		case err == nil:
			disputed = true
			driver.Log.Warn("hyperd and the rules disagree; all rows of these files are read here",
				"first", done.Disputed[0].Parts[0].Files[0].Info.URI)
			j.readDisputed(done.Disputed)
		case ctx.Err() != nil || !failure.Of(err, failure.Engine).Retry || failures == j.retries:
			return Result{}, err
		default:
			failures++
			driver.Log.Warn("what is missing is run again", "failure", err, "retry", failures, "of", j.retries)
			hyperd.Kill() // it may still work for attempts that nobody waits for, or be what failed
			if err := driver.Renew(ctx); err != nil {
				return Result{}, err
			}
		}
		if err := j.Prepare(ctx); err != nil {
			return Result{}, err
		}
	}
}

// runOnce runs the pipeline, and reads its result.
func (j *Job) runOnce(ctx context.Context, driver Driver) (Result, error) {
	reused := j.finished.rows()
	err := driver.Engine.Run(ctx, j.pipeline(func(counts map[string]int64) {
		_, counted := counts["rows_read"]
		if driver.Progress != nil {
			driver.Progress(Progress{
				Rows:  reused + counts["rows_loaded"] + counts["rows_rejected"] + counts["rows_filtered"],
				Moved: counts["rows_moved"], Written: counts["bytes_written"], Counted: counted,
			})
		}
	}))
	if err != nil {
		return Result{}, err
	}
	return readResult(ctx, j.resultURI)
}

// readDisputed has files read in Go that hyperd reads itself otherwise.
func (j *Job) readDisputed(disputed []hyper.Doubtful) {
	if j.read == nil {
		j.read = map[plan.TableFile]bool{}
	}
	for _, doubtful := range disputed {
		for _, part := range doubtful.Parts {
			for _, file := range part.Files {
				j.read[plan.TableFile{Table: doubtful.Table, URI: file.Info.URI}] = true
			}
		}
	}
	j.all = j.plan.Cut(j.read)
}
