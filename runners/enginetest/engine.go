// Package enginetest is a Beam engine for tests, as unkind as an engine may be: it runs every
// bundle at least twice, some at the same time, and lets one attempt count; it loses, cuts
// off, cancels and outruns the others. Bundles, elements and the values of a group come in
// any order. What is right here does not depend on how an engine distributes and repeats work.
//
// It runs the stages and bundles of [direct], under the same conditions.
package enginetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"hyperlake/internal/failure"
	"hyperlake/runners/direct"
	"hyperlake/runners/engine"
)

// Engine runs one pipeline at a time. All that it picks at random follows from its seed; when
// attempts that run at the same time meet does not.
type Engine struct {
	random *rand.Rand

	mu       sync.Mutex
	attempts Attempts
	givesUp  int // jobs, from now on
}

// Attempts counts the attempts at bundles by what became of them.
type Attempts struct {
	Counted   int // their outputs went on; one for each bundle
	Lost      int // ran to their end, and their outputs were thrown away
	Late      int // the same, while the stages after theirs were running already
	CutOff    int // lost the connection to the engine when they emitted
	Cancelled int // had their context cancelled on the way
	Fatal     int // of those two: the engine gave up their job
}

// New makes an engine that picks what a seed says.
func New(seed uint64) *Engine { return &Engine{random: rand.New(rand.NewPCG(seed, 0))} }

// GiveUp has the next jobs fail, as those of an engine that does not repeat bundles: each at
// some attempt that is cut off or cancelled, unless there is none. Other bundles of the stage
// still end; the failure is of kind Engine and retryable. It returns the engine.
func (e *Engine) GiveUp(jobs int) *Engine {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.givesUp = jobs
	return e
}

// takeDoom says whether the job that begins is one that is given up.
func (e *Engine) takeDoom() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.givesUp--
	return e.givesUp >= 0
}

// Name is the engine's name for reports.
func (e *Engine) Name() string { return "enginetest" }

// Check finds nothing wrong.
func (e *Engine) Check(context.Context) error { return nil }

// Remote is false: the workers are this process.
func (e *Engine) Remote() bool { return false }

// Attempts says what became of the attempts so far. Safe for concurrent use.
func (e *Engine) Attempts() Attempts {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.attempts
}

func (e *Engine) count(f fate) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f.fatal {
		e.attempts.Fatal++
	}
	switch f.kind {
	case counted:
		e.attempts.Counted++
	case lost:
		e.attempts.Lost++
	case late:
		e.attempts.Late++
	case cutOff:
		e.attempts.CutOff++
	case cancelled:
		e.attempts.Cancelled++
	}
}

// Run runs a job to its end, and that of all attempts. The first error of a
// DoFn that the engine did not cause fails it, as the failure.Error that the DoFn encoded, or
// one of kind Engine. progress is never called: counters of repeated bundles say nothing.
func (e *Engine) Run(ctx context.Context, given engine.Job) error {
	direct.InitBeam()
	pipeline, root := beam.NewPipelineWithRoot()
	given.Build(root)
	stages, err := direct.Compile(ctx, pipeline)
	if err != nil {
		return failure.New(failure.Engine, "compile the pipeline: %w", err)
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	j := &job{engine: e, stages: stages, random: e.random, doomed: e.takeDoom(), waiting: map[string][][]byte{}}
	err = j.run(running)
	if err != nil {
		cancel()
	}
	j.late.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return failure.OfJob(err)
}

// job is one run of a pipeline.
type job struct {
	engine  *Engine
	stages  []*direct.Stage
	random  *rand.Rand
	doomed  bool
	waiting map[string][][]byte // elements by the shuffle that they have come to
	late    sync.WaitGroup      // attempts that nobody waits for before the end
}

// run runs every stage once all that feed it are done, and otherwise in any order.
func (j *job) run(ctx context.Context) error {
	left := j.stages
	for len(left) > 0 {
		ready, blocked := direct.Ready(left)
		if len(ready) == 0 {
			return fmt.Errorf("%d stages wait for each other", len(left))
		}
		next := j.random.IntN(len(ready))
		if err := j.runStage(ctx, ready[next]); err != nil {
			return err
		}
		left = append(blocked, append(ready[:next], ready[next+1:]...)...)
	}
	return nil
}
