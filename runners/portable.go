package runners

import (
	"cmp"
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
)

// jobService is an engine that takes jobs through a job service of Beam.
type jobService interface {
	checks() []Check
	remote() bool

	// start returns where to send a job, after starting the engine if it is one of ours.
	start(ctx context.Context) (target, error)

	// cancel ends a job that the job service knows by that id.
	cancel(ctx context.Context, service jobpb.JobServiceClient, jobID string) error
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
	loopback bool   // this process is the worker; urn, config and params are not used
	binary   string // the program that a worker runs; not used with loopback

	params map[string]string // for the pool of an external environment
}

const (
	processURN  = "beam:env:process:v1"
	externalURN = "beam:env:external:v1"
	dockerURN   = "beam:env:docker:v1"
)

// portable runs jobs through a job service.
type portable struct{ jobService }

func (p portable) run(ctx context.Context, j job) error {
	engine, cancelEngine := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelEngine()
	to, err := p.start(engine)
	if err != nil {
		return err
	}
	s := &submission{target: to, jobName: j.name}
	defer s.close()
	jobID, err := s.start(ctx, engine, j.pipeline)
	if ctx.Err() != nil && err != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return jobError(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.await(engine, jobID) }()

	watch := p.startWatching(s.client, jobID, j.progress)
	defer watch.stop()
	var known atomic.Value // the id of the job on the engine
	defer p.tellStates(jobID, j.log, &known)()
	select {
	case err := <-ended:
		watch.stop()
		defer p.account(jobID, &known, j)
		return p.outcome(watch, jobID, j.log, err)
	case <-ctx.Done():
		watch.stop()
		p.end(s.client, jobID, j.log)
		p.account(jobID, &known, j)
		return context.Cause(ctx)
	}
}

// account tells of a job that has ended what the engine knows of it, at least by what id.
func (p portable) account(jobID string, known *atomic.Value, j job) {
	engine, ok := p.jobService.(historian)
	if !ok || j.account == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), outcomeTime)
	defer cancel()
	run, _ := engine.account(ctx, jobID) // the report goes without what cannot be told
	if id, ok := known.Load().(string); ok {
		run.ID = cmp.Or(run.ID, id)
	}
	if run.ID != "" {
		j.account(run)
	}
}

// cancelDeadline bounds how long an interrupted run waits for the engine to end its job.
const cancelDeadline = 10 * time.Second

// end cancels a job. Where that fails, people are told, because the job goes on.
func (p portable) end(service jobpb.JobServiceClient, jobID string, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), cancelDeadline)
	defer cancel()
	if err := p.cancel(ctx, service, jobID); err != nil {
		log.Warn("the engine did not cancel the job", "error", err)
	}
}
