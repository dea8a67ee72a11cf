package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"
)

// wholeObject is the end of a body that ends where its object does.
const wholeObject = -1

var (
	errStalled = errors.New("the connection was silent for too long")
	errCut     = errors.New("the connection was cut")
)

// body reads a part of one version of an object from its start to its end. A connection
// that is cut or silent is replaced by one that goes on where it ended, as long as bytes
// keep coming. The body of a whole object has the checksum that is kept with the object.
type body struct {
	ctx      context.Context
	service  service
	retry    Retry
	address  address
	version  string // empty until it is known
	off, end int64

	connection *connection // nil when there is none
	silence    *time.Timer // runs during an attempt
	whole      bool
	sum        hash.Hash // of what came, where the object has a checksum; nil else
	kept       []byte    // that checksum
}

func newBody(ctx context.Context, store *Objects, p address, version string, start, end int64) io.ReadCloser {
	return &body{
		ctx: ctx, service: store.service, retry: store.options.Retry, address: p, version: version,
		off: start, end: end, whole: end == wholeObject,
	}
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	for start, tries := time.Now(), 0; b.off != b.end; tries++ {
		n, err := b.attempt(p)
		if n > 0 {
			b.off += int64(n)
			if b.sum != nil {
				_, _ = b.sum.Write(p[:n]) // which never fails
			}
			return n, nil // an error stays for the next attempt
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF) && (b.end == wholeObject || b.end == b.off): // the latter of an empty object
			b.end = b.off
		case errors.Is(err, io.EOF):
			return 0, fmt.Errorf("the object ends at byte %d of %d: %w", b.off, b.end, io.ErrUnexpectedEOF)
		case !errors.Is(err, errStalled) && !errors.Is(err, errCut) || b.ctx.Err() != nil || time.Since(start) > b.retry.Total:
			return 0, err
		case errors.Is(err, errCut):
			b.retry.pause(b.ctx, tries)
		}
	}
	if b.sum != nil && !bytes.Equal(b.sum.Sum(nil), b.kept) {
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
	*answer
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
	if c.answer == nil {
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

// connect asks for what is left. A server that refuses for a while is not silent.
func (b *body) connect() error {
	alive := func() { b.silence.Reset(b.retry.Stall) }
	answer, err := b.service.connect(b.connection.ctx, b.address, b.version, b.off, b.end, alive)
	if err != nil {
		return err
	}
	b.connection.answer = answer
	if b.whole && b.off == 0 {
		b.sum, b.kept, b.end = answer.sum, answer.kept, answer.size
	}
	b.version = answer.version
	return nil
}

// Close ends the connection, if there is one.
func (b *body) Close() error {
	if b.connection == nil {
		return nil
	}
	b.connection.cancel(nil)
	if b.connection.answer != nil {
		_ = b.connection.Close() // it only repeats an error of Read
	}
	b.connection = nil
	return nil
}

// cutting is the bytes of an answer whose errors are those of its connection.
type cutting struct{ io.ReadCloser }

// Read implements io.Reader. What is no end is errCut.
func (c cutting) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", errCut, err)
	}
	return n, err
}

// errEncoded is of an object that is stored compressed, and served plain.
var errEncoded = hinted{
	error: errors.New("the object is stored with the content encoding gzip, so that parts of it cannot be read"),
	hint:  "store the object without a content encoding",
}
