// Package failure is the one error type that users see: what went wrong, where,
// and what to do next, with the kind that the report and the exit code derive from.
//
// Functions anywhere return plain errors wrapped with %w; the place that knows the
// kind makes an [Error], once. Beam turns the errors of a DoFn into text on their way
// to the driver, so [Encode] carries an Error through that text and [Decode] finds it
// there again.
package failure

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Kind says which part failed. The values are those of error.kind in the report.
type Kind string

// The kinds of failure.
const (
	Usage       Kind = "usage"       // wrong command line
	Config      Kind = "config"      // wrong configuration file
	Source      Kind = "source"      // the lake: missing, corrupt, vanished, drifting or unmappable files
	Data        Kind = "data"        // a rule with on_fail: fail, a threshold, no rows
	Check       Kind = "check"       // a table-level check
	Hyperd      Kind = "hyperd"      // hyperd is missing, did not start, died or refused a statement
	Storage     Kind = "storage"     // reading or writing outside the lake: staging, output, report
	Engine      Kind = "engine"      // Beam or the engine that runs it
	Publish     Kind = "publish"     // Tableau
	Locked      Kind = "locked"      // another run has the lock of the output
	Difference  Kind = "difference"  // what was to be compared differs
	Interrupted Kind = "interrupted" // SIGINT or SIGTERM
)

// Error is a failure as a user reads it. Make one with [New]; the methods return the
// receiver so that calls chain.
type Error struct {
	Kind    Kind
	Message string // what and where, without a full stop
	Hint    string // what to do next; may be empty
	Early   bool   // known before any data was read: exit code 2
	Retry   bool   // the same may succeed when it is tried again
	Full    bool   // there was no room on a disk, which does not pass by itself; then Retry is not set

	// Environment says that the process did not find in its environment what it needs: variables, credentials. On another
	// machine that is another environment.
	Environment bool

	// More are further failures, about other things that were wrong at the same time.
	More []*Error

	err error // the cause, for errors.Is and errors.As
}

// New makes an Error. The format may hold %w, as for fmt.Errorf. A cause that is transient
// makes it retryable, and one that is a full disk or of the environment makes it that. What is wrong with a command line or
// a configuration was known before any data was read.
func New(kind Kind, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	e := plain(kind, err)
	e.err = errors.Unwrap(err)
	return e
}

// plain is an Error with the words of err, and its nature.
func plain(kind Kind, err error) *Error {
	full := IsFull(err)
	return &Error{
		Kind: kind, Message: err.Error(), Early: kind == Usage || kind == Config, Retry: isTransient(err) && !full, Full: full,
		Environment: isOfEnvironment(err), err: err,
	}
}

// isOfEnvironment says whether an error, or one that it wraps, says of itself that it is about the environment of the process.
func isOfEnvironment(err error) bool {
	var self interface{ OfEnvironment() bool }
	return errors.As(err, &self) && self.OfEnvironment()
}

// isTransient says whether an error, or one that it wraps, says of itself that it may pass.
func isTransient(err error) bool {
	var self interface{ Transient() bool }
	return errors.As(err, &self) && self.Transient()
}

// WithHint says what the user can do next.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// BeforeData marks a failure that was known before any data was read (exit code 2).
func (e *Error) BeforeData() *Error {
	e.Early = true
	return e
}

// Transient is true of a failure that another attempt may not meet.
func (e *Error) Transient() bool { return e.Retry }

// OfEnvironment is true of a failure for what the environment of the process lacks.
func (e *Error) OfEnvironment() bool { return e.Environment }

// Retryable marks a failure that another attempt may not meet, unless a disk is full.
func (e *Error) Retryable() *Error {
	e.Retry = !e.Full
	return e
}

// OnFullDisk marks a failure for lack of room on a disk, whatever it was before.
func (e *Error) OnFullDisk() *Error {
	e.Full, e.Retry = true, false
	return e
}

func (e *Error) Error() string { return e.Message }

// Sentence is the message and the hint, on one line.
func (e *Error) Sentence() string {
	text := strings.Join(strings.Fields(e.Message), " ")
	if e.Hint != "" {
		text += "; " + strings.Join(strings.Fields(e.Hint), " ")
	}
	return text
}

// Unwrap returns the cause that New was given with %w, or nil.
func (e *Error) Unwrap() error { return e.err }

// Of returns err as an Error. An Error that was wrapped with more context keeps its
// kind and hint and takes the wider message; any other error becomes one of kind
// fallback. Of(nil, …) is nil.
func Of(err error, fallback Kind) *Error {
	if err == nil {
		return nil
	}
	var inner *Error
	if !errors.As(err, &inner) {
		return plain(fallback, err)
	}
	if same, ok := err.(*Error); ok { //nolint:errorlint // an Error that was wrapped is another case
		return same
	}
	outer := *inner
	outer.Message, outer.err = err.Error(), err
	return &outer
}

// Join makes one failure of several that are about different things, so that all are told at
// once: the first, which knows of the others. It is known early, or may pass, only if all are and
// do. nil errors are left out; Join of none is nil.
func Join(fallback Kind, errs ...error) error {
	var all []*Error
	for _, err := range errs {
		if e := Of(err, fallback); e != nil {
			alone := *e
			alone.More = nil
			all = append(append(all, &alone), e.More...)
		}
	}
	if len(all) == 0 {
		return nil
	}
	first := all[0]
	first.More = all[1:]
	for _, other := range first.More {
		first.Early, first.Retry = first.Early && other.Early, first.Retry && other.Retry
	}
	return first
}

// wire is an Error inside the text of another error. The JSON is quoted once more, so
// that it holds no line break and ends unambiguously, whatever an engine adds around it.
const wirePrefix = "hyperlake-failure:"

var wirePattern = regexp.MustCompile(regexp.QuoteMeta(wirePrefix) + `("(?:[^"\\]|\\.)*")`)

type wire struct {
	Kind    Kind   `json:"kind"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Early   bool   `json:"early,omitempty"`
	Retry   bool   `json:"retry,omitempty"`
	Full    bool   `json:"full,omitempty"`
	Lacks   bool   `json:"environment,omitempty"`
}

// Encode makes an error whose text [Decode] can read back, for a DoFn to return.
// Encode(nil, …) is nil.
func Encode(err error, fallback Kind) error {
	e := Of(err, fallback)
	if e == nil {
		return nil
	}
	raw, jsonErr := json.Marshal(wire{e.Kind, e.Message, e.Hint, e.Early, e.Retry, e.Full, e.Environment})
	if jsonErr != nil {
		return err
	}
	return fmt.Errorf("%s%s", wirePrefix, strconv.QuoteToASCII(string(raw)))
}

// Decode finds the first Error that [Encode] put into text.
func Decode(text string) (*Error, bool) {
	found := wirePattern.FindStringSubmatch(text)
	if found == nil {
		return nil, false
	}
	raw, err := strconv.Unquote(found[1])
	if err != nil {
		return nil, false
	}
	var w wire
	if err := json.Unmarshal([]byte(raw), &w); err != nil {
		return nil, false
	}
	return &Error{Kind: w.Kind, Message: w.Message, Hint: w.Hint, Early: w.Early, Retry: w.Retry, Full: w.Full, Environment: w.Lacks}, true
}

// OfJob finds the Error that a DoFn encoded in the words of the engine that ran it; any other
// error becomes one of kind Engine. OfJob(nil) is nil.
func OfJob(err error) error {
	if err == nil {
		return nil
	}
	if ours, ok := Decode(err.Error()); ok {
		return ours
	}
	return New(Engine, "the pipeline failed: %w", err)
}
