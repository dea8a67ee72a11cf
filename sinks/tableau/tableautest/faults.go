package tableautest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault makes requests go wrong. What it does besides choosing requests may be combined.
type Fault struct {
	Method string // empty: any
	Path   string // part of the path, such as /fileUploads; empty: any
	Skip   int    // so many matching requests pass first
	Times  int    // so many go wrong then; 0 is 1, -1 is all

	Status     int    // is answered instead of doing what was asked
	Code       string // Tableau's, with Status; empty: the reply is not Tableau's
	RetryAfter string // header, with Status
	Location   string // header, with Status

	Truncate bool // the reply breaks off, with Status
	Empty    bool // the reply has no body, with Status

	ExpireToken     bool // the token of the request ends, so that it is refused
	LoseRequest     bool // the connection is cut, and nothing was done
	LoseReply       bool // what was asked is done, and the connection is cut
	PurgeJob        bool // the job is forgotten, once it ended
	FailJob         bool // the job that the request starts fails, and changes nothing
	EarlyFinishCode bool // a job that runs says it failed, without a time of completion

	Meanwhile      func()        // is called before anything else; nil for none
	Delay          time.Duration // before anything but that
	BytesPerSecond int64         // at which the request is read
	CutAfter       int64         // bytes of the reply, after which the connection is cut; 0: it is whole
}

// Inject adds faults that are met one after the other: the next one, when the one before was met as often
// as it says. A fault that does nothing lets a request pass. Of several that were added apart and
// match a request, the first added is met.
func (s *Server) Inject(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sequence := make([]*Fault, len(faults))
	for i, fault := range faults {
		if fault.Times == 0 {
			fault.Times = 1
		}
		sequence[i] = &fault
	}
	s.faults = append(s.faults, sequence)
}

// ParseFaults reads faults as a command line has them: a method (or *), a part of the path,
// and words such as status=503, code=403131, retry-after=2, location=URL, truncate, empty,
// expire-token, lose-request, lose-reply, purge-job, fail-job, early-finish-code, delay=2s, rate=1000000,
// cut-after=1000, skip=1, times=-1 and pass. Behind the word then is what the next request meets, of another method
// and path if they are given.
func ParseFaults(text string) ([]Fault, error) {
	var faults []Fault
	for step := range strings.SplitSeq(strings.Join(strings.Fields(text), " "), " then ") {
		fault, words := Fault{}, strings.Fields(step)
		switch {
		case len(words) > 2 && strings.HasPrefix(words[1], "/"):
			fault.Path = words[1]
			if words[0] != "*" {
				fault.Method = strings.ToUpper(words[0])
			}
			words = words[2:]
		case len(faults) > 0 && len(words) > 0:
			fault.Method, fault.Path = faults[0].Method, faults[0].Path
		default:
			return nil, fmt.Errorf("fault %q is not like \"PUT /fileUploads lose-reply then status=413\"", text)
		}
		for _, word := range words {
			if err := fault.set(word); err != nil {
				return nil, fmt.Errorf("fault %q: %w", text, err)
			}
		}
		faults = append(faults, fault)
	}
	return faults, nil
}

func (f *Fault) set(word string) error {
	key, value, _ := strings.Cut(word, "=")
	var err error
	switch key {
	case "expire-token":
		f.ExpireToken = true
	case "lose-request":
		f.LoseRequest = true
	case "lose-reply":
		f.LoseReply = true
	case "purge-job":
		f.PurgeJob = true
	case "fail-job":
		f.FailJob = true
	case "pass": // nothing goes wrong
	case "early-finish-code":
		f.EarlyFinishCode = true
	case "truncate":
		f.Truncate = true
	case "empty":
		f.Empty = true
	case "code":
		f.Code = value
	case "retry-after":
		f.RetryAfter = value
	case "location":
		f.Location = value
	case "delay":
		f.Delay, err = time.ParseDuration(value)
	case "rate":
		f.BytesPerSecond, err = strconv.ParseInt(value, 10, 64)
	case "cut-after":
		f.CutAfter, err = strconv.ParseInt(value, 10, 64)
	case "status":
		f.Status, err = strconv.Atoi(value)
	case "skip":
		f.Skip, err = strconv.Atoi(value)
	case "times":
		f.Times, err = strconv.Atoi(value)
	default:
		return fmt.Errorf("unknown word %q", word)
	}
	return err
}

// nextFault finds the fault that a request meets: nil if there is none. The caller holds the lock.
func (s *Server) nextFault(r *http.Request) *Fault {
	for i, sequence := range s.faults {
		for len(sequence) > 0 && sequence[0].Times == 0 {
			sequence = sequence[1:]
		}
		s.faults[i] = sequence
		if len(sequence) > 0 && sequence[0].meets(r) {
			return sequence[0]
		}
	}
	return nil
}

// meets says whether a request meets the fault, and counts it.
func (f *Fault) meets(r *http.Request) bool {
	if f.Method != "" && f.Method != r.Method || !strings.Contains(r.URL.Path, f.Path) {
		return false
	}
	if f.Skip > 0 {
		f.Skip--
		return false
	}
	if f.Times > 0 {
		f.Times--
	}
	return true
}

type faultKey struct{}

// faultOf returns the fault that a request met, or none.
func faultOf(r *http.Request) Fault {
	if fault, ok := r.Context().Value(faultKey{}).(Fault); ok {
		return fault
	}
	return Fault{}
}

// serve answers a request that met the fault.
func (f *Fault) serve(s *Server, w http.ResponseWriter, r *http.Request) {
	met := *f
	r = r.WithContext(context.WithValue(r.Context(), faultKey{}, met))
	if met.Meanwhile != nil {
		met.Meanwhile()
	}
	if met.Delay > 0 && !pause(r.Context(), met.Delay) {
		return
	}
	if met.BytesPerSecond > 0 {
		r.Body = &slowReader{body: r.Body, rate: met.BytesPerSecond, ctx: r.Context()}
	}
	switch {
	case met.LoseRequest:
		cut(w)
	case met.Status != 0:
		_, _ = io.Copy(io.Discard, r.Body) // the reply is what counts
		met.answer(w)
	case met.LoseReply:
		s.routes().ServeHTTP(&deafWriter{header: http.Header{}}, r)
		cut(w)
	case met.CutAfter > 0:
		s.routes().ServeHTTP(&shortWriter{ResponseWriter: w, left: met.CutAfter}, r)
		_ = http.NewResponseController(w).Flush() // what was sent before the end
		cut(w)
	default:
		if met.ExpireToken {
			s.expire(r.Header.Get(tokenHeader))
		}
		s.routes().ServeHTTP(w, r)
	}
}

// answer writes the reply that the fault is.
func (f Fault) answer(w http.ResponseWriter) {
	for header, value := range map[string]string{"Retry-After": f.RetryAfter, "Location": f.Location} {
		if value != "" {
			w.Header().Set(header, value)
		}
	}
	if f.Code != "" {
		writeProblem(w, refuse(f.Status, f.Code, "a fault was asked for"))
		return
	}
	if f.Empty {
		w.WriteHeader(f.Status)
		return
	}
	if f.Truncate {
		w.Header().Set("Content-Length", "100000")
	}
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, "<html><body>a fault was asked for</body></html>")
}

func (s *Server) expire(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, token)
}

// cut ends the connection without a reply.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		conn.Close()
	}
}

// deafWriter is where a reply gets lost.
type deafWriter struct{ header http.Header }

func (w *deafWriter) Header() http.Header         { return w.header }
func (w *deafWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *deafWriter) WriteHeader(int)             {}

// shortWriter is where the end of a reply gets lost.
type shortWriter struct {
	http.ResponseWriter
	left int64
}

func (w *shortWriter) Write(p []byte) (int, error) {
	sent := p[:min(w.left, int64(len(p)))]
	w.left -= int64(len(sent))
	_, _ = w.ResponseWriter.Write(sent) // whoever is gone needs no reply
	return len(p), nil
}

func (w *shortWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// slowReader reads at a rate.
type slowReader struct {
	body io.ReadCloser
	rate int64
	ctx  context.Context
	owed time.Duration // not waited yet
}

// shortestPause is the least that is worth waiting for.
const shortestPause = 10 * time.Millisecond

func (r *slowReader) Read(p []byte) (int, error) {
	if limit := max(r.rate/20, 1); int64(len(p)) > limit {
		p = p[:limit]
	}
	n, err := r.body.Read(p)
	r.owed += time.Duration(n) * time.Second / time.Duration(r.rate)
	if r.owed < shortestPause {
		return n, err
	}
	if !pause(r.ctx, r.owed) {
		return n, r.ctx.Err()
	}
	r.owed = 0
	return n, err
}

func (r *slowReader) Close() error { return r.body.Close() }

// pause waits, and says whether it was not interrupted.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
