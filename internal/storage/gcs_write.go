package storage

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"time"

	gcs "cloud.google.com/go/storage"
	"github.com/google/uuid"
)

const (
	writeKey     = "hyperlake-write" // metadata by which a Writer knows its own object again
	watchedBytes = 256 << 10         // that are written in one step; no chunk is smaller
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// create has the library send the checksum along, so that the service
// refuses an object that was damaged on its way.
//
// A retried request could find its condition broken by its own first try, whose answer
// was lost; the Writer then recognises its object by a random mark. Without a condition,
// a retry at worst writes the same bytes twice.
func (g *google) create(ctx context.Context, p address, condition Condition, chunk int) (Writer, error) {
	uri := g.uri(p)
	target, err := g.target(ctx, p, condition)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", uri, err)
	}
	object, err := g.object(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", uri, err)
	}
	patience := &patience{total: g.options.Retry.Total}
	policy := gcs.WithPolicy(gcs.RetryIdempotent)
	if condition == Any() {
		policy = gcs.WithPolicy(gcs.RetryAlways)
	}
	target = target.Retryer(policy, gcs.WithErrorFunc(patience.retry))
	uploading, cancel := context.WithCancelCause(ctx)
	w := &gcsWriter{
		store: g, ctx: ctx, uri: uri, condition: condition, object: object, mark: uuid.NewString(),
		uploading: uploading, cancel: cancel, upload: target.NewWriter(uploading),
	}
	w.upload.ChunkSize = chunk
	w.upload.ChunkRetryDeadline = g.options.Retry.Total
	w.upload.ContentType = "application/octet-stream"
	w.upload.Metadata = map[string]string{writeKey: w.mark}
	w.upload.ProgressFunc = patience.progress
	return w, nil
}

type gcsWriter struct {
	store     *google
	ctx       context.Context // of Create
	uri       string
	condition Condition
	object    *gcs.ObjectHandle // without conditions
	mark      string
	uploading context.Context // part of ctx
	cancel    context.CancelCauseFunc
	upload    *gcs.Writer
	checksum  uint32
	done      bool // committed or aborted
}

// Write implements [Writer]. It returns when the bytes are in memory or sent.
func (w *gcsWriter) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		err = w.watch(func() (err error) {
			m, err = w.upload.Write(p[n:min(n+watchedBytes, len(p))])
			return err
		})
		w.checksum = crc32.Update(w.checksum, castagnoli, p[n:n+m])
		n += m
	}
	if err != nil {
		err = w.fail(err)
	}
	return n, err
}

// watch ends the upload when a step of it hangs, for a silent server is not an error that
// the library retries. A step is at most one request, and its retries.
func (w *gcsWriter) watch(step func() error) error {
	hangs := time.AfterFunc(w.store.options.Retry.limit(), func() { w.cancel(errStalled) })
	defer hangs.Stop()
	return step()
}

// Abort implements [Writer]: an upload that is cancelled before its last request is
// forgotten by the service.
func (w *gcsWriter) Abort() {
	if w.done {
		return
	}
	w.done = true
	w.cancel(nil)
	_ = w.upload.Close() // reports the cancellation, once the upload has ended
}

// Commit implements [Writer].
func (w *gcsWriter) Commit() (Info, error) {
	if w.done {
		return Info{}, fmt.Errorf("%s: the write ended before: %w", w.uri, fs.ErrClosed)
	}
	w.done = true
	defer w.cancel(nil)
	if err := w.watch(w.upload.Close); err != nil {
		return w.afterFailure(err)
	}
	attrs := w.upload.Attrs()
	if attrs.CRC32C != w.checksum {
		return Info{}, w.removeDamaged(attrs)
	}
	return gcsEntry(attrs).info(w.uri), nil
}

// afterFailure finds out whether a broken condition was broken by this very write.
func (w *gcsWriter) afterFailure(failed error) (Info, error) {
	if !failedCondition(failed) {
		return Info{}, w.fail(failed)
	}
	limited, cancel := context.WithTimeout(w.ctx, w.store.options.Retry.limit())
	defer cancel()
	attrs, err := w.object.Attrs(limited)
	if err == nil && attrs.Metadata[writeKey] == w.mark {
		return gcsEntry(attrs).info(w.uri), nil
	}
	return Info{}, w.fail(failed)
}

// removeDamaged removes an object that did not arrive as it was sent, which can only
// happen to a service that did not check.
func (w *gcsWriter) removeDamaged(attrs *gcs.ObjectAttrs) error {
	err := fmt.Errorf("%s: what arrived does not have the checksum of what was sent", w.uri)
	limited, cancel := context.WithTimeout(w.ctx, w.store.options.Retry.limit())
	defer cancel()
	if failed := w.object.If(gcs.Conditions{GenerationMatch: attrs.Generation}).Delete(limited); failed != nil {
		err = fmt.Errorf("%w, and it could not be removed: %w", err, failed)
	}
	return err
}

// fail explains an error of the upload.
func (w *gcsWriter) fail(err error) error {
	switch {
	case failedCondition(err) && w.condition.absent:
		return fmt.Errorf("%s: %w", w.uri, ErrExists)
	case failedCondition(err):
		return fmt.Errorf("%s: %w", w.uri, ErrChanged)
	case errors.Is(context.Cause(w.uploading), errStalled):
		return fmt.Errorf("%s: %w", w.uri, unavailable(errStalled, googleStatus))
	case isNotFound(err): // an object need not be there to be written
		return fmt.Errorf("%s: %w", w.uri, noBucket(w.object.BucketName()))
	}
	return w.store.explain(w.ctx, w.uri, err)
}
