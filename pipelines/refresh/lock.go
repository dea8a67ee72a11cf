package refresh

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/lock"
	"hyperlake/internal/storage"
)

// LockOptions say how the lock of an output is taken.
type LockOptions struct {
	Wait    time.Duration      // for a run that has it; 0 to fail at once
	Waiting func(lock.Holder)  // is told whom this run waits for, as that of [lock.Patience]; nil for nobody
	Lease   storage.LeaseTerms // of a remote output; zero for [storage.UsualLease]
}

// Lock is the right of one run to write an output, and what else is only right together with it: rejects, data sources, state. It
// lasts until it is released or the process ends. That of a remote output is a lease: it is lost when it cannot be renewed,
// or its process is stopped, for longer than others wait.
type Lock struct {
	lock   *lock.Lock
	output string
}

// TakeLock takes the lock of an output for a run. Missing folders are made. If another run has it for longer than this one may
// wait, it fails with one of kind Locked that says who; where no lock can be made, with one of kind Storage; of a context
// that ends meanwhile the error is the cause.
func TakeLock(ctx context.Context, output, runID string, options LockOptions) (*Lock, error) {
	patience := lock.Patience{Until: time.Now().Add(options.Wait), Waiting: options.Waiting}
	l, err := lock.Take(ctx, lock.Beside(output), runID, cmp.Or(options.Lease, storage.UsualLease), patience)
	var taken *lock.TakenError
	switch {
	case err == nil:
		return &Lock{l, output}, nil
	case errors.As(err, &taken):
		return nil, isTaken(output, taken.Holder, options.Wait)
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, failure.New(failure.Storage, "lock the output %s: %w", output, err).
		WithHint("%s", cmp.Or(storage.Hint(err), "check that the folder of the output can be written"))
}

// isTaken says who writes an output.
func isTaken(output string, holder lock.Holder, waited time.Duration) error {
	after := ""
	if waited > 0 {
		after = " still, after a wait of " + waited.String()
	}
	hint := "wait until it has ended, or have this run wait for it, as with --lock-wait 30m"
	if !storage.IsLocal(output) {
		hint += "; that of a run that was killed is free two minutes after it was renewed last"
	}
	return failure.New(failure.Locked, "%s has the lock of the output %s%s", holder, output, after).WithHint("%s", hint)
}

// Held fails, with one of kind Storage, if another run may have the lock by now. It is asked right before whatever that run
// may be doing, too.
func (l *Lock) Held() error {
	select {
	case <-l.lock.Lost(): // once and for all
		return l.isLost()
	default:
	}
	if l.lock.Held() != nil {
		return l.isLost()
	}
	return nil
}

func (l *Lock) isLost() error {
	return failure.New(failure.Storage, "the lock of the output %s: %w", l.output, storage.ErrLeaseLost).
		WithHint("this run has written nothing since; run it again, when no other run writes the output")
}

// While is a context that ends, with the failure of Held as its cause, when the lock is lost. Call stop when the work is done.
func (l *Lock) While(ctx context.Context) (held context.Context, stop func()) {
	held, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-l.lock.Lost():
			cancel(l.isLost())
		case <-held.Done():
		}
	}()
	return held, func() { cancel(nil) }
}

// Release gives the lock to others, also when the context has ended. What then stays of it is told in an error of storage; it locks out
// others for as long as a lease lasts, at most.
func (l *Lock) Release(ctx context.Context) error { return l.lock.Release(ctx) }

// IsFree says whether no run has the lock of an output, as far as that can be seen without taking it: the lock of a process that
// was killed goes away with it, and a lease that nobody renews counts as free. Errors are those of storage.
func IsFree(ctx context.Context, output string) (bool, error) {
	found, err := storage.Stat(ctx, lock.Beside(output))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return err == nil && !storage.IsLocal(output) && time.Since(found.Modified) > storage.UsualLease.Expiry, err
}

// RemoveDeadLock removes the lock of an output that no run has any more, of one that died together with its guard. It harms
// nobody: the next run takes it. That of a run that lives stays. Errors are of kind Storage.
func RemoveDeadLock(ctx context.Context, output string) error {
	if _, err := storage.Stat(ctx, lock.Beside(output)); err != nil {
		return nil //nolint:nilerr // there is none, as far as anybody can see
	}
	l, err := TakeLock(ctx, output, "clean", LockOptions{})
	if failed := failure.Of(err, failure.Storage); failed != nil {
		if failed.Kind == failure.Locked {
			return nil
		}
		return err
	}
	return l.Release(ctx)
}
