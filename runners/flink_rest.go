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

// rootException is the id of a job that failed and the stack trace of why.
func (r flinkREST) rootException(ctx context.Context, name string) (id, trace string, err error) {
	job, err := r.find(ctx, name)
	if err != nil {
		return "", "", err
	}
	var answer struct {
		Trace string `json:"root-exception"`
	}
	err = r.call(ctx, http.MethodGet, "/jobs/"+url.PathEscape(job.ID)+"/exceptions", &answer)
	return job.ID, answer.Trace, err
}

// flinkJob is a job as the JobManager lists it.
type flinkJob struct {
	ID    string `json:"jid"`
	Name  string `json:"name"`
	State string `json:"state"`
}

// endedStates are those that a job does not leave.
var endedStates = []string{"FINISHED", "CANCELED", "FAILED"}

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
