package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/staging"
)

// mostSkew is how wrong the clock of this machine may be by that of the store: runs tell by both whether a lock has expired.
const mostSkew = 30 * time.Second

// checkLock tries what keeps two runs from writing one remote output: writes that hold their conditions, and clocks that agree.
func checkLock(ctx context.Context, folder string) error {
	store, err := storage.For(folder)
	if err != nil {
		return err
	}
	id, err := staging.NewRunID()
	if err != nil {
		return err
	}
	uri := storage.Join(folder, ".hyperlake-doctor-lock-"+id)
	written, skew, err := tryLock(ctx, store, uri)
	if written {
		err = cmp.Or(err, store.RemoveAll(context.WithoutCancel(ctx), uri))
	}
	switch {
	case err != nil && failure.Of(err, failure.Engine).Kind == failure.Storage:
		return err
	case err != nil:
		return failure.New(failure.Storage, "%w", err).WithHint("%s", cmp.Or(storage.Hint(err), "check that objects can be replaced there"))
	case skew.Abs() > mostSkew:
		return caution("set the clock of this machine, or have it set by NTP: a run takes the lock of another one for expired by it",
			"%s can be written, read and removed from, but the clock of this machine is %s by that of the storage", folder, saySkew(skew))
	}
	return nil
}

// tryLock makes an object, and sees that it is not written over where it must not be. It says whether the object is there, and how
// much the clock of this machine is ahead.
func tryLock(ctx context.Context, store storage.Store, uri string) (written bool, skew time.Duration, err error) {
	began := time.Now()
	first, err := storage.WriteIf(ctx, store, uri, []byte("first"), storage.IfAbsent())
	if err != nil {
		return false, 0, err
	}
	skew = ahead(began, time.Now(), first.Modified)
	if _, err = storage.WriteIf(ctx, store, uri, []byte("again"), storage.IfAbsent()); !errors.Is(err, storage.ErrExists) {
		return true, skew, heedless(uri, "If-None-Match", err)
	}
	if _, err = storage.WriteIf(ctx, store, uri, []byte("second"), storage.IfUnchanged(first)); err != nil {
		return true, skew, err
	}
	if _, err = storage.WriteIf(ctx, store, uri, []byte("third"), storage.IfUnchanged(first)); !errors.Is(err, storage.ErrChanged) {
		return true, skew, heedless(uri, "If-Match", err)
	}
	return true, skew, nil
}

// heedless is the error of a store that does not refuse what it must; err, if there is one, is why it refused.
func heedless(uri, condition string, err error) error {
	if err != nil {
		return err
	}
	return failure.New(failure.Storage, "%s was written over on a condition that did not hold: this storage ignores %s, "+
		"so that two runs could write one output at the same time", uri, condition).
		WithHint("put the output on a service, or take a version of it, that honours conditions")
}

// ahead is how much this machine's clock is ahead of a store's, by which an object was made between two moments. Stores tell times to
// the second.
func ahead(began, ended, made time.Time) time.Duration {
	switch {
	case made.Before(began.Add(-time.Second)):
		return began.Sub(made)
	case made.After(ended.Add(time.Second)):
		return ended.Sub(made)
	}
	return 0
}

func saySkew(skew time.Duration) string {
	rounded := skew.Abs().Round(time.Second)
	if skew > 0 {
		return fmt.Sprintf("%s fast", rounded)
	}
	return fmt.Sprintf("%s slow", rounded)
}
