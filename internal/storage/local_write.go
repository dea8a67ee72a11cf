package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hyperlake/internal/guard"
)

// Create implements [Store]. The bytes are on disk when Commit returns.
func (Local) Create(ctx context.Context, uri string, condition Condition) (Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	folder, err := filepath.Abs(filepath.Dir(uri))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return nil, err
	}
	temp, err := os.CreateTemp(folder, "."+filepath.Base(uri)+".*.tmp")
	if err != nil {
		return nil, err
	}
	return &localWriter{ctx: ctx, path: uri, condition: condition, temp: temp, forget: guard.RemoveAtDeath(temp.Name())}, nil
}

// localWriter writes under a temporary name beside path.
type localWriter struct {
	ctx       context.Context
	path      string
	condition Condition
	private   bool     // whatever stands at path
	temp      *os.File // nobody else can read it before it is finished
	forget    func()   // calls off that temp is removed should this process be killed
	done      bool     // committed or aborted
}

func (w *localWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.temp.Write(p)
}

// Abort implements [Writer]. A temporary file that cannot be removed is hidden, and goes
// with the process if it can.
func (w *localWriter) Abort() {
	if w.done {
		return
	}
	w.done = true
	_ = w.temp.Close() // Commit may have closed it
	if os.Remove(w.temp.Name()) == nil {
		w.forget()
	}
}

// Commit implements [Writer].
func (w *localWriter) Commit() (Info, error) {
	if w.done {
		return Info{}, fmt.Errorf("%s: the write ended before: %w", w.path, fs.ErrClosed)
	}
	defer w.Abort()
	stat, err := w.finish()
	if err != nil {
		return Info{}, err
	}
	if err := w.ctx.Err(); err != nil {
		return Info{}, err
	}
	if err := w.place(); err != nil {
		return Info{}, err
	}
	w.done = true
	w.forget()
	return localInfo(w.path, stat), Sync(filepath.Dir(w.path))
}

// finish makes the temporary file durable and closes it.
func (w *localWriter) finish() (fs.FileInfo, error) {
	if err := w.permit(); err != nil {
		return nil, err
	}
	if err := w.temp.Sync(); err != nil {
		return nil, err
	}
	stat, err := w.temp.Stat()
	if err != nil {
		return nil, err
	}
	return stat, w.temp.Close()
}

// permit lets those read and write the temporary file who may when it has its name.
func (w *localWriter) permit() error {
	if w.private {
		return w.temp.Chmod(private)
	}
	return adopt(w.temp, w.path)
}

// place gives the temporary file its name.
func (w *localWriter) place() error {
	switch {
	case w.condition.absent:
		return w.placeIfAbsent()
	case w.condition.unchanged != nil:
		stat, err := os.Stat(w.path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err != nil || !localInfo(w.path, stat).SameVersion(*w.condition.unchanged) {
			return fmt.Errorf("%s: %w", w.path, ErrChanged)
		}
	}
	return os.Rename(w.temp.Name(), w.path)
}

// placeIfAbsent links the file to its name, which fails where a file stands, unlike a
// rename. A file system without links gets the name reserved by an empty file first.
func (w *localWriter) placeIfAbsent() error {
	err := os.Link(w.temp.Name(), w.path)
	switch {
	case err == nil:
		return os.Remove(w.temp.Name())
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s: %w", w.path, ErrExists)
	}
	reserved, err := os.OpenFile(w.path, os.O_CREATE|os.O_EXCL, private)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", w.path, ErrExists)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(reserved.Close(), os.Rename(w.temp.Name(), w.path)); err != nil {
		return errors.Join(err, os.Remove(w.path))
	}
	return nil
}

// MoveFile moves a finished local file to its final name, atomically and durably: a
// rename where both are on one file system, else a copy beside the target and then a
// rename. Missing folders are made. What stood at the target is replaced. The file keeps its
// own permissions: see [Adopt] for those of what it replaces. It fails where the file cannot be flushed or the
// folder not be written, and the target is as it was; once the file is there, only where its name cannot be
// made durable, or the original of a copy not be removed. It is not interrupted when ctx ends.
func MoveFile(ctx context.Context, from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	if err := Sync(from); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		if !crossDevice(err) {
			return err
		}
		return moveByCopy(ctx, from, to)
	}
	return Sync(filepath.Dir(to))
}

func moveByCopy(ctx context.Context, from, to string) error {
	if _, err := upload(context.WithoutCancel(ctx), "copy", from, Local{}, to, Any()); err != nil {
		return err
	}
	return os.Remove(from)
}
