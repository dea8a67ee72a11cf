package tableau

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Conditions that the client finds by itself; test for them with errors.Is.
var (
	ErrNotFound      = errors.New("not found")
	ErrExists        = errors.New("exists already")
	ErrNoCredentials = errors.New("no credentials")
)

// Error is a failure of one request, or of what the client found before it sent any.
type Error struct {
	Action string // what was tried, such as "publish the data source"

	Method string // of the request; empty if none was sent
	Path   string // of the request, with its query
	Status int    // HTTP status; 0 if no reply arrived whole

	Code    string // Tableau's, of six digits; empty if the reply had none
	Summary string // in the user's language
	Detail  string // in the user's language

	Hint string // what to do; may be empty

	// RetryAfter is how long the server asked to wait; 0 if it did not.
	RetryAfter time.Duration

	err     error // the cause, or what is wrong with the reply
	network bool  // the request or its reply was lost
	unsent  bool  // the request never left: no connection was made
	garbled bool  // a reply of success that cannot be read
	changes bool  // the request was one that changes a data source
}

// misuse is an error that the client finds before it sends anything.
func misuse(action, hint, format string, args ...any) *Error {
	return &Error{Action: action, Hint: hint, err: fmt.Errorf(format, args...)}
}

func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString(e.Action)
	if e.Method != "" {
		fmt.Fprintf(&text, ": %s %s", e.Method, e.Path)
	}
	if e.Status != 0 {
		fmt.Fprintf(&text, ": status %d", e.Status)
	}
	if e.Code != "" {
		fmt.Fprintf(&text, ": Tableau error %s", e.Code)
	}
	for _, part := range []string{e.Summary, e.Detail} {
		if part != "" {
			text.WriteString(": " + part)
		}
	}
	if e.err != nil {
		text.WriteString(": " + e.err.Error())
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&text, ": the server asks to wait %s", e.RetryAfter.Round(time.Second))
	}
	return text.String()
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.err }

// transient says that the same request may succeed later.
func (e *Error) transient() bool {
	return e.network || e.Status == http.StatusRequestTimeout || e.Status == http.StatusTooManyRequests ||
		e.Status >= http.StatusInternalServerError
}

// unknown says that the server may or may not have done what was asked.
func (e *Error) unknown() bool {
	return e.garbled || e.network && !e.unsent || e.Status == http.StatusRequestTimeout || e.Status >= http.StatusInternalServerError
}

// doubtedError is the failure of a change that an earlier try may have made: whatever the
// server said to the last one, nobody knows.
type doubtedError struct{ err, doubt error }

func (e *doubtedError) Error() string {
	return fmt.Sprintf("%v; an earlier try may have been executed: %v", e.err, e.doubt)
}

// Unwrap returns both failures, the last one first.
func (e *doubtedError) Unwrap() []error { return []error{e.err, e.doubt} }

// inDoubt says whether a change of a data source that failed may have been executed all the same.
func inDoubt(err error) bool {
	var doubted *doubtedError
	var e *Error
	return errors.As(err, &doubted) || errors.As(err, &e) && e.changes && e.unknown()
}

// OutcomeUnknownError says that a change was sent, and that neither a reply nor the end of
// its job tells whether it was made. Sending an append again could add the same rows twice:
// somebody has to look first.
type OutcomeUnknownError struct {
	Action   string // what was tried
	JobID    string // the job that did it, if one is known
	Harmless bool   // the same may be tried again without looking
	Hint     string
	Err      error // why it is not known
}

func (e *OutcomeUnknownError) Error() string {
	text := e.Action + ": it is not known whether the server did it"
	if e.JobID != "" {
		text += " (job " + e.JobID + ")"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns why the outcome is not known.
func (e *OutcomeUnknownError) Unwrap() error { return e.Err }

// PayloadTooLargeError says that the payload of a data update is over the server's limit.
type PayloadTooLargeError struct {
	Bytes int64
	Limit int64 // 0 if the server refused it without saying its limit
	Err   error // the server's refusal; nil if the client refused it
}

func (e *PayloadTooLargeError) Error() string {
	if e.Limit == 0 {
		return fmt.Sprintf("the payload of %d bytes is too large for the server: %v", e.Bytes, e.Err)
	}
	return fmt.Sprintf("the payload of %d bytes is over the limit of %d bytes for data updates", e.Bytes, e.Limit)
}

// Unwrap returns the server's refusal, if it was the server's.
func (e *PayloadTooLargeError) Unwrap() error { return e.Err }

// IsNotFound says that something named does not exist.
func IsNotFound(err error) bool {
	return errors.Is(err, ErrNotFound) || hasStatus(err, http.StatusNotFound)
}

// IsConflict says that something of that name exists already.
func IsConflict(err error) bool {
	return errors.Is(err, ErrExists) || hasStatus(err, http.StatusConflict)
}

// IsUnauthorized says that the credentials or the token were not accepted.
func IsUnauthorized(err error) bool { return hasStatus(err, http.StatusUnauthorized) }

// IsTransient says that the same may succeed when it is tried later: the network failed,
// or the server was busy or ill. It says nothing about whether trying is harmless: see
// [IsOutcomeUnknown].
func IsTransient(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.transient()
}

// IsOutcomeUnknown says that the server may have done what was asked.
func IsOutcomeUnknown(err error) bool {
	var e *OutcomeUnknownError
	return errors.As(err, &e)
}

// IsJobForgotten says that the server does not know the job any more, which it does only of jobs that ended.
func IsJobForgotten(err error) bool { return hasCode(err, codeJobMissing, codeJobExpired) }

// Hint returns what to do about the error, or the empty text.
func Hint(err error) string {
	var unknown *OutcomeUnknownError
	if errors.As(err, &unknown) && unknown.Hint != "" {
		return unknown.Hint
	}
	var large *PayloadTooLargeError
	if errors.As(err, &large) {
		return "send fewer rows at a time, or have the server's api.server.extract-updates.max-size raised"
	}
	var job *JobError
	if errors.As(err, &job) {
		return job.hint()
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

func hasStatus(err error, status int) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == status
}

func hasCode(err error, codes ...string) bool {
	var e *Error
	return errors.As(err, &e) && slices.Contains(codes, e.Code)
}
