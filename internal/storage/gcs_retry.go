package storage

import (
	"time"

	gcs "cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
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

func (r Retry) options() []gcs.RetryOption {
	return []gcs.RetryOption{
		gcs.WithBackoff(gax.Backoff{Initial: r.First, Max: r.Longest, Multiplier: 2}),
		gcs.WithMaxRetryDuration(r.Total),
	}
}

// patience decides for one upload whether an error is retried. The library bounds the
// retries of a chunk, but not those of an upload that is a single request.
type patience struct {
	total   time.Duration
	failing time.Time // since when; zero after progress
}

func (p *patience) progress(int64) { p.failing = time.Time{} }

func (p *patience) retry(err error) bool {
	if !gcs.ShouldRetry(err) {
		return false
	}
	if p.failing.IsZero() {
		p.failing = time.Now()
	}
	return time.Since(p.failing) < p.total
}
