package runners

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/graphx"
	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners/universal/runnerlib"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/util/grpcx"
	"google.golang.org/protobuf/proto"
)

// dialDeadline bounds the wait for a job service that was there a moment ago.
const dialDeadline = 30 * time.Second

// submission is one job on its way through an engine. Beam's own runner for portable
// engines does the same, but does not tell the id of a job that is running, without which
// it can be neither watched nor cancelled.
type submission struct {
	target  target
	jobName string
	client  jobpb.JobServiceClient
	undo    []func() // in reverse
}

// close frees what the submission holds. The job, if there is one, goes on.
func (s *submission) close() {
	for _, undo := range slices.Backward(s.undo) {
		undo()
	}
}

// start hands a pipeline over and returns the id of the job. Cancelling ctx ends what can
// be ended without leaving a job behind that nobody knows; workers in this process live
// as long as engine.
func (s *submission) start(ctx, engine context.Context, pipeline *beam.Pipeline) (string, error) {
	if err := s.prepareWorker(engine); err != nil {
		return "", err
	}
	model, err := s.model(ctx, pipeline)
	if err != nil {
		return "", fmt.Errorf("describe the pipeline: %w", err)
	}
	conn, err := grpcx.Dial(ctx, s.target.endpoint, dialDeadline)
	if err != nil {
		return "", err
	}
	s.undo = append(s.undo, func() { _ = conn.Close() })
	s.client = jobpb.NewJobServiceClient(conn)
	id, artifacts, token, err := runnerlib.Prepare(ctx, s.client, model, &runnerlib.JobOptions{
		Name:        s.jobName,
		Experiments: jobopts.GetExperiments(),
		Parallelism: s.parallelism(),
		Loopback:    s.target.environment.loopback,
	})
	if err != nil {
		return "", err
	}
	if token, err = s.stage(ctx, id, artifacts, token); err != nil {
		return "", fmt.Errorf("hand the program for workers over: %w", err)
	}
	return runnerlib.Submit(engine, s.client, id, token)
}

// stage hands over the program for workers. It returns as soon as ctx is cancelled, when
// Beam would try again a few times, with pauses.
func (s *submission) stage(ctx context.Context, id, artifacts, token string) (string, error) {
	var staged string
	done := make(chan error, 1)
	go func() {
		var err error
		staged, err = runnerlib.Stage(ctx, id, artifacts, s.target.environment.binary, token)
		done <- err
	}()
	select {
	case err := <-done:
		return staged, err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// parallelism is what Beam's flag says, unless the target does.
func (s *submission) parallelism() int {
	if s.target.parallelism > 0 {
		return s.target.parallelism
	}
	return *jobopts.Parallelism
}

// prepareWorker completes the environment where this process is the worker: it serves
// the engine, and an empty file takes the place of the program.
func (s *submission) prepareWorker(ctx context.Context) error {
	env := &s.target.environment
	if !env.loopback {
		return nil
	}
	pool, err := startLoopback(ctx)
	if err != nil {
		return err
	}
	program, err := os.CreateTemp("", "hyperlake-worker-")
	if err != nil {
		return err
	}
	s.undo = append(s.undo, func() { _ = os.Remove(program.Name()) })
	env.urn, env.config, env.params, env.binary = externalURN, pool.GetEndpoint().GetUrl(), pool.GetParams(), program.Name()
	return program.Close()
}

// model is the pipeline as engines read it.
func (s *submission) model(ctx context.Context, pipeline *beam.Pipeline) (*pipepb.Pipeline, error) {
	env := s.target.environment
	model, err := marshal(ctx, pipeline, env)
	if err != nil {
		return nil, err
	}
	return model, runnerlib.UpdateGoEnvironmentWorker(env.binary, model)
}

// marshal describes a pipeline whose workers are that environment.
func marshal(ctx context.Context, pipeline *beam.Pipeline, env environment) (*pipepb.Pipeline, error) {
	edges, _, err := pipeline.Build()
	if err != nil {
		return nil, err
	}
	workers, err := graphx.CreateEnvironment(ctx, env.urn, func(context.Context) string { return env.config })
	if err == nil && env.params != nil {
		err = addParams(workers, env.params)
	}
	if err != nil {
		return nil, err
	}
	return graphx.Marshal(edges, &graphx.Options{
		Environment:           workers,
		PipelineResourceHints: jobopts.GetPipelineResourceHints(),
	})
}

// addParams has an external environment carry parameters for its pool.
func addParams(workers *pipepb.Environment, params map[string]string) error {
	var pool pipepb.ExternalPayload
	if err := proto.Unmarshal(workers.GetPayload(), &pool); err != nil {
		return err
	}
	pool.Params = params
	payload, err := proto.Marshal(&pool)
	workers.Payload = payload
	return err
}

// await returns when a job has ended. A job that somebody cancelled has failed.
func (s *submission) await(ctx context.Context, jobID string) error {
	if err := runnerlib.WaitForCompletion(ctx, s.client, jobID); err != nil {
		return err
	}
	state, err := s.client.GetState(ctx, &jobpb.GetJobStateRequest{JobId: jobID})
	if err == nil && state.GetState() == jobpb.JobState_CANCELLED {
		return errors.New("the job was cancelled on the engine")
	}
	return nil
}
