// Package runners starts Beam pipelines on an engine and waits for them: it turns typed
// options into Beam's flags, reports progress from the engine's own metrics, and turns
// the engine's answer into an error that a person can read.
//
// It is the only package that imports Beam's runners, and just those that are used.
package runners

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

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
	Log     *slog.Logger // what becomes of the job on a cluster; nil drops it
	BeamLog *slog.Logger // becomes the process's default, to which Beam talks; nil drops its words

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
	options.Log = cmp.Or(options.Log, slog.New(slog.DiscardHandler))
	options.BeamLog = cmp.Or(options.BeamLog, slog.New(slog.DiscardHandler))
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

// Checks are what must be right before a job is sent: an engine that answers, a program
// that its workers can run.
func (r *Runner) Checks() []Check { return r.engine.checks() }

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

// Run builds a pipeline and runs it to its end. progress, if not nil, is called now and
// then with the counters of the namespace "hyperlake" so far, by name and summed over the
// job; from another goroutine, and never after Run returned.
// When ctx is cancelled, the job is cancelled and Run returns soon, whatever the engine
// does. Beam's options are global: one Run at a time in a process.
func (r *Runner) Run(ctx context.Context, build func(beam.Scope), progress func(counts map[string]int64)) error {
	beam.Init() // makes a logger of its own the process's default
	slog.SetDefault(r.options.BeamLog)
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
	defer r.tellStates(jobID)()
	select {
	case err := <-ended:
		watch.stop()
		return r.outcome(watch, jobID, err)
	case <-ctx.Done():
		watch.stop()
		r.cancel(s.client, jobID)
		return context.Cause(ctx)
	}
}
