package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Writer writes one file. A local one gets the permissions and the owner of the file that it
// replaces ([Adopt]). It is not safe for concurrent use. One that is not committed
// must be aborted: Abort after Commit does nothing, so that it can be deferred.
type Writer interface {
	io.Writer

	// Commit makes the file visible, whole and durable, if its condition holds at that
	// moment; otherwise it fails with ErrExists or ErrChanged. Whatever the error,
	// nothing of the file is visible then, with one exception that only the network can
	// make: when even the retries of the last request were not answered, the file may
	// be there, whole.
	Commit() (Info, error)

	// Abort ends the write. Nothing of the file becomes visible.
	Abort()
}

// Condition is what must hold at the name of a file when a write of it is committed. Remote storage
// checks it and writes in one step. On local files, Unchanged is checked just before the rename.
type Condition struct {
	absent    bool
	unchanged *Info
}

// Any writes whatever stands there; the last writer wins.
func Any() Condition { return Condition{} }

// IfAbsent writes only where no file stands; else the write fails with ErrExists.
func IfAbsent() Condition { return Condition{absent: true} }

// IfUnchanged writes only over the version that info names; else the write fails with ErrChanged.
func IfUnchanged(info Info) Condition { return Condition{unchanged: &info} }

// check refuses a condition on an object whose version is not known.
func (c Condition) check(uri string) error {
	if c.unchanged != nil && c.unchanged.Version == "" {
		return fmt.Errorf("%s: the version to replace is not known: list it first", uri)
	}
	return nil
}

// errUploadGone says that a service has forgotten what was uploaded of a file, and nothing of it can become visible.
var errUploadGone = errors.New("what was uploaded of it has gone")

// mostUploads is how often a file is uploaded until it is in place, where that of which it is made is still there.
const mostUploads = 3

// again repeats a write, where another program has had the service forget what was uploaded: so whoever writes last wins.
func again(write func() (Info, error)) (Info, error) {
	for attempt := 1; ; attempt++ {
		made, err := write()
		if !errors.Is(err, errUploadGone) || attempt == mostUploads {
			return made, err
		}
	}
}

// Upload copies a local file to uri and returns the version that it made there. A missing file is
// fs.ErrNotExist; where the condition does not hold, it fails as [Writer.Commit] does.
func Upload(ctx context.Context, path, uri string, condition Condition) (Info, error) {
	store, err := For(uri)
	if err != nil {
		return Info{}, err
	}
	return again(func() (Info, error) { return upload(ctx, "upload", path, store, uri, condition) })
}

// upload copies a local file to a store, which is doing what.
func upload(ctx context.Context, doing, path string, store Store, uri string, condition Condition) (Info, error) {
	source, err := os.Open(path)
	if err != nil {
		return Info{}, err
	}
	defer source.Close()
	target, err := store.Create(ctx, uri, condition)
	if err != nil {
		return Info{}, err
	}
	defer target.Abort()
	if _, err := io.Copy(watched(ctx, target, doing, sizeOf(source)), source); err != nil {
		return Info{}, err
	}
	return target.Commit()
}

// Download copies the version that info names to a local file, which appears whole or
// not at all and replaces what stood there. Missing folders are made. Another version is [ErrChanged], a missing
// file fs.ErrNotExist.
func Download(ctx context.Context, info Info, path string) error {
	_, err := Copy(ctx, info, path, Any())
	return err
}

// Fetch returns a local path of a file: its own where it is local, whether or not it is there, else
// that of a copy, which is made. A missing remote file is fs.ErrNotExist, one that is replaced meanwhile
// [ErrChanged].
func Fetch(ctx context.Context, uri, copied string) (path string, err error) {
	if path, local := LocalPath(uri); local {
		return path, nil
	}
	info, err := Stat(ctx, uri)
	if err != nil {
		return "", err
	}
	return copied, Download(ctx, info, copied)
}

// WriteIf writes a file whole if a condition holds, and returns the version that it made. It fails as [Store.Create] and
// [Writer.Commit] do.
func WriteIf(ctx context.Context, store Store, uri string, data []byte, condition Condition) (Info, error) {
	return again(func() (Info, error) {
		w, err := store.Create(ctx, uri, condition)
		if err != nil {
			return Info{}, err
		}
		return writeAll(w, data)
	})
}

// writeAll writes a file whole.
func writeAll(w Writer, data []byte) (Info, error) {
	defer w.Abort()
	if _, err := w.Write(data); err != nil {
		return Info{}, err
	}
	return w.Commit()
}
