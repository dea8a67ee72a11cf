package runners

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"hyperlake/internal/failure"
	"hyperlake/runners/options"
)

func TestCheckCluster(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status        int
		slots         int
		found, failed string
		passes        bool // by itself
	}{
		{status: http.StatusOK, slots: 2, found: "Flink 1.19.0 with 2 task slots, 1 of them free, at http://"},
		{status: http.StatusOK, slots: 0, failed: "has no task slots", passes: true},
		{status: http.StatusServiceUnavailable, failed: "no JobManager of Flink answers at http://", passes: true},
		{status: http.StatusNotFound, failed: "no JobManager of Flink answers at http://"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, "/overview", r.URL.Path)
			w.WriteHeader(test.status)
			_, _ = fmt.Fprintf(w, `{"taskmanagers":2,"slots-total":%d,"slots-available":1,"flink-version":"1.19.0"}`, test.slots)
		}))
		engine := flinkEngine{options: options.Flink{RESTEndpoint: strings.TrimPrefix(server.URL, "http://")}}
		found, err := engine.checkCluster(t.Context())
		server.Close()
		if test.failed == "" {
			require.NoError(t, err)
			assert.Contains(t, found, test.found)
			continue
		}
		failed := failure.Of(err, failure.Data)
		assert.Equal(t, failure.Engine, failed.Kind)
		assert.Contains(t, failed.Message, test.failed)
		assert.NotEmpty(t, failed.Hint)
		assert.Equal(t, test.passes, failed.Retry, test.status)
	}
}

// scriptedEngine is an engine of which only what is asked before and after a job is there.
type scriptedEngine struct {
	jobService
	checksLeft []error // what its check finds, one after another
	cancelled  *string // the job that it was asked to cancel
}

func (e *scriptedEngine) checks() []Check {
	return []Check{{"readiness", func(context.Context) (string, error) {
		err := e.checksLeft[0]
		e.checksLeft = e.checksLeft[1:]
		return "", err
	}}}
}

func (e *scriptedEngine) cancel(_ context.Context, _ jobpb.JobServiceClient, jobID string) error {
	*e.cancelled = jobID
	return nil
}

func TestAnEngineThatStartsIsWaitedFor(t *testing.T) {
	t.Parallel()
	starting := failure.New(failure.Engine, "no task slots").Retryable()
	var log strings.Builder
	options := Options{Log: slog.New(slog.NewTextHandler(&log, nil))}
	engine := &scriptedEngine{checksLeft: []error{starting, starting, nil}}
	require.NoError(t, (&Runner{options: options, platform: portable{engine}}).Check(t.Context()))
	assert.Empty(t, engine.checksLeft)
	assert.Equal(t, 1, strings.Count(log.String(), "waiting for the engine"), log.String())
	assert.Contains(t, log.String(), "no task slots")
}

func TestWhatCannotPassIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	final := failure.New(failure.Engine, "no job server")
	engine := &scriptedEngine{checksLeft: []error{final}}
	require.ErrorIs(t, (&Runner{platform: portable{engine}}).Check(t.Context()), final)
}

func TestWaitingEndsWithTheRun(t *testing.T) {
	t.Parallel()
	stop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	engine := &scriptedEngine{checksLeft: []error{failure.New(failure.Engine, "no task slots").Retryable()}}
	require.ErrorIs(t, (&Runner{options: Options{Log: slog.New(slog.DiscardHandler)}, platform: portable{engine}}).Check(ctx), stop)
}

// A job whose service is gone cannot be followed to its end, and must not go on alone.
func TestAJobWhoseServiceIsLostIsCancelled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err       error
		cancelled string
		message   string
	}{
		{status.Error(codes.Unavailable, "connection reset"), "job-1", "the job service was lost while the job ran"},
		{errors.New("job job-1 failed: out of luck"), "", "the pipeline failed: job job-1 failed: out of luck"},
	} {
		var cancelled string
		p := portable{&scriptedEngine{cancelled: &cancelled}}
		err := p.outcome(&watcher{}, "job-1", slog.New(slog.DiscardHandler), test.err)
		assert.ErrorContains(t, err, test.message)
		assert.Equal(t, test.cancelled, cancelled)
	}
}

// What was not tried is said, and keeps no job from being sent.
func TestAnotherVersionOfFlinkIsACaution(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"slots-total":2,"slots-available":1,"flink-version":"1.20.0"}`))
	}))
	t.Cleanup(server.Close)
	_, err := flinkEngine{options: options.Flink{RESTEndpoint: strings.TrimPrefix(server.URL, "http://")}}.checkCluster(t.Context())
	var caution *CautionError
	require.ErrorAs(t, err, &caution)
	assert.Contains(t, caution.Found, "Flink 1.20.0 with 2 task slots")
	assert.Contains(t, caution.Hint, "job server")

	var log strings.Builder
	engine := &scriptedEngine{checksLeft: []error{err}}
	require.NoError(t, (&Runner{options: Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, platform: portable{engine}}).Check(t.Context()))
	assert.Contains(t, log.String(), "Flink 1.20.0")
}
