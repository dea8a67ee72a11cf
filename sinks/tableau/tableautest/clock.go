package tableautest

import (
	"net/http"
	"time"
)

// requestLife is how long the server remembers a RequestID.
const requestLife = 24 * time.Hour

// now is the time as Tableau tells it: to the second.
func (s *Server) now() time.Time {
	return time.Now().Add(time.Duration(s.ahead.Load())).UTC().Truncate(time.Second)
}

// dated tells the time at which a reply begins, however long it took to do what was asked.
type dated struct {
	http.ResponseWriter
	now   func() time.Time
	begun bool
}

// Unwrap is for http.ResponseController.
func (d *dated) Unwrap() http.ResponseWriter { return d.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (d *dated) WriteHeader(status int) {
	d.begun = true
	d.Header().Set("Date", d.now().Format(http.TimeFormat))
	d.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (d *dated) Write(p []byte) (int, error) {
	if !d.begun {
		d.WriteHeader(http.StatusOK)
	}
	return d.ResponseWriter.Write(p)
}

// StepClock moves the server's clock, forward or back. It tells the times of everything that happens from
// now on, and how old a RequestID is.
func (s *Server) StepClock(by time.Duration) { s.ahead.Add(int64(by)) }

// SetUpdated makes a data source look as if it had last changed at a time.
func (s *Server) SetUpdated(id string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found, _ := s.find(id); found != nil {
		found.updated = at
	}
}

// ForgetJobs has the server purge every job that ended, as it does after a while: whoever asks for one
// learns that it does not exist.
func (s *Server) ForgetJobs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.sites {
		for id, j := range t.jobs {
			if !j.completed.IsZero() {
				delete(t.jobs, id)
			}
		}
	}
}

// ForgetRequests has the server forget every RequestID, as it does after 24 hours: what comes with one that
// it had is done again.
func (s *Server) ForgetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.sites {
		clear(t.updates)
	}
}
