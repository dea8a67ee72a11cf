package tableau

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// outcomeWaits are the waits before each look at a data source whose publication lost its
// reply. A small file is published within the first of them.
var outcomeWaits = []time.Duration{
	500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second, 30 * time.Second,
}

const smallOutcomeWaits = 5

// patience is how long to look for the effect of a try that may have been executed.
func (p *publisher) patience(failed error, try int) []time.Duration {
	var e *Error
	slow := errors.As(failed, &e) && (e.network || e.Status == http.StatusGatewayTimeout)
	switch {
	case p.Mode == Append && !p.large && !p.asJob:
		return outcomeWaits[:smallOutcomeWaits]
	case p.Mode == Append, slow && (p.large || p.asJob):
		return outcomeWaits
	case hasCode(failed, codeBeingPublished): // perhaps by the earlier try
		return []time.Duration{busyWaits[min(max(try-1, 0), len(busyWaits)-1)]}
	}
	// Sending it again does no harm: do not wait longer than for any other request.
	wait := transientWaits[min(try, len(transientWaits)-1)]
	if e != nil && e.RetryAfter > 0 && e.RetryAfter <= longestWait {
		wait = e.RetryAfter
	}
	return []time.Duration{wait}
}

// lookAfter looks at the data source after each of the waits, until it has changed.
func (p *publisher) lookAfter(ctx context.Context, waits []time.Duration) (Datasource, bool, error) {
	for _, wait := range waits {
		if err := p.c.pause(ctx, wait); err != nil {
			return Datasource{}, false, err
		}
		found, exists, _, err := p.c.lookUp(ctx, p.ProjectID, p.Name)
		if err != nil {
			return Datasource{}, false, err
		}
		if p.changed(found, exists) {
			return found, true, nil
		}
	}
	return Datasource{}, false, nil
}

// changed says whether the data source is another than before the publication.
func (p *publisher) changed(now Datasource, exists bool) bool {
	if !exists {
		return false
	}
	return !p.existed || now.ID != p.before.ID || now.UpdatedAt.After(p.before.UpdatedAt)
}

// finish turns a reply into the result: at once, or when the job ended. A job does not
// name the data source.
func (p *publisher) finish(ctx context.Context, reply *response) (Published, error) {
	if reply.Job == nil {
		found := *reply.Datasource
		found.ProjectID = p.ProjectID
		return Published{Datasource: found}, nil
	}
	result := Published{JobID: reply.Job.ID}
	if _, err := p.c.WaitForJob(ctx, reply.Job.ID, p.JobProgress); IsOutcomeUnknown(err) {
		return p.confirm(ctx, result, err)
	} else if err != nil {
		return result, fmt.Errorf("%s: %w", p.action, err)
	}
	found, exists, _, err := p.c.lookUp(ctx, p.ProjectID, p.Name)
	if err != nil || !exists {
		p.c.log().Warn("the data source is published, but cannot be looked up", "datasource", p.Name)
		return result, nil
	}
	result.Datasource = found
	return result, nil
}

// confirm looks for the effect of a job that cannot be asked any more.
func (p *publisher) confirm(ctx context.Context, result Published, lost error) (Published, error) {
	found, changed, err := p.lookAfter(ctx, outcomeWaits[:smallOutcomeWaits])
	if err != nil || !changed {
		return result, p.unknown(result.JobID, lost)
	}
	result.Datasource, result.Confirmed = found, true
	return result, nil
}

// refresh notes how the data source is now, after somebody else published it.
func (p *publisher) refresh(ctx context.Context) error {
	found, exists, _, err := p.c.lookUp(ctx, p.ProjectID, p.Name)
	if err == nil {
		p.before, p.existed = found, exists
	}
	return err
}

// tellApart finds out which of its meanings the server's refusal has: that the data
// source exists, or that the user may not publish it.
func (p *publisher) tellApart(ctx context.Context, refused error) error {
	var e *Error
	_, exists, _, err := p.c.lookUp(ctx, p.ProjectID, p.Name)
	if err != nil || !errors.As(refused, &e) {
		return refused
	}
	told := *e
	if exists && p.Mode == Create {
		told.err, told.Hint = ErrExists, existsHint
	} else {
		told.Hint = "the user needs the permissions to save to the project and to overwrite what is there"
	}
	return &told
}

// unknown is the failure to learn what became of the publication.
func (p *publisher) unknown(jobID string, err error) error {
	unknown := &OutcomeUnknownError{Action: p.action, JobID: jobID, Hint: "publishing it again does no harm", Harmless: true, Err: err}
	if p.Mode == Append {
		unknown.Harmless = false
		unknown.Hint = "look at the data source: if the rows are missing, publish it again; if they are there, do not, or they are there twice"
	}
	return unknown
}
