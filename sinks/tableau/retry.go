package tableau

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// The waits before a request is sent again: when the server or the network failed, and
// when the server is busy and does not say for how long. After the last one the request
// has failed.
var (
	transientWaits = []time.Duration{500 * time.Millisecond, 500 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second}
	busyWaits      = []time.Duration{time.Second, 3 * time.Second, 10 * time.Second, 30 * time.Second, 60 * time.Second}
)

// longestWait is the longest that a server is obeyed when it asks to wait.
const longestWait = 15 * time.Minute

// retries counts how often a request failed, and decides whether it is sent again.
type retries struct {
	repeatable bool // harmless when the first outcome is unknown
	failures   int
	refusals   int
}

// next returns how long to wait before the request is sent again, or that it must not be:
// the failure is final, it happened too often, or the request may have been executed and
// may not be executed twice.
func (r *retries) next(err error) (time.Duration, bool) {
	var e *Error
	if !errors.As(err, &e) || !e.transient() {
		return 0, false
	}
	if e.Status == http.StatusTooManyRequests { // it was not executed
		return nextWait(busyWaits, &r.refusals, e.RetryAfter)
	}
	if e.unknown() && !r.repeatable {
		return 0, false
	}
	return nextWait(transientWaits, &r.failures, e.RetryAfter)
}

// restart is next for an upload, all of which is repeated when one of its chunks may have
// arrived, or when the server has forgotten it. Its beginning was tried often enough.
func (r *retries) restart(err error) (time.Duration, bool) {
	var e *Error
	if !errors.As(err, &e) || e.Method != http.MethodPut || !e.unknown() && e.Code != codeUploadMissing {
		return 0, false
	}
	return nextWait(transientWaits, &r.failures, e.RetryAfter)
}

func nextWait(waits []time.Duration, count *int, asked time.Duration) (time.Duration, bool) {
	if *count >= len(waits) {
		return 0, false
	}
	wait := waits[*count]
	*count++
	if asked > 0 {
		return asked, asked <= longestWait
	}
	// A tenth of chance keeps jobs that failed together from coming back together.
	return wait + rand.N(wait/10), true
}

// tellOfWait tells people that the server asks to wait: that it is waited for, or else that this is too long.
func (c *Client) tellOfWait(failed *Error) {
	asked := failed.RetryAfter.Round(time.Second)
	switch {
	case failed.RetryAfter == 0 || !failed.transient():
	case failed.RetryAfter > longestWait:
		failed.Hint = fmt.Sprintf("repeat it in %s: that is longer than is waited for (%s)", asked, longestWait)
	default:
		c.log().Warn("the server asks to wait", "status", failed.Status, "wait", asked.String())
	}
}

// retryAfter reads the header of that name, which holds seconds or a date.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil && date.After(now) {
		return date.Sub(now)
	}
	return 0
}
