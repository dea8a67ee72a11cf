// Package runners starts Beam pipelines on an engine and waits for them: it turns typed
// options into Beam's flags, reports progress from the engine's own metrics, and turns
// the engine's answer into an error that a person can read.
//
// It is the only package that imports Beam's runners, and just those that are used.
package runners

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"

	"hyperlake/internal/failure"
	"hyperlake/runners/direct"
	"hyperlake/runners/engine"
	"hyperlake/runners/options"
)

// Names are the runners that a configuration may name.
var Names = []string{"direct", "flink", "dataflow"}

// aliases are other names that people use for a runner. Prism itself, Beam's local server, is
// not one of ours: it listens on all interfaces, and runs whatever anybody asks it to.
var aliases = map[string]string{"prism": "direct"}

// Options say how to run a pipeline.
type Options struct {
	Name    string       // of the runner, or an alias of it
	JobName string       // unique among the jobs of the engine; a second Run adds -2, and so on
	Args    []string     // flags for Beam as they are, such as --experiments=…
	Log     *slog.Logger // what people should know of a job; nil drops it
	BeamLog *slog.Logger // becomes the process's default, to which Beam talks; nil drops its words

	// Notes are for workers that are other processes (see [Ended]), by names that start with
	// hyperlake_. They travel in Beam's options, where everybody reads them: nothing secret.
	Notes map[string]string

	// Parallelism is that of a job on a cluster, or its number of workers. 0 leaves it to
	// the engine.
	Parallelism int

	Flink    options.Flink    // for the runner flink
	Dataflow options.Dataflow // for the runner dataflow
}

// Runner runs one pipeline.
type Runner struct {
	options  Options
	platform platform
	jobs     int // that were built
	accounts []JobRun
}

// beamFlags is held by who sets Beam's flags, which are global to the process, and reads them.
var beamFlags sync.Mutex

// New checks options and makes a Runner. Nothing is started yet. A name that no runner has, and Args that Beam does not
// take, are failures of kind Usage.
func New(options Options) (*Runner, error) {
	if name, ok := aliases[options.Name]; ok {
		options.Name = name
	}
	if !slices.Contains(Names, options.Name) {
		return nil, failure.New(failure.Usage, "unknown runner %q", options.Name).
			WithHint("use one of: %s", strings.Join(Names, ", "))
	}
	discard := slog.New(slog.DiscardHandler)
	options.Log, options.BeamLog = cmp.Or(options.Log, discard), cmp.Or(options.BeamLog, discard)
	beamFlags.Lock()
	defer beamFlags.Unlock()
	if err := parseBeamFlags(options.Args); err != nil {
		return nil, failure.New(failure.Usage, "arguments after -- go to Beam: %w", err)
	}
	platform, err := newPlatform(options)
	return &Runner{options: options, platform: platform}, err
}

// newPlatform makes the platform that the options name. Where Beam's own flags name a job service,
// jobs that would run in this process go there.
func newPlatform(options Options) (platform, error) {
	switch {
	case options.Name == "flink":
		return portable{flinkEngine{options.Flink, options.Parallelism}}, nil
	case options.Name == "dataflow":
		return dataflowEngine{options.Dataflow, options.Parallelism}, nil
	case *jobopts.Endpoint != "":
		return portable{givenService{}}, nil
	case *jobopts.EnvironmentType != "" && !jobopts.IsLoopback():
		return nil, failure.New(failure.Usage, "--environment_type=%s needs a job service, which starts the workers", *jobopts.EnvironmentType).
			WithHint("name one with --endpoint, or leave --environment_type out")
	default:
		return directEngine{options.Parallelism}, nil
	}
}

// parseBeamFlags sets Beam's flags, which are global to the process.
func parseBeamFlags(args []string) error {
	all := flag.CommandLine
	all.Init(all.Name(), flag.ContinueOnError)
	all.SetOutput(io.Discard)
	if err := all.Parse(args); err != nil {
		return err
	}
	if all.NArg() > 0 {
		return fmt.Errorf("%q is not a flag", all.Arg(0))
	}
	return nil
}

// Name is the runner's name, without aliases.
func (r *Runner) Name() string { return r.options.Name }

// Remote says whether workers are other processes than this one.
func (r *Runner) Remote() bool { return r.platform.remote() }

// Checks are what must be right before a job is sent: an engine that answers, a program
// that its workers can run.
func (r *Runner) Checks() []Check { return r.platform.checks() }

const (
	readyDeadline = time.Minute // for an engine that is starting
	readyEvery    = time.Second
)

// Check says what would keep every job from running: the first of [Runner.Checks] that
// fails. One that fails with a failure that may pass by itself, of an engine that is
// starting, is looked at again for up to a minute.
func (r *Runner) Check(ctx context.Context) error {
	for _, check := range r.Checks() {
		if err := r.await(ctx, check); err != nil {
			return err
		}
	}
	return nil
}

// await looks at a check until it holds, cannot hold any more, or took too long.
func (r *Runner) await(ctx context.Context, check Check) error {
	deadline := time.Now().Add(readyDeadline)
	for told := false; ; told = true {
		_, err := check.Run(ctx)
		if caution := (*CautionError)(nil); errors.As(err, &caution) {
			r.options.Log.Warn(caution.Found, "hint", caution.Hint)
			return nil
		}
		if failed := failure.Of(err, failure.Engine); failed == nil || !failed.Retry || time.Now().After(deadline) {
			return err
		}
		if !told {
			r.options.Log.Info("waiting for the engine", "check", check.Name, "found", err, "at_most", readyDeadline)
		}
		select {
		case <-time.After(readyEvery):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Run runs a job to its end. When ctx is cancelled, the job is cancelled and Run returns soon,
// whatever the engine does. Beam's options are global: one Run at a time in a process. It fails with the failure
// that a DoFn encoded, if the engine tells of one; else with one of kind Engine, or of kind Storage where workers
// cannot be handed what they need; or with the cause of ctx.
func (r *Runner) Run(ctx context.Context, given engine.Job) error {
	return r.platform.run(ctx, r.prepare(given))
}

// Jobs are those that Run sent, as far as the engine tells of them.
func (r *Runner) Jobs() []JobRun { return r.accounts }

// Describe returns the job that Run would send, in the engine's own form, and sends
// nothing. Most engines have none to show, which is a failure of kind Usage.
func (r *Runner) Describe(ctx context.Context, given engine.Job) ([]byte, error) {
	describer, ok := r.platform.(interface {
		describe(ctx context.Context, j job) ([]byte, error)
	})
	if !ok {
		return nil, failure.New(failure.Usage, "the runner %s has no job to show", r.Name())
	}
	return describer.describe(ctx, r.prepare(given))
}

// prepare builds the pipeline of a job, and gives it a name.
func (r *Runner) prepare(given engine.Job) job {
	direct.InitBeam()
	slog.SetDefault(r.options.BeamLog)
	pipeline, root := beam.NewPipelineWithRoot()
	given.Build(root)
	for name, note := range r.options.Notes {
		beam.PipelineOptions.Set(name, note)
	}
	r.jobs++
	name := r.options.JobName
	if r.jobs > 1 {
		name = fmt.Sprintf("%s-%d", name, r.jobs)
	}
	return job{
		name: name, pipeline: pipeline, diskBytes: given.DiskBytes, progress: given.Progress, log: r.options.Log,
		account: func(run JobRun) { r.accounts = append(r.accounts, run) },
	}
}
