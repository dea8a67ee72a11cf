package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/lock"
	"hyperlake/internal/storage"
)

// lockSuffix is added to the path of a ledger for that of its lock.
const lockSuffix = ".lock"

// turn is how a publication comes to have a ledger: others that publish with it have theirs before.
type turn struct {
	runID   string
	until   time.Time                              // when it waits no longer; in the past it does not wait
	waiting func(ledger string, other lock.Holder) // is told whom it waits for; nil for nobody
}

// turn is that of this publication, which says whom it waits for.
func (t *transfer) turn() turn {
	return turn{t.options.ID, t.options.WaitUntil, func(ledger string, other lock.Holder) {
		t.options.Log.Info("waiting for the lock of the ledger", "ledger", ledger, "of", other.String(),
			"for", time.Until(t.options.WaitUntil).Round(time.Second))
		detail := "waits for the ledger"
		if brief := other.Brief(); brief != "" {
			detail += " of " + brief
		}
		t.tell(detail)
	}}
}

// lock locks a ledger, so that no other process publishes with it. It fails with who has it when the wait ends.
func (t turn) lock(ctx context.Context, ledger string) (*lock.Lock, error) {
	began, patience := time.Now(), lock.Patience{Until: t.until}
	if t.waiting != nil {
		patience.Waiting = func(other lock.Holder) { t.waiting(ledger, other) }
	}
	l, err := lock.Take(ctx, ledger+lockSuffix, t.runID, storage.UsualLease, patience)
	var taken *lock.TakenError
	switch {
	case err == nil:
		return l, nil
	case errors.As(err, &taken):
		after := ""
		if waited := t.until.Sub(began); waited > 0 {
			after = fmt.Sprintf(" still, after a wait of %s", waited.Round(time.Second/10))
		}
		return nil, failure.New(failure.Publish, "%s is publishing with the ledger %s%s", taken.Holder, ledger, after).
			WithHint("wait until it has ended")
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, failure.New(failure.Publish, "lock the ledger %s: %w", ledger, err).
		WithHint("%s", cmp.Or(storage.Hint(err), "see that its folder can be written"))
}
