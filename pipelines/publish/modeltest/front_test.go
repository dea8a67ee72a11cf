package modeltest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"

	"hyperlake/sinks/tableau/tableautest"
)

// front stands between the client and the server, and has the mishaps of a command happen.
type front struct {
	*httptest.Server
	w *world

	mu        sync.Mutex
	mishaps   []mishap
	interrupt context.CancelFunc
	dead      bool       // the process of the command
	left      *memory    // what it left, if it is dead
	before    *memory    // at the request before
	done      []*foreign // by somebody else, in the midst of the command
	unseen    bool       // some of it between a look and the request that follows
	failed    error      // of the test itself
	release   func()     // ends that somebody is at it
}

func newFront(w *world) *front {
	f := &front{w: w}
	f.Server = httptest.NewServer(f)
	return f
}

// begin is for a command that begins.
func (f *front) begin(mishaps []mishap, interrupt context.CancelFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mishaps = append([]mishap(nil), mishaps...)
	f.interrupt, f.dead, f.left, f.done, f.unseen, f.release = interrupt, false, nil, nil, false, nil
	f.before, f.failed = f.w.remember()
}

// ServeHTTP lets a request pass, unless something goes wrong.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock() // a command sends one request after the other
	now, err := f.w.remember()
	if err != nil {
		f.failed = err
	}
	defer func() { f.before = now }()
	m := f.next(r)
	switch {
	case f.dead:
		cut(w)
		return
	case m == nil:
		f.w.ServeHTTP(w, r)
		return
	}
	switch m.what {
	case killBefore, killTorn:
		f.dead, f.left = true, now
		if m.what == killTorn {
			f.left = &memory{state: now.state, user: f.before.user}
		}
		cut(w)
	case killAfter:
		f.w.ServeHTTP(httptest.NewRecorder(), r)
		f.dead, f.left = true, now
		cut(w)
	case interruptBefore:
		f.interrupt()
		cut(w)
	case interruptAfter:
		f.w.ServeHTTP(httptest.NewRecorder(), r)
		f.interrupt()
		cut(w)
	case foreignBefore:
		f.unseen = f.unseen || change.matches(r.Method, r.URL.Path)
		f.do(m.foreign)
		f.w.ServeHTTP(w, r)
	case foreignAfter:
		f.w.ServeHTTP(w, r)
		f.w.WaitForJobs()
		f.unseen = f.unseen || lookUp.matches(r.Method, r.URL.Path)
		f.do(m.foreign)
	case whileBusy:
		f.occupy()
		f.w.ServeHTTP(w, r)
	default:
		injected, err := tableautest.ParseFaults("* / " + m.what)
		if err != nil {
			f.failed = err
		}
		f.w.Inject(injected...)
		f.w.ServeHTTP(w, r)
	}
}

// next is the mishap that a request meets, if it meets one.
func (f *front) next(r *http.Request) *mishap {
	if len(f.mishaps) == 0 || !f.mishaps[0].on.matches(r.Method, r.URL.Path) {
		return nil
	}
	if f.mishaps[0].skip > 0 {
		f.mishaps[0].skip--
		return nil
	}
	met := f.mishaps[0]
	f.mishaps = f.mishaps[1:]
	return &met
}

func (f *front) do(deed *foreign) {
	done, err := f.w.do(deed)
	if err != nil {
		f.failed = fmt.Errorf("%s: %w", deed, err)
	}
	if done {
		f.done = append(f.done, deed)
	}
}

// occupy has somebody be at work on the data source until the client waits.
func (f *front) occupy() {
	if found := f.w.stored(); found != nil && f.release == nil {
		if release, err := f.w.Occupy(found.ID); err == nil {
			f.release = release
		}
	}
}

// end is what came of a command. A dead process leaves what it had written when it died.
func (f *front) end() (done []*foreign, unseen, dead bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.freeLocked()
	f.mishaps = nil
	err = f.failed
	if f.dead && err == nil {
		err = f.w.restore(f.left)
	}
	return f.done, f.unseen, f.dead, err
}

// free ends that somebody is at it.
func (f *front) free() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.freeLocked()
}

func (f *front) freeLocked() {
	if f.release != nil {
		f.release()
		f.release = nil
	}
}

// cut ends a connection without an answer.
func cut(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		conn.Close()
	}
}
