package lock

import (
	"context"
	"errors"
	"time"

	"hyperlake/internal/storage"
)

// How often somebody who waits looks whether a lock is free.
const (
	lookLocal  = 200 * time.Millisecond
	lookRemote = 2 * time.Second
)

// Patience is how somebody waits for a lock that another process has. The zero value is none.
type Patience struct {
	Until   time.Time    // when the wait ends; in the past it fails at once
	Waiting func(Holder) // is told who has the lock, first and whenever that becomes somebody else who is known; nil for nobody
}

// Take is [Try] with patience: it fails with a [TakenError] if somebody else still has the lock when the wait ends. Of a context
// that ends meanwhile the error is the cause.
func Take(ctx context.Context, uri, runID string, terms storage.LeaseTerms, patience Patience) (*Lock, error) {
	look := lookRemote
	if storage.IsLocal(uri) {
		look = lookLocal
	}
	var told *Holder
	for {
		l, err := Try(ctx, uri, runID, terms)
		var taken *TakenError
		left := time.Until(patience.Until)
		if !errors.As(err, &taken) || left <= 0 {
			return l, err
		}
		isNew := told == nil || taken.Holder.RunID != "" && taken.Holder.RunID != told.RunID
		if isNew && patience.Waiting != nil {
			patience.Waiting(taken.Holder)
		}
		if isNew {
			told = &taken.Holder
		}
		if err := pause(ctx, min(look, left)); err != nil {
			return nil, err
		}
	}
}

// pause waits, unless the context ends.
func pause(ctx context.Context, span time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(span):
		return nil
	}
}
