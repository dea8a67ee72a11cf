package runners

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// flinkREST is the JobManager's own interface: it says what the cluster is and why a job
// failed, and it cancels jobs. Beam's job server forgets a job of bounded data that it is
// asked to cancel, and the cluster goes on.
type flinkREST struct {
	address string // HOST:PORT
}

// restPort is where a JobManager listens unless it is told otherwise.
const restPort = "8081"

// rest is the interface of the JobManager: as configured, else on the job server's machine.
func (f flinkEngine) rest() flinkREST {
	if f.options.RESTEndpoint != "" {
		return flinkREST{f.options.RESTEndpoint}
	}
	host, _, err := net.SplitHostPort(f.options.Endpoint)
	if err != nil {
		host = f.options.Endpoint
	}
	return flinkREST{net.JoinHostPort(host, restPort)}
}

// flinkOverview is what a JobManager says of its cluster.
type flinkOverview struct {
	Version   string `json:"flink-version"`
	Slots     int    `json:"slots-total"`
	FreeSlots int    `json:"slots-available"`
}

func (r flinkREST) overview(ctx context.Context) (flinkOverview, error) {
	var answer flinkOverview
	err := r.call(ctx, http.MethodGet, "/overview", &answer)
	return answer, err
}

// flinkExceptions is why a job failed: at last, and each time before.
type flinkExceptions struct {
	Root    string `json:"root-exception"` // a stack trace
	History struct {
		Entries []flinkException `json:"entries"`
	} `json:"exceptionHistory"`
}

// flinkException is a failure after which a job may have been started again.
type flinkException struct {
	Trace     string `json:"stacktrace"`
	Timestamp int64  `json:"timestamp"` // milliseconds
}

func (r flinkREST) exceptions(ctx context.Context, id string) (flinkExceptions, error) {
	var answer flinkExceptions
	err := r.call(ctx, http.MethodGet, "/jobs/"+url.PathEscape(id)+"/exceptions", &answer)
	return answer, err
}

// rootException is the stack trace of why a job failed.
func (r flinkREST) rootException(ctx context.Context, id string) (trace string, err error) {
	answer, err := r.exceptions(ctx, id)
	return answer.Root, err
}

// accumulators is what the tasks of a job have counted so far, in the words of Beam's runner.
func (r flinkREST) accumulators(ctx context.Context, id string) ([]byte, error) {
	var answer struct {
		Accumulators []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"user-task-accumulators"`
	}
	if err := r.call(ctx, http.MethodGet, "/jobs/"+url.PathEscape(id)+"/accumulators", &answer); err != nil {
		return nil, err
	}
	for _, a := range answer.Accumulators {
		if a.Name == metricsAccumulator {
			return []byte(a.Value), nil
		}
	}
	return nil, nil
}

// metricsAccumulator is the name under which Beam's runner for Flink keeps the counters.
const metricsAccumulator = "__metricscontainers"

// flinkJob is a job as the JobManager lists it.
type flinkJob struct {
	ID    string `json:"jid"`
	Name  string `json:"name"`
	State string `json:"state"`
}

// cancelledState is that of a job that somebody ended.
const cancelledState = "CANCELED"

// endedStates are those that a job does not leave.
var endedStates = []string{"FINISHED", cancelledState, "FAILED"}

// cancel ends the job of that name and returns when it has ended. A job that is not there
// yet may be on its way.
func (r flinkREST) cancel(ctx context.Context, name string) error {
	asked := false
	for {
		job, err := r.find(ctx, name)
		switch {
		case err != nil && !errors.Is(err, errNoSuchJob):
			return err
		case err == nil && slices.Contains(endedStates, job.State):
			return nil
		case err == nil && !asked:
			if err := r.call(ctx, http.MethodPatch, "/jobs/"+url.PathEscape(job.ID)+"?mode=cancel", nil); err != nil {
				return err
			}
			asked = true
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		case <-time.After(pollEvery):
		}
	}
}

var errNoSuchJob = errors.New("the cluster knows no such job")

func (r flinkREST) find(ctx context.Context, name string) (flinkJob, error) {
	var answer struct {
		Jobs []flinkJob `json:"jobs"`
	}
	if err := r.call(ctx, http.MethodGet, "/jobs/overview", &answer); err != nil {
		return flinkJob{}, err
	}
	i := slices.IndexFunc(answer.Jobs, func(job flinkJob) bool { return job.Name == name })
	if i < 0 {
		return flinkJob{}, errNoSuchJob
	}
	return answer.Jobs[i], nil
}

// call asks for a path and decodes the answer, if into is not nil.
func (r flinkREST) call(ctx context.Context, method, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+r.address+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode/100 != 2 {
		return statusError{fmt.Sprintf("%s %s: %s", method, request.URL, response.Status), response.StatusCode}
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(into)
}

// statusError is an answer other than a good one.
type statusError struct {
	text   string
	status int
}

func (e statusError) Error() string { return e.text }

// nameOnFlink is the name that the job server gives a job on the cluster: its own id
// without what it adds to it.
func nameOnFlink(jobID string) string {
	if cut := strings.LastIndex(jobID, "_"); cut >= 0 {
		return jobID[:cut]
	}
	return jobID
}
