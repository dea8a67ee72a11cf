package tableautest

import "time"

// requestLife is how long the server remembers a RequestID.
const requestLife = 24 * time.Hour

// now is the time as Tableau tells it: to the second.
func (s *Server) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nowLocked()
}

// nowLocked is now for a caller that holds the lock.
func (s *Server) nowLocked() time.Time { return time.Now().Add(s.ahead).UTC().Truncate(time.Second) }

// StepClock moves the server's clock, forward or back. It tells the times of everything that happens from
// now on, and how old a RequestID is.
func (s *Server) StepClock(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += by
}

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
