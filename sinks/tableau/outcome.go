package tableau

import (
	"context"
	"errors"
	"fmt"
)

// finish turns a reply into the result: at once, or when the job ended. A job does not
// name the data source.
func (p *publisher) finish(ctx context.Context, reply *response) (Published, error) {
	if reply.Job == nil {
		found := *reply.Datasource
		found.ProjectID = p.ProjectID
		return Published{Datasource: found, Bytes: p.size, Ended: reply.date}, nil
	}
	result := Published{JobID: reply.Job.ID, Bytes: p.size}
	job, err := p.c.WaitForJob(ctx, reply.Job.ID, p.JobProgress)
	if err != nil {
		return result, fmt.Errorf("%s: %w", p.action, err)
	}
	result.Ended = job.CompletedAt
	found, exists, _, err := p.c.lookUp(ctx, p.ProjectID, p.Name)
	if err != nil || !exists {
		p.c.log().Warn("the data source is published, but cannot be looked up", "datasource", p.Name)
		return result, nil
	}
	result.Datasource = found
	return result, nil
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

// unknown is the failure to learn what became of the publication. Sending it again is
// harmless where that leaves the same in the data source.
func (p *publisher) unknown(jobID string, err error) error {
	if p.doubt != nil && !inDoubt(err) && !IsOutcomeUnknown(err) {
		err = &doubtedError{err: err, doubt: p.doubt}
	}
	hint := "publishing it again does no harm"
	if why := Hint(err); why != "" {
		hint = why + "; " + hint
	}
	unknown := &OutcomeUnknownError{Action: p.action, JobID: jobID, Hint: hint, Harmless: true, Err: err}
	switch p.Mode {
	case Append:
		unknown.Harmless = false
		unknown.Hint = "look at the data source: if the rows are missing, publish it again; if they are there, do not, or they are there twice"
	case Create:
		unknown.Harmless = false
		unknown.Hint = "look whether the data source exists, and holds the rows"
	}
	return unknown
}
