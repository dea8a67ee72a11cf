package dataflowtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	df "google.golang.org/api/dataflow/v1b3"
)

// The states of jobs that tests name.
const (
	Pending   = "JOB_STATE_PENDING"
	Running   = "JOB_STATE_RUNNING"
	Done      = "JOB_STATE_DONE"
	Failed    = "JOB_STATE_FAILED"
	Cancelled = "JOB_STATE_CANCELLED"

	cancelling = "JOB_STATE_CANCELLING"
)

// The importance of messages.
const (
	Basic    = "JOB_MESSAGE_BASIC"
	Warning  = "JOB_MESSAGE_WARNING"
	Error    = "JOB_MESSAGE_ERROR"
	Detailed = "JOB_MESSAGE_DETAILED"
)

// Step is a moment in the life of a job.
type Step struct {
	State    string
	Messages []Message // that are new

	// Counters and Tentative are those of the namespace "hyperlake" so far, settled or not.
	// They come in two halves, as from two steps of a pipeline.
	Counters, Tentative map[string]int64
}

// Message is something that a job says.
type Message struct{ Importance, Text string }

// job is one that was made.
type job struct {
	sent   []byte // as it arrived
	made   *df.Job
	script []Step
	at     int // of script
	said   []*df.JobMessage
	cancel context.CancelFunc
}

// Job is one that was made, for tests.
type Job struct {
	ID, State string
	Sent      []byte // the JSON that arrived
}

// Jobs are those that were made, in order.
func (s *Service) Jobs() []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	var jobs []Job
	for _, job := range s.jobs {
		jobs = append(jobs, Job{job.made.Id, job.made.CurrentState, job.sent})
	}
	return jobs
}

func (j *job) isActive() bool {
	return !slices.Contains([]string{Done, Failed, Cancelled}, j.made.CurrentState)
}

// create implements projects.locations.jobs.create.
func (s *Service) create(w http.ResponseWriter, r *http.Request) error {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	made := &df.Job{}
	if err := json.Unmarshal(sent, made); err != nil {
		return invalid("Invalid JSON payload received: %v", err)
	}
	model, err := s.check(r.Context(), made)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.jobs, func(other *job) bool {
		return other.made.Name == made.Name && (other.isActive() || other.made.ClientRequestId == made.ClientRequestId)
	}) {
		return refusal{http.StatusConflict, "ALREADY_EXISTS", "There is already a job named " + made.Name}
	}
	made.Id = fmt.Sprintf("%s-%d", time.Now().UTC().Format("2006-01-02_15_04_05"), len(s.jobs)+1)
	made.CurrentState, made.Location = Pending, Region
	job := &job{sent: sent, made: made, script: s.script}
	if job.script == nil {
		job.script = []Step{{State: Pending}, {State: Running}, {State: Done}}
	}
	s.jobs = append(s.jobs, job)
	if s.work != nil {
		s.begin(job, model)
	}
	return answer(w, made)
}

// begin has a job do its work. The caller holds the lock.
func (s *Service) begin(job *job, model []byte) {
	ctx, cancel := context.WithCancel(context.Background())
	job.cancel, job.script = cancel, []Step{{State: Running}}
	work := s.work
	s.ending.Go(func() {
		defer cancel()
		step := Step{State: Done}
		if err := work(ctx, model); err != nil {
			step = Step{State: Failed, Messages: []Message{{Error, err.Error()}}}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if job.made.CurrentState != cancelling {
			job.script = append(job.script, step)
		}
	})
}

// list implements projects.locations.jobs.list, for jobs of a name.
func (s *Service) list(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := &df.ListJobsResponse{}
	for _, job := range s.jobs {
		if job.made.Name == r.FormValue("name") {
			found.Jobs = append(found.Jobs, job.made)
		}
	}
	return answer(w, found)
}

// find returns the job that a request names. The caller holds the lock.
func (s *Service) find(r *http.Request) (*job, error) {
	i := slices.IndexFunc(s.jobs, func(job *job) bool { return job.made.Id == r.PathValue("id") })
	if i < 0 {
		return nil, refusal{http.StatusNotFound, "NOT_FOUND", "Could not find job " + r.PathValue("id")}
	}
	return s.jobs[i], nil
}

// get implements projects.locations.jobs.get, and takes the job a step further.
func (s *Service) get(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	job, err := s.find(r)
	if err != nil {
		return err
	}
	if err := answer(w, job.made); err != nil {
		return err
	}
	job.advance()
	return nil
}

// advance goes to the next step of the script.
func (j *job) advance() {
	switch {
	case j.made.CurrentState == cancelling:
		j.made.CurrentState = Cancelled
	case j.isActive() && j.at < len(j.script):
		step := j.script[j.at]
		j.at++
		j.made.CurrentState = step.State
		for _, message := range step.Messages {
			j.said = append(j.said, &df.JobMessage{
				Id: fmt.Sprint(len(j.said) + 1), Time: time.Now().UTC().Format(time.RFC3339Nano),
				MessageImportance: message.Importance, MessageText: message.Text,
			})
		}
	}
}

// update implements projects.locations.jobs.update, for cancelling.
func (s *Service) update(w http.ResponseWriter, r *http.Request) error {
	var wanted df.Job
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
		return invalid("Invalid JSON payload received: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	job, err := s.find(r)
	switch {
	case err != nil:
		return err
	case wanted.RequestedState != Cancelled:
		return invalid("Invalid requested state %q", wanted.RequestedState)
	case !job.isActive():
		return invalid("Job %s cannot be cancelled: it is in state %s", job.made.Id, job.made.CurrentState)
	}
	job.made.CurrentState = cancelling
	if job.cancel != nil {
		job.cancel()
	}
	return answer(w, job.made)
}

// messages implements projects.locations.jobs.messages.list, one message a page.
func (s *Service) messages(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	job, err := s.find(r)
	if err != nil {
		return err
	}
	order := []string{Detailed, Basic, Warning, Error}
	least := slices.Index(order, r.FormValue("minimumImportance"))
	var fitting []*df.JobMessage
	for _, message := range job.said {
		if slices.Index(order, message.MessageImportance) >= least && message.Time >= r.FormValue("startTime") {
			fitting = append(fitting, message)
		}
	}
	page := 0
	if _, err := fmt.Sscan(r.FormValue("pageToken"), &page); err != nil {
		page = 0 // the first has no token
	}
	found := &df.ListJobMessagesResponse{}
	if page < len(fitting) {
		found.JobMessages = fitting[page : page+1]
	}
	if page+1 < len(fitting) {
		found.NextPageToken = fmt.Sprint(page + 1)
	}
	return answer(w, found)
}

// metrics implements projects.locations.jobs.getMetrics.
func (s *Service) metrics(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	job, err := s.find(r)
	if err != nil {
		return err
	}
	found := &df.JobMetrics{}
	if job.at > 0 {
		step := job.script[job.at-1]
		found.Metrics = append(counters(step.Counters, false), counters(step.Tentative, true)...)
	}
	return answer(w, found)
}

func counters(counts map[string]int64, tentative bool) []*df.MetricUpdate {
	var metrics []*df.MetricUpdate
	for name, count := range counts {
		for i, part := range []int64{count / 2, count - count/2} {
			place := map[string]string{"namespace": "hyperlake", "step": fmt.Sprint("s", i)}
			if tentative {
				place["tentative"] = "true"
			}
			metrics = append(metrics, &df.MetricUpdate{
				Name: &df.MetricStructuredName{Origin: "user", Name: name, Context: place}, Scalar: part,
			})
		}
	}
	return append(metrics, &df.MetricUpdate{Name: &df.MetricStructuredName{Origin: "dataflow/v1b3", Name: "TotalVcpuTime"}, Scalar: 1})
}
