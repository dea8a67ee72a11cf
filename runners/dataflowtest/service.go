// Package dataflowtest has a fake of the Dataflow service's control plane, with the object
// store and the token server that it needs, on loopback: what a run sends is checked as the
// service checks it, and recorded, and the job goes through states as a test says. No
// worker runs, unless a test has one.
//
// It was made from the service's documentation and from what Beam's own runner sends; it
// has not been compared with the real service. Quotas, autoscaling, permissions and
// everything that happens on workers are not part of it.
package dataflowtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// The place that the fake serves.
const (
	Project = "lake-project"
	Region  = "europe-west1"
)

// Service is the fake. It is safe for concurrent use.
type Service struct {
	URL     string           // of Dataflow
	Storage *storagetest.GCS // where jobs are staged

	objects storage.Store
	tokens  *tokens

	mu       sync.Mutex
	script   []Step
	work     Work
	faults   []*Fault
	requests []Request
	jobs     []*job
	ending   sync.WaitGroup
}

// Request is one that arrived.
type Request struct {
	Method, Path string // the path with its query
	Header       http.Header
	Body         []byte
}

// Work does what workers would, for a pipeline as it was staged.
type Work func(ctx context.Context, model []byte) error

// Start starts the fake for the rest of the test, and makes Google's libraries use it, with
// credentials of its own, in this process and in those that it starts.
func Start(t testing.TB) *Service {
	s := &Service{Storage: storagetest.StartGCS(t), tokens: newTokens(t)}
	s.objects = storage.NewGCS(storage.ObjectsOptions{Endpoint: s.Storage.URL})
	server := httptest.NewServer(s.handler())
	s.URL = server.URL + "/"
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		s.ending.Wait()
	})
	t.Setenv("STORAGE_EMULATOR_HOST", s.Storage.URL)
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", s.tokens.keyFile(t, server.URL+"/token"))
	return s
}

// Script sets the steps that jobs go through from now on, one for each time that their
// state is asked for; they stay at the last. Without a script, a job is pending, runs, and
// is done.
func (s *Service) Script(steps ...Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = steps
}

// HaveWork has jobs do work instead of following a script: they are done when it is.
func (s *Service) HaveWork(work Work) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.work = work
}

// Requests are those to Dataflow and for tokens, in order, also those that were refused.
func (s *Service) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

func (s *Service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.tokens.serve)
	const jobs = "/v1b3/projects/{project}/locations/{region}/jobs"
	for pattern, serve := range map[string]func(w http.ResponseWriter, r *http.Request) error{
		"POST " + jobs:                   s.create,
		"GET " + jobs:                    s.list,
		"GET " + jobs + "/{id}":          s.get,
		"PUT " + jobs + "/{id}":          s.update,
		"GET " + jobs + "/{id}/messages": s.messages,
		"GET " + jobs + "/{id}/metrics":  s.metrics,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := s.authorise(r); err != nil {
				answerError(w, err)
			} else if err := serve(w, r); err != nil {
				answerError(w, err)
			}
		})
	}
	return s.recording(s.failing(mux))
}

// recording notes every request.
func (s *Service) recording(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.mu.Lock()
		s.requests = append(s.requests, Request{r.Method, r.URL.RequestURI(), r.Header.Clone(), body})
		s.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// authorise wants a token of ours, and a project and region that are served.
func (s *Service) authorise(r *http.Request) error {
	switch {
	case !s.tokens.valid(r.Header.Get("Authorization")):
		return refusal{http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials."}
	case r.PathValue("project") != Project:
		return refusal{http.StatusForbidden, "PERMISSION_DENIED", "The caller does not have permission"}
	case r.PathValue("region") != Region:
		return refusal{http.StatusNotFound, "NOT_FOUND", "Unknown region " + r.PathValue("region")}
	}
	return nil
}

// refusal is an error as the service answers it.
type refusal struct {
	Code    int    `json:"code"`
	Status  string `json:"status"`
	Message string `json:"message"`
}

func (r refusal) Error() string { return r.Message }

func answerError(w http.ResponseWriter, err error) {
	refused, ok := err.(refusal) //nolint:errorlint // they are not wrapped
	if !ok {
		refused = refusal{http.StatusInternalServerError, "INTERNAL", err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(refused.Code)
	_ = json.NewEncoder(w).Encode(map[string]refusal{"error": refused}) // nobody is left to tell
}

func answer(w http.ResponseWriter, value any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(value)
}
