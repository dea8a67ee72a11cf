package storage

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Retry bounds how long transient errors of remote storage are waited out: a server that
// is overloaded or unavailable (408, 429, 5xx), a connection that is refused, cut, or
// silent.
type Retry struct {
	First   time.Duration // pause before the first retry, at most: pauses are random, and their limit doubles
	Longest time.Duration // pause before any retry, at most
	Total   time.Duration // time without progress after which an error is final
	Stall   time.Duration // time without a byte after which a read is asked for anew
}

// DefaultRetry returns the bounds that users get. Two minutes without progress outlast
// what a healthy service does when it scales up or moves a bucket's load.
func DefaultRetry() Retry {
	return Retry{First: 250 * time.Millisecond, Longest: 15 * time.Second, Total: 2 * time.Minute, Stall: 30 * time.Second}
}

// limit is the time that one small request may take with all its retries, when a server
// accepts it and never answers.
func (r Retry) limit() time.Duration { return r.Total + r.Stall }

// delay is a random pause before a retry, after that many others. Its limit doubles, and is so many times as long for a service that
// is asked too often.
func (r Retry) delay(tries int, slower time.Duration) time.Duration {
	return rand.N(min(slower*(r.First<<min(tries, 20)), r.Longest) + 1) //nolint:gosec // it need not be hard to guess
}

// pause waits before a retry, after that many others.
func (r Retry) pause(ctx context.Context, tries int) {
	select {
	case <-time.After(r.delay(tries, 1)):
	case <-ctx.Done():
	}
}

// RetryAfter is how long the head of an answer asks to wait, in its field Retry-After (RFC 9110); 0 where it does not ask.
func RetryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return time.Until(at)
	}
	return 0
}
