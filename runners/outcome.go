package runners

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/status"

	"hyperlake/internal/failure"
)

// teller is an engine that knows more of its jobs than Beam's job service tells.
type teller interface {
	// state is the engine's own word for the state of a job, and the job's id there.
	state(ctx context.Context, jobID string) (state, id string, err error)

	// explain turns the failure of a job into one that a person can read.
	explain(ctx context.Context, jobID string, err error) error
}

// historian is an engine that remembers how often it started a job.
type historian interface {
	account(ctx context.Context, jobID string) (JobRun, error)
}

const (
	stateEvery  = time.Second
	outcomeTime = 10 * time.Second // to find out why a job failed
)

// tellStates logs the states that a job goes through, where the engine tells them, until
// it is stopped, and notes the job's id there. The last one is logged before stop returns.
func (p portable) tellStates(jobID string, log *slog.Logger, known *atomic.Value) (stop func()) {
	engine, ok := p.jobService.(teller)
	if !ok {
		return func() {}
	}
	told := ""
	tell := func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, callDeadline)
		defer cancel()
		if state, id, err := engine.state(ctx, jobID); err == nil && state != told {
			told = state
			known.Store(id)
			log.Info("job", "state", state, "id", id)
		}
	}
	ctx, quit := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(stateEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				tell(ctx)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		quit()
		<-ended
		tell(context.Background())
	}
}

// outcome says how a job ended. A job whose job service is lost may go on: it is cancelled.
func (p portable) outcome(watch *watcher, jobID string, log *slog.Logger, err error) error {
	ctx, cancel := context.WithTimeout(context.Background(), outcomeTime)
	defer cancel()
	engine, tells := p.jobService.(teller)
	switch {
	case err == nil && tells:
		log.Info("counters of the job", inOrder(watch.counts(ctx))...)
		return nil
	case err == nil:
		return nil
	case isLost(err):
		p.end(watch.client, jobID, log)
		return failure.New(failure.Engine, "the job service was lost while the job ran, and the job was given up: %w", err).
			WithHint("see that the job service runs, and run again")
	case tells:
		return engine.explain(ctx, jobID, err)
	}
	return jobError(err)
}

// isLost says whether an error is of the connection to a job service, not of a job.
func isLost(err error) bool {
	_, ofConnection := status.FromError(err)
	return ofConnection
}

// inOrder lists counters for a log.
func inOrder(counts map[string]int64) []any {
	var list []any
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, slog.Int64(name, counts[name]))
	}
	return list
}

// jobError is [failure.OfJob] for an engine that may speak Java, of which one line is enough.
func jobError(err error) error {
	if _, ours := failure.Decode(err.Error()); !ours && strings.Contains(err.Error(), "\n\tat ") {
		cause, hint := flinkCause(err.Error())
		return failure.New(failure.Engine, "the pipeline failed: %s", cause).WithHint("%s", hint)
	}
	return failure.OfJob(err)
}
