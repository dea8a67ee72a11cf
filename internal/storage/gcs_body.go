package storage

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	gcs "cloud.google.com/go/storage"
)

// wholeObject is the end of a body that ends where its object does.
const wholeObject = -1

var errStalled = errors.New("the connection was silent for too long")

// body reads a part of one version of an object from its start to its end. A connection
// that is cut or silent is replaced by one that goes on where it ended, as long as bytes
// keep coming. The body of a whole object has the checksum that is kept with the object.
type body struct {
	ctx      context.Context
	retry    Retry
	object   *gcs.ObjectHandle // has a generation once there was a connection
	off, end int64

	connection *connection // nil when there is none
	silence    *time.Timer // runs during an attempt
	whole      bool
	got, want  uint32 // checksums
}

// newBody takes over the handle of the object, whose settings it changes.
func newBody(ctx context.Context, retry Retry, object *gcs.ObjectHandle, start, end int64) io.ReadCloser {
	b := &body{ctx: ctx, retry: retry, off: start, end: end, whole: end == wholeObject}
	b.object = object.Retryer(gcs.WithErrorFunc(b.retryable))
	return b
}

// retryable decides for the library about an error. A server that refuses is not silent.
func (b *body) retryable(err error) bool {
	b.silence.Reset(b.retry.Stall)
	return gcs.ShouldRetry(err)
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	for start := time.Now(); b.off != b.end; {
		n, err := b.attempt(p)
		if n > 0 {
			b.off += int64(n)
			b.got = crc32.Update(b.got, castagnoli, p[:n])
			return n, nil // an error stays for the next attempt
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF) && b.end == wholeObject:
			b.end = b.off
		case errors.Is(err, io.EOF):
			return 0, fmt.Errorf("the object ends at byte %d of %d: %w", b.off, b.end, io.ErrUnexpectedEOF)
		case !errors.Is(err, errStalled) || b.ctx.Err() != nil || time.Since(start) > b.retry.Total:
			return 0, err
		}
	}
	if b.whole && b.want != 0 && b.got != b.want {
		return 0, hinted{
			error:     errors.New("what arrived does not have the checksum of the object"),
			hint:      "run again; if it stays so, write the object once more",
			transient: true,
		}
	}
	return 0, io.EOF
}

// connection is one request and its answer.
type connection struct {
	*gcs.Reader
	ctx    context.Context
	cancel context.CancelCauseFunc
}

// attempt reads some bytes, within the time that a connection may be silent.
func (b *body) attempt(p []byte) (n int, err error) {
	if b.connection == nil {
		ctx, cancel := context.WithCancelCause(b.ctx)
		b.connection = &connection{ctx: ctx, cancel: cancel}
	}
	c := b.connection
	b.silence = time.AfterFunc(b.retry.Stall, func() { c.cancel(errStalled) })
	defer b.silence.Stop()
	if c.Reader == nil {
		err = b.connect()
	}
	if err == nil {
		if b.end != wholeObject {
			p = p[:min(int64(len(p)), b.end-b.off)]
		}
		n, err = c.Read(p)
	}
	if err != nil {
		_ = b.Close()
		if errors.Is(context.Cause(c.ctx), errStalled) {
			err = fmt.Errorf("%w: %v", errStalled, err) //nolint:errorlint // it may be that of a cancelled context
		}
	}
	return n, err
}

// connect asks for what is left.
func (b *body) connect() error {
	length := int64(-1)
	if b.end != wholeObject {
		length = b.end - b.off
	}
	reader, err := b.object.NewRangeReader(b.connection.ctx, b.off, length)
	if err != nil {
		return err
	}
	b.connection.Reader = reader
	if reader.Attrs.Decompressed || reader.Attrs.ContentEncoding == "gzip" {
		return hinted{
			error: errors.New("the object is stored with the content encoding gzip, so that parts of it cannot be read"),
			hint:  "store the object without a content encoding",
		}
	}
	if b.whole && b.end == wholeObject {
		b.want = reader.Attrs.CRC32C
		b.end = reader.Attrs.Size // -1 when the service does not say
	}
	b.object = b.object.Generation(reader.Attrs.Generation)
	return nil
}

// Close ends the connection, if there is one.
func (b *body) Close() error {
	if b.connection == nil {
		return nil
	}
	b.connection.cancel(nil)
	if b.connection.Reader != nil {
		_ = b.connection.Close() // it only repeats an error of Read
	}
	b.connection = nil
	return nil
}
