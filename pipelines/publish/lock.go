package publish

import (
	"cmp"
	"context"
	"errors"

	"hyperlake/internal/failure"
	"hyperlake/internal/lock"
	"hyperlake/internal/storage"
)

// lockSuffix is added to the path of a ledger for that of its lock.
const lockSuffix = ".lock"

// lockLedger locks a ledger for a run, so that no other process publishes with it, or fails at once with who has it.
func lockLedger(ctx context.Context, ledger, runID string) (*lock.Lock, error) {
	l, err := lock.Try(ctx, ledger+lockSuffix, runID, storage.UsualLease)
	var taken *lock.TakenError
	switch {
	case errors.As(err, &taken):
		return nil, failure.New(failure.Publish, "%s is publishing with the ledger %s", taken.Holder, ledger).
			WithHint("wait until it has ended")
	case err != nil:
		return nil, failure.New(failure.Publish, "lock the ledger %s: %w", ledger, err).
			WithHint("%s", cmp.Or(storage.Hint(err), "see that its folder can be written"))
	}
	return l, nil
}
