package dataflowtest

import (
	"net/http"
	"net/http/httptest"
	"strings"
)

// Fault is something that goes wrong with requests.
type Fault struct {
	Method string // of the requests; "" is any
	Path   string // only requests whose paths contain it
	Times  int    // requests that meet it; 0 is all

	Status  int    // the answer; the request is not carried out
	Message string // of that answer
	Lose    bool   // instead, the request is carried out and the connection cut before the answer
}

// Inject adds a fault. Of several that fit a request, the first one is met.
func (s *Service) Inject(fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fault.Times == 0 {
		fault.Times = -1
	}
	s.faults = append(s.faults, &fault)
}

// failing has requests meet their faults.
func (s *Service) failing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, ok := s.meet(r)
		switch {
		case !ok:
			next.ServeHTTP(w, r)
		case fault.Lose:
			next.ServeHTTP(httptest.NewRecorder(), r)
			if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = connection.Close()
			}
		default:
			answerError(w, refusal{fault.Status, strings.ToUpper(http.StatusText(fault.Status)), fault.Message})
		}
	})
}

func (s *Service) meet(r *http.Request) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fault := range s.faults {
		fits := (fault.Method == "" || fault.Method == r.Method) && strings.Contains(r.URL.Path, fault.Path)
		if fits && fault.Times != 0 {
			fault.Times--
			return *fault, true
		}
	}
	return Fault{}, false
}
