// Package lock keeps something for one process at a time: by a file that the system locks, or, on remote storage, by a lease.
//
// It promises that two processes have one lock never at the same time, as far as that can be promised: the lock of
// a local file ends with its process, whatever ends that, and not before; a lease expires, so that its owner asks
// [Lock.Held] before what nobody else may do meanwhile. It knows nothing of what is locked, and imports no more than
// storage and guard.
package lock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"hyperlake/internal/guard"
	"hyperlake/internal/storage"
)

// Lock is a lock that this process has. Its methods are safe for concurrent use, but for Release.
type Lock struct {
	lease *storage.Lease // nil for a local file

	file   *flock.Flock // nil for a remote one
	path   string
	forget func() // calls off the cleaning up after a death
}

// Beside is where the lock of a file or folder lies: beside it, and hidden, so that every spelling of one folder has the same lock, and no
// lake has it for a file.
func Beside(uri string) string {
	folder, name := path.Split(uri)
	if local, ok := storage.LocalPath(uri); ok {
		folder, name = filepath.Split(local)
	}
	return folder + "." + name + ".lock"
}

// TakenError says who has a lock.
type TakenError struct{ Holder Holder }

func (e *TakenError) Error() string { return e.Holder.String() + " has it" }

// closeTime bounds how long giving back a lease takes, also after an interruption.
const closeTime = 10 * time.Second

// maxRaces is how often a file is opened that others remove at the same time, and their folder with it.
const maxRaces = 1000

// Try takes the lock at uri, or fails at once: with a [TakenError] if somebody else has it, else with an error of
// storage. runID is written down for the others. Missing folders are made.
func Try(ctx context.Context, uri, runID string, terms storage.LeaseTerms) (*Lock, error) {
	path, local := storage.LocalPath(uri)
	if local {
		return tryFile(path, runID)
	}
	lease, other, err := storage.TakeLease(ctx, uri, signature(runID), terms)
	if errors.Is(err, storage.ErrLeased) {
		return nil, &TakenError{readHolder(other)}
	}
	if err != nil {
		return nil, err
	}
	return &Lock{lease: lease}, nil
}

// tryFile is Try for a local file.
func tryFile(path, runID string) (*Lock, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	l := &Lock{path: path}
	for range maxRaces {
		current, err := l.open()
		switch {
		case err == nil && current:
			l.forget = guard.UnlockAtDeath(l.path)
			l.sign(runID)
			return l, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s is removed again and again", path)
}

// open locks the file, and says whether it is the one that others find: whoever had the lock before removed its file, and
// perhaps the folder.
func (l *Lock) open() (current bool, err error) {
	if err := os.MkdirAll(filepath.Dir(l.path), 0o777); err != nil && !errors.Is(err, fs.ErrExist) { // it was, and was removed
		return false, err
	}
	l.file = storage.NewLock(l.path, flock.SetPermissions(0o666))
	locked, err := l.file.TryLock()
	if err == nil && !locked {
		err = &TakenError{l.holder()}
	}
	if err == nil {
		current, err = l.isCurrent()
	}
	if !current {
		err = errors.Join(err, l.file.Close()) // of which nothing is held, as a rule
	}
	return current, err
}

// isCurrent says whether the locked file is the one that others find.
func (l *Lock) isCurrent() (bool, error) {
	mine, err := l.file.Stat()
	if err != nil {
		return false, err
	}
	found, err := os.Lstat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(mine, found), err
}

// Held fails with [storage.ErrLeaseLost] if somebody else may have the lock by now.
func (l *Lock) Held() error {
	if l.lease == nil {
		return nil
	}
	return l.lease.Held()
}

// Lost is closed once somebody else may have the lock: never, where the system keeps it.
func (l *Lock) Lost() <-chan struct{} {
	if l.lease == nil {
		return nil
	}
	return l.lease.Lost()
}

// Release gives the lock back and removes its file, also when the context has ended. It fails if a lease cannot be removed, which
// expires then.
func (l *Lock) Release(ctx context.Context) error {
	if l.lease != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		return l.lease.Release(ctx)
	}
	current, err := l.isCurrent()
	removed := err == nil && (!current || os.Remove(l.path) == nil) // before others can have it
	err = l.file.Close()
	if !removed {
		_ = os.Remove(l.path) // where a file that is open cannot be removed; what stays does no harm
	}
	l.forget()
	return err
}
