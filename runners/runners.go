// Package runners starts Beam pipelines on an engine and waits for them: it turns typed
// options into Beam's flags, reports progress from the engine's own metrics, and turns
// the engine's answer into an error that a person can read.
//
// It is the only package that imports Beam's runners, and just those that are used.
package runners

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"

	"hyperlake/internal/failure"
)

// Names are the runners that a configuration may name.
var Names = []string{"prism", "flink"}

// aliases are other names that people use for a runner.
var aliases = map[string]string{"direct": "prism"}

// Options say how to run a pipeline.
type Options struct {
	Name    string       // of the runner, or an alias of it
	JobName string       // unique among the jobs of the engine
	Args    []string     // flags for Beam as they are, such as --experiments=…
	Log     *slog.Logger // becomes the process's default, to which Beam talks; nil drops its words

	// Parallelism is that of a job on a cluster. 0 leaves it to the engine.
	Parallelism int

	Flink Flink // for the runner flink
}

// Runner runs one pipeline.
type Runner struct {
	options Options
	engine  engine
}

// New checks options and makes a Runner. Nothing is started yet.
func New(options Options) (*Runner, error) {
	if name, ok := aliases[options.Name]; ok {
		options.Name = name
	}
	if !slices.Contains(Names, options.Name) {
		return nil, failure.New(failure.Usage, "unknown runner %q", options.Name).
			WithHint("use one of: %s", strings.Join(Names, ", ")).BeforeData()
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if err := parseBeamFlags(options.Args); err != nil {
		return nil, failure.New(failure.Usage, "arguments after -- go to Beam: %w", err).BeforeData()
	}
	return &Runner{options, newEngine(options)}, nil
}

func newEngine(options Options) engine {
	if options.Name == "flink" {
		return flinkEngine{options.Flink, options.Parallelism}
	}
	return prismEngine{}
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
func (r *Runner) Remote() bool { return r.engine.remote() }

// Checks are what must be right before a job is sent: an engine that answers, a program
// that its workers can run.
func (r *Runner) Checks() []Check { return r.engine.checks() }

// Check says what would keep every job from running: the first of [Runner.Checks] that fails.
func (r *Runner) Check(ctx context.Context) error {
	for _, check := range r.Checks() {
		if _, err := check.Run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Run builds a pipeline and runs it to its end. progress, if not nil, is called now and
// then with the counters of the namespace "hyperlake" so far, by name and summed over the
// job; from another goroutine, and never after Run returned.
// When ctx is cancelled, the job is cancelled and Run returns soon, whatever the engine
// does. Beam's options are global: one Run at a time in a process.
func (r *Runner) Run(ctx context.Context, build func(beam.Scope), progress func(counts map[string]int64)) error {
	beam.Init() // makes a logger of its own the process's default
	slog.SetDefault(r.options.Log)
	pipeline, root := beam.NewPipelineWithRoot()
	build(root)
	engine, cancelEngine := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelEngine()
	to, err := r.engine.start(engine)
	if err != nil {
		return err
	}
	s := &submission{target: to, jobName: r.options.JobName}
	defer s.close()
	jobID, err := s.start(ctx, engine, pipeline)
	if ctx.Err() != nil && err != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return jobError(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.await(engine, jobID) }()

	watch := startWatching(s.client, jobID, progress)
	defer watch.stop()
	select {
	case err := <-ended:
		return jobError(err)
	case <-ctx.Done():
		watch.stop()
		r.cancel(s.client, jobID)
		return context.Cause(ctx)
	}
}

// cancelDeadline bounds how long an interrupted run waits for the engine to end its job.
const cancelDeadline = 10 * time.Second

// cancel ends a job. Where that fails, people are told, because the job goes on.
func (r *Runner) cancel(service jobpb.JobServiceClient, jobID string) {
	ctx, cancel := context.WithTimeout(context.Background(), cancelDeadline)
	defer cancel()
	if err := r.engine.cancel(ctx, service, jobID); err != nil {
		r.options.Log.Warn("the engine did not cancel the job", "error", err)
	}
}

// jobError finds our own failure in the words of an engine.
func jobError(err error) error {
	if err == nil {
		return nil
	}
	if ours, ok := failure.Decode(err.Error()); ok {
		return ours
	}
	return failure.New(failure.Engine, "the pipeline failed: %w", err)
}
