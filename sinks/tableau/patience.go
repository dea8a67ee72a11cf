package tableau

import (
	"context"
	"time"
)

// patience ends a request that takes too long: in all, or where it is renewed, without anything happening.
type patience struct {
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

// patient returns a context that ends with context.DeadlineExceeded as its cause when patience ends.
func patient(ctx context.Context, limit time.Duration) (context.Context, *patience) {
	bounded, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { cancel(context.DeadlineExceeded) })
	return bounded, &patience{limit: limit, timer: timer, cancel: cancel}
}

// renew begins anew to wait.
func (p *patience) renew() { p.timer.Reset(p.limit) }

func (p *patience) stop() {
	p.timer.Stop()
	p.cancel(nil)
}
