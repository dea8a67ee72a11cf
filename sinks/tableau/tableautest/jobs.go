package tableautest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// job is work in the background.
type job struct {
	id        string
	kind      string
	target    *datasource // of a data update
	created   time.Time
	completed time.Time
	failure   string // why it failed; empty if it did not
	code      string // of the failure
	ended     chan struct{}
}

// startJob runs work in the background. Its job is known from now on.
func (s *Server) startJob(t *site, started *job, work func(context.Context) error) *job {
	started.id, started.created, started.ended = uuid.NewString(), s.now(), make(chan struct{})
	s.mu.Lock()
	t.jobs[started.id] = started
	s.mu.Unlock()
	s.running.Go(func() {
		var err error
		if s.config.JobTime > 0 && !pause(s.stopped, s.config.JobTime) {
			err = s.stopped.Err()
		}
		if err == nil {
			err = work(s.stopped)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		started.completed = s.now()
		if err != nil {
			started.failure, started.code = err.Error(), "400011"
		}
		if refused := new(refusal); errors.As(err, &refused) {
			started.code = refused.code
		}
		close(started.ended)
	})
	return started
}

func (s *Server) getJob(w http.ResponseWriter, r *http.Request, t *site) error {
	s.mu.Lock()
	found, fault := t.jobs[r.PathValue("id")], faultOf(r)
	s.mu.Unlock()
	if found != nil && fault.PurgeJob {
		select {
		case <-found.ended:
		case <-r.Context().Done():
		}
		s.mu.Lock()
		delete(t.jobs, found.id)
		s.mu.Unlock()
		found = nil
	}
	if found == nil {
		return refuse(http.StatusNotFound, "404018", "there is no job %s", r.PathValue("id"))
	}
	writeReply(w, http.StatusOK, reply{Job: s.element(found, fault)})
	return nil
}

// element describes a job as it is now.
func (s *Server) element(j *job, fault Fault) *jobElement {
	s.mu.Lock()
	defer s.mu.Unlock()
	made := &jobElement{ID: j.id, Mode: "Asynchronous", Type: j.kind, CreatedAt: stamp(j.created), CompletedAt: stamp(j.completed)}
	if j.target != nil {
		made.Update = &updateElement{
			Datasource: referenceElement{ID: j.target.id, Name: j.target.name}, Connection: j.target.connectionID, Notes: j.failure,
		}
	}
	switch {
	case fault.EarlyFinishCode:
		made.FinishCode, made.CompletedAt = "1", ""
	case j.completed.IsZero():
		made.StartedAt = stamp(j.created)
	case j.failure == "":
		made.Progress, made.FinishCode = 100, "0"
	default:
		made.Progress, made.FinishCode = 100, "1"
		made.StatusNotes = []statusNote{{Type: "errorCode", Value: j.code, Text: j.failure}}
		if j.target == nil {
			made.Publish = &notesElement{Notes: j.failure}
		}
	}
	return made
}

// WaitForJobs waits until every job ended. No request may be under way.
func (s *Server) WaitForJobs() { s.running.Wait() }
