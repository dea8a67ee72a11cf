package storage

import (
	"time"

	gcs "cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
)

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
