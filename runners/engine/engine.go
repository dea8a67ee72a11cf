// Package engine is what a run and an engine say to each other: what is asked of every engine
// that runs Beam pipelines, and the job that it is given. It starts nothing; the package runners
// has the engines, and tests have some of their own.
package engine

import (
	"context"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// Engine runs Beam pipelines.
type Engine interface {
	// Name is the engine's name for the report.
	Name() string

	// Check says what would keep every pipeline from running; nothing is started for it.
	Check(ctx context.Context) error

	// Remote says whether workers are other processes than this one.
	Remote() bool

	// Run runs a job to its end. Cancelling ctx ends it soon.
	Run(ctx context.Context, job Job) error
}

// Describer is an [Engine] that can show a job without running it.
type Describer interface {
	// Describe returns the job that Run would send, in the engine's own form. Nothing is sent.
	Describe(ctx context.Context, job Job) ([]byte, error)
}

// Job is a pipeline to run.
type Job struct {
	// Build makes the pipeline on its root.
	Build func(root beam.Scope)

	// DiskBytes is how many bytes of disk each worker should have room for, where the engine
	// decides on that and its options do not. 0: it does not matter.
	DiskBytes int64

	// Progress, if not nil, is called now and then with the counters of the namespace "hyperlake"
	// so far, by name and summed over the job; by one goroutine at a time, and never after Run
	// returned.
	Progress func(counts map[string]int64)
}
