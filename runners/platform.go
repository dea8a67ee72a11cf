package runners

import (
	"context"
	"log/slog"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// platform is one way of running jobs.
type platform interface {
	// checks are what must be right before a job is sent, in the order to look at them.
	checks() []Check

	// remote says whether workers are other processes than this one.
	remote() bool

	// run runs a job to its end. When ctx is cancelled, the job is cancelled and run
	// returns soon, whatever the engine does, with the cause.
	run(ctx context.Context, j job) error
}

// job is one pipeline to run.
type job struct {
	name      string // unique among the jobs of the engine
	pipeline  *beam.Pipeline
	diskBytes int64                         // that each worker should have room for; 0 is unknown
	progress  func(counts map[string]int64) // nil for none; not called after the end
	account   func(JobRun)                  // told what the engine knows of the job; nil for nobody
	log       *slog.Logger                  // for people
}

// Check is something that must be right before a job is sent.
type Check struct {
	Name string // such as job server

	// Run says in a few words what was found. Its errors are failures with a hint; one that
	// is retryable may pass by itself, and a [CautionError] keeps no job from being sent. It starts
	// nothing, and returns in seconds.
	Run func(ctx context.Context) (found string, err error)
}

// CautionError is what a check found that works, but perhaps not as it is meant.
type CautionError struct{ Found, Hint string }

func (c *CautionError) Error() string { return c.Found }
