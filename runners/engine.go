package runners

import (
	"context"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
)

// engine is what a runner knows about one kind of engine.
type engine interface {
	// checks are what must be right before a job is sent, in the order to look at them.
	checks() []Check

	// start returns where to send a job, after starting the engine if it is one of ours.
	start(ctx context.Context) (target, error)

	// cancel ends a job that the job service knows by that id.
	cancel(ctx context.Context, service jobpb.JobServiceClient, jobID string) error
}

// Check is something that must be right before a job is sent.
type Check struct {
	Name string // such as job server

	// Run says in a few words what was found. Its errors are failures with a hint; one that
	// is retryable may pass by itself. It starts nothing, and returns in seconds.
	Run func(ctx context.Context) (found string, err error)
}

// cancelByService has the job service end a job, which is enough for some engines.
func cancelByService(ctx context.Context, service jobpb.JobServiceClient, jobID string) error {
	_, err := service.Cancel(ctx, &jobpb.CancelJobRequest{JobId: jobID})
	return err
}

// target is where a job is sent, and what its workers are.
type target struct {
	endpoint    string // of the job service
	environment environment
	parallelism int // of the job; 0 leaves it to the engine
}

// environment says how the engine gets workers, in Beam's terms.
type environment struct {
	urn      string
	config   string // depends on urn
	loopback bool   // this process is the worker; urn and config are not used
	binary   string // the program that a worker runs; not used with loopback
}

const (
	processURN  = "beam:env:process:v1"
	externalURN = "beam:env:external:v1"
	dockerURN   = "beam:env:docker:v1"
)
