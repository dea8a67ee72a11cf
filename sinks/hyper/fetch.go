package hyper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// maxFetches bounds how many remote files are copied at the same time.
const maxFetches = 4

// Verify fails where hyperd might not find in some columns of a local Parquet file what it should. It
// must be a function that Beam knows by its name.
type Verify = func(ctx context.Context, path string, columns []string) error

// fetcher copies remote files into the spool, for hyperd reads local files only.
type fetcher struct {
	ctx     context.Context
	stop    context.CancelFunc // ends the copying
	folder  string
	verify  Verify
	running errgroup.Group
	copies  int // begun so far
}

func newFetcher(ctx context.Context, folder string, verify Verify) *fetcher {
	f := &fetcher{folder: folder, verify: verify}
	f.ctx, f.stop = context.WithCancel(ctx)
	f.running.SetLimit(maxFetches)
	return f
}

// fetched is a copy of a remote file.
type fetched struct {
	path    string
	done    chan struct{} // closed when the copy is there, or will never be; then what follows is set
	err     error
	refused string // why hyperd is not to read it; empty if it is
}

// start begins to copy a file, and waits while too many others are being copied. It must not
// be called at the same time as itself or close.
func (f *fetcher) start(file batch.Deferred) *fetched {
	f.copies++
	c := &fetched{path: filepath.Join(f.folder, fmt.Sprintf("file-%d.parquet", f.copies)), done: make(chan struct{})}
	f.running.Go(func() error {
		defer close(c.done)
		c.refused, c.err = f.fetch(file, c.path)
		return nil
	})
	return c
}

// fetch makes a copy of the version that was planned for, and verifies it: what hyperd might take
// for something else is refused.
func (f *fetcher) fetch(file batch.Deferred, path string) (refused string, err error) {
	uri := file.File.Info.URI
	if err := storage.Download(f.ctx, file.File.Info, path); err != nil {
		var local *fs.PathError
		if errors.As(err, &local) && strings.HasPrefix(local.Path, f.folder) {
			return "", spoolFailure(fmt.Errorf("copy %s: %w", uri, err))
		}
		return "", sourceFailure(uri, err)
	}
	if len(file.Unverified) == 0 {
		return "", nil
	}
	if f.verify == nil {
		return "", failure.New(failure.Engine, "file %s was deferred unverified, but the sink cannot verify it", uri)
	}
	if err := f.verify(f.ctx, path, file.Unverified); err != nil {
		return err.Error(), f.ctx.Err()
	}
	return "", nil
}

func sourceFailure(uri string, err error) error {
	return failure.New(failure.Source, "file %s: %w", uri, err).
		WithHint("%s", cmp.Or(storage.Hint(err), "restore the file, or exclude it from the source's uri"))
}

// close ends all copying, so that nothing writes to the folder any more.
func (f *fetcher) close() {
	f.stop()
	_ = f.running.Wait() // the files have the errors
}

// wait waits for the copy.
func (c *fetched) wait(ctx context.Context) error {
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
