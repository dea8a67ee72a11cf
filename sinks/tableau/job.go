package tableau

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Job is work that the server does in the background.
type Job struct {
	ID           string
	Type         string    // such as PublishDatasource
	Progress     int       // percent
	DatasourceID string    // of data updates; publications do not tell it
	CreatedAt    time.Time // zero if the server does not tell
	CompletedAt  time.Time
	Notes        string // in the user's language; empty if there are none

	completed  bool // also when the time cannot be read
	finishCode string
	errorCode  string // of the notes
}

// The finish codes of jobs that succeeded: 0, and 3, whose meaning differs by type.
const (
	finishSucceeded = "0"
	finishCancelled = "2"
	finishCompleted = "3"
)

// wireJob is the element of the API. What belongs to a type of job stands in an element
// that is named after the type.
type wireJob struct {
	ID          string `xml:"id,attr"`
	Type        string `xml:"type,attr"`
	Progress    string `xml:"progress,attr"`
	CreatedAt   string `xml:"createdAt,attr"`
	CompletedAt string `xml:"completedAt,attr"`
	FinishCode  string `xml:"finishCode,attr"`
	StatusNotes []struct {
		Type  string `xml:"type,attr"`
		Value string `xml:"value,attr"`
		Text  string `xml:"text,attr"`
	} `xml:"statusNotes>statusNote"`
	Details []struct {
		XMLName    xml.Name
		Datasource wireReference `xml:"datasource"`
		Notes      []string      `xml:"notes"`
	} `xml:",any"`
}

func (c *Client) job(w *wireJob) Job {
	job := Job{
		ID: w.ID, Type: w.Type, CreatedAt: parseTime(w.CreatedAt), CompletedAt: parseTime(w.CompletedAt),
		completed: w.CompletedAt != "", finishCode: w.FinishCode,
	}
	job.Progress, _ = strconv.Atoi(w.Progress) // for people only
	var notes []string
	for _, detail := range w.Details {
		if detail.Datasource.ID != "" {
			job.DatasourceID = detail.Datasource.ID
		}
		notes = append(notes, detail.Notes...)
	}
	for _, note := range w.StatusNotes {
		if strings.EqualFold(note.Type, "errorCode") {
			job.errorCode = note.Value
		}
		notes = append(notes, note.Text)
	}
	job.Notes = c.scrub(oneLine(strings.Join(notes, " ")))
	return job
}

// Done says whether the job ended. Only then does its finish code mean anything: a job
// that was just made may carry the code of a failure.
func (j Job) Done() bool { return j.completed }

// JobError says that a job ended without success.
type JobError struct{ Job Job }

func (e *JobError) Error() string {
	what := "failed"
	if e.Job.finishCode == finishCancelled {
		what = "was cancelled"
	}
	text := fmt.Sprintf("job %s (%s) %s", e.Job.ID, e.Job.Type, what)
	if e.Job.errorCode != "" {
		text += ": Tableau error " + e.Job.errorCode
	}
	if e.Job.Notes != "" {
		text += ": " + e.Job.Notes
	}
	return text
}

func (e *JobError) hint() string {
	if e.Job.finishCode == finishCancelled {
		return "somebody cancelled the job; repeat it"
	}
	if hint, ok := hints[e.Job.errorCode]; ok {
		return hint
	}
	return hints["400011"]
}

// Job asks for the state of a job. Failures are *[Error]; a job that ended without success is none.
func (c *Client) Job(ctx context.Context, id string) (Job, error) {
	call := call{
		action: "ask for the state of the job", method: http.MethodGet,
		path: "/sites/{site}/jobs/" + url.PathEscape(id), repeatable: true,
	}
	reply, err := c.do(ctx, call)
	if err != nil {
		return Job{}, err
	}
	if reply.Job == nil {
		return Job{}, c.incomplete(call, reply, "the reply does not describe job "+id)
	}
	return c.job(reply.Job), nil
}

// The waits between questions for the state of a job grow by two fifths from the first to
// the longest.
const (
	firstPoll   = 100 * time.Millisecond
	longestPoll = 30 * time.Second
)

// WaitForJob waits until a job ended; report, which may be nil, is told its state each
// time. It fails with a *JobError when the job did not succeed, with an
// *OutcomeUnknownError when the server has forgotten the job, which it does soon after
// jobs ended, or when the job took longer than the client waits, and otherwise with an
// *Error.
func (c *Client) WaitForJob(ctx context.Context, id string, report func(Job)) (Job, error) {
	if err := c.prepare(); err != nil {
		return Job{}, err
	}
	const action = "wait for the job"
	timeout := c.JobTimeout
	if timeout == 0 {
		timeout = defaultJobTimeout
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for wait := firstPoll; ; wait = min(wait*7/5, longestPoll) {
		job, err := c.Job(bounded, id)
		switch {
		case hasCode(err, codeJobMissing, codeJobExpired):
			return Job{ID: id}, &OutcomeUnknownError{Action: action, JobID: id, Err: fmt.Errorf("the server has forgotten the job: %w", err)}
		case err != nil:
			return Job{ID: id}, &OutcomeUnknownError{Action: action, JobID: id, Hint: "look at the job on the server before you repeat it", Err: err}
		}
		if report != nil {
			report(job)
		}
		if job.Done() {
			return job, job.verdict()
		}
		if err := c.Wait(bounded, wait); err != nil {
			return job, &OutcomeUnknownError{Action: action, JobID: id, Hint: "look at the job on the server before you repeat it", Err: err}
		}
	}
}

// verdict judges a job that ended.
func (j Job) verdict() error {
	switch {
	case j.finishCode == "":
		return &OutcomeUnknownError{
			Action: "wait for the job", JobID: j.ID, Hint: "look at what the job was to do",
			Err: errors.New("the job ended without saying how"),
		}
	case j.errorCode != "", j.finishCode != finishSucceeded && j.finishCode != finishCompleted:
		return &JobError{Job: j}
	}
	return nil
}
