package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
)

// objectReader reads one version of an object.
type objectReader struct {
	store   *Objects
	address address
	info    Info
	ctx     context.Context
	cancel  context.CancelCauseFunc

	preparing sync.Mutex // held by Prepare and Close
	ahead     atomic.Pointer[readAhead]
}

func newObjectReader(ctx context.Context, store *Objects, p address, info Info) *objectReader {
	r := &objectReader{store: store, address: p, info: info}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	return r
}

func (r *objectReader) Size() int64 { return r.info.Size }

// Close implements [Reader].
func (r *objectReader) Close() error {
	r.cancel(fs.ErrClosed)
	r.Prepare(nil)
	return nil
}

// Prepare implements [Reader].
func (r *objectReader) Prepare(ranges []Range) {
	r.preparing.Lock()
	defer r.preparing.Unlock()
	if old := r.ahead.Swap(nil); old != nil {
		old.stop() // before new memory is taken
	}
	if len(ranges) > 0 && r.ctx.Err() == nil {
		r.ahead.Store(newReadAhead(r.ctx, ranges, r.info.Size, r.store.options.ReadAhead, r.body))
	}
}

func (r *objectReader) body(ctx context.Context, start, end int64) io.ReadCloser {
	return newBody(ctx, r.store, r.address, r.info.Version, start, end)
}

// ReadAt implements [Reader]. What is not prepared is read by a request of its own.
func (r *objectReader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("%s: read at negative offset %d", r.info.URI, off)
	}
	wanted := p[:max(0, min(int64(len(p)), r.info.Size-off))]
	n := 0
	for n < len(wanted) {
		m, err := r.readSome(wanted[n:], off+int64(n))
		n += m
		if err != nil {
			return n, r.explain(err)
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// readSome reads at least one byte.
func (r *objectReader) readSome(p []byte, off int64) (int, error) {
	if ahead := r.ahead.Load(); ahead != nil {
		n, err := ahead.readSome(p, off)
		if !errors.Is(err, errNotPrepared) {
			return n, err
		}
		p = p[:min(int64(len(p)), ahead.nextAfter(off)-off)]
	}
	rest := r.body(r.ctx, off, off+int64(len(p)))
	defer rest.Close()
	return io.ReadFull(rest, p)
}

// WriteTo implements [Reader].
func (r *objectReader) WriteTo(w io.Writer) (int64, error) {
	whole := r.body(r.ctx, 0, wholeObject)
	defer whole.Close()
	n, err := io.Copy(w, whole)
	return n, r.explain(err)
}

// explain tells a version that is gone from a file that is gone.
func (r *objectReader) explain(err error) error {
	if err != nil && errors.Is(context.Cause(r.ctx), fs.ErrClosed) {
		return fmt.Errorf("%s: %w", r.info.URI, fs.ErrClosed)
	}
	err = r.store.explain(r.ctx, r.info.URI, err)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	current, failed := r.store.Stat(r.ctx, r.info.URI)
	switch {
	case errors.Is(failed, fs.ErrNotExist):
		return failed
	case failed != nil:
		return errors.Join(err, failed)
	case current.Folder:
		return err
	}
	return fmt.Errorf("%s: %w", r.info.URI, ErrChanged)
}
