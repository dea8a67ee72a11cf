package storagetest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// protocol is what the proxy has to know of a service.
type protocol interface {
	// classify returns the kind of a request, and the object or the prefix that it names.
	classify(r *http.Request) (Operation, string)

	// refuse answers with an error, as the service would. code is what the service calls it; it may be empty.
	refuse(w http.ResponseWriter, status int, code string)

	// allows checks what the server behind the proxy does not. If it does not allow a request, it has answered.
	allows(w http.ResponseWriter, r *http.Request, next http.Handler) bool
}

// proxy stands before the object store.
type proxy struct {
	protocol
	faults *Faults
	next   http.Handler
}

// startProxy serves what next does, with faults, until the test ends.
func startProxy(t testing.TB, protocol protocol, next http.Handler) (url string, faults *Faults) {
	return startProxyBy(t, httptest.NewServer, protocol, next)
}

// startProxyBy is [startProxy] with a server that start starts.
func startProxyBy(
	t testing.TB, start func(http.Handler) *httptest.Server, protocol protocol, next http.Handler,
) (url string, faults *Faults) {
	faults = &Faults{counts: map[Operation]int{}}
	server := start(&proxy{protocol, faults, next})
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL, faults
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, name := p.classify(r)
	fault := p.faults.meet(operation, name)
	if fault.Before != nil {
		fault.Before()
	}
	switch {
	case fault.Status != 0:
		_, _ = io.Copy(io.Discard, r.Body) // else the connection is cut as well
		for key, values := range fault.Header {
			w.Header()[key] = values
		}
		p.refuse(w, fault.Status, fault.Code)
		return
	case fault.Cut && (operation == Write || operation == Complete):
		_, _ = io.CopyN(io.Discard, r.Body, fault.After)
		cut(w)
		return
	case fault.Lose:
		p.next.ServeHTTP(httptest.NewRecorder(), r)
		cut(w)
		return
	case !p.allows(w, r, p.next):
		return
	}
	if operation == Read {
		w = countsBytes{w, p.faults}
	}
	answer := &answer{ResponseWriter: w, done: r.Context().Done(), pause: fault.Pause, bare: operation != Read, spoil: fault.Spoil, left: -1}
	if fault.Cut {
		answer.left = fault.After
	}
	p.next.ServeHTTP(answer, r)
}

// countsBytes counts what is sent.
type countsBytes struct {
	http.ResponseWriter
	faults *Faults
}

// Unwrap is for http.ResponseController.
func (c countsBytes) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Write implements http.ResponseWriter.
func (c countsBytes) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.faults.send(n)
	return n, err
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
	bare  bool // it may have no content, so that its head is what waits
	spoil bool
	left  int64 // bytes until the cut; negative: no cut
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.bare {
		a.wait()
	}
	a.ResponseWriter.WriteHeader(status)
}

// wait says whether the client is still there after the pause.
func (a *answer) wait() bool {
	if a.pause == 0 {
		return true
	}
	select {
	case <-time.After(a.pause):
		return true
	case <-a.done:
		return false
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if a.pause > 0 && !a.bare {
		_ = http.NewResponseController(a.ResponseWriter).Flush()
	}
	if !a.wait() {
		return 0, http.ErrHandlerTimeout
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
