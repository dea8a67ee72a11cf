package storagetest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"
)

// proxy stands before the object store.
type proxy struct {
	faults *Faults
	next   http.Handler
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, name := classify(r)
	fault := p.faults.meet(operation, name)
	if fault.Before != nil {
		fault.Before()
	}
	switch {
	case fault.Status != 0:
		_, _ = io.Copy(io.Discard, r.Body) // else the connection is cut as well
		http.Error(w, http.StatusText(fault.Status), fault.Status)
		return
	case fault.Cut && operation == Write:
		_, _ = io.CopyN(io.Discard, r.Body, fault.After)
		cut(w)
		return
	case fault.Lose:
		p.next.ServeHTTP(httptest.NewRecorder(), r)
		cut(w)
		return
	case !p.conditionHolds(r):
		http.Error(w, "conditionNotMet", http.StatusPreconditionFailed)
		return
	}
	answer := &answer{ResponseWriter: w, done: r.Context().Done(), pause: fault.Pause, spoil: fault.Spoil, left: -1}
	if fault.Cut {
		answer.left = fault.After
	}
	p.next.ServeHTTP(answer, r)
}

// classify returns the kind of a request, and the object or the prefix that it names.
func classify(r *http.Request) (Operation, string) {
	query := r.URL.Query()
	if strings.HasPrefix(r.URL.Path, "/upload/") {
		return Write, query.Get("name")
	}
	if _, target, found := strings.Cut(r.URL.Path, rewriteTo); found {
		_, name, _ := strings.Cut(target, "/o/")
		return Write, name
	}
	_, escaped, found := strings.Cut(r.URL.EscapedPath(), "/o/")
	if !found {
		return List, query.Get("prefix")
	}
	name, err := url.PathUnescape(escaped)
	if err != nil {
		name = escaped
	}
	switch {
	case r.Method == http.MethodDelete:
		return Delete, name
	case query.Get("alt") == "media":
		return Read, name
	}
	return Stat, name
}

// rewriteTo stands between source and target in the path of a copy.
const rewriteTo = "/rewriteTo"

// conditionHolds checks the condition of a deletion or a copy. Unlike in the service, another
// request may come between the check and what it is for.
func (p *proxy) conditionHolds(r *http.Request) bool {
	want := r.URL.Query().Get("ifGenerationMatch")
	from, target, copies := strings.Cut(r.URL.EscapedPath(), rewriteTo)
	if want == "" || !copies && r.Method != http.MethodDelete {
		return true
	}
	path := from
	if copies {
		path = from[:strings.Index(from, "/b/")] + target
	}
	ask := httptest.NewRequest(http.MethodGet, "http://"+r.Host+path, nil)
	recorder := httptest.NewRecorder()
	p.next.ServeHTTP(recorder, ask)
	var object struct{ Generation string }
	if recorder.Code != http.StatusOK || json.NewDecoder(recorder.Body).Decode(&object) != nil {
		return !copies || want == "0" // a deletion itself says what is wrong
	}
	return object.Generation == want
}

// cut closes the connection of a request without an answer, or in the middle of one.
func cut(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	connection, _, err := control.Hijack()
	if err == nil {
		_ = connection.Close()
	}
}

// answer slows an answer down, and cuts it.
type answer struct {
	http.ResponseWriter
	done  <-chan struct{} // the client has gone
	pause time.Duration
	spoil bool
	left  int64 // bytes until the cut; negative: no cut
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if a.pause > 0 {
		_ = http.NewResponseController(a.ResponseWriter).Flush()
		select {
		case <-time.After(a.pause):
		case <-a.done:
			return 0, http.ErrHandlerTimeout
		}
	}
	if a.spoil && len(p) > 0 {
		a.spoil = false
		p = append([]byte{p[0] ^ 1}, p[1:]...)
	}
	if a.left < 0 {
		return a.ResponseWriter.Write(p)
	}
	if int64(len(p)) < a.left {
		a.left -= int64(len(p))
		return a.ResponseWriter.Write(p)
	}
	n, _ := a.ResponseWriter.Write(p[:a.left]) // it is cut anyway
	_ = http.NewResponseController(a.ResponseWriter).Flush()
	cut(a.ResponseWriter)
	return n, http.ErrAbortHandler
}
