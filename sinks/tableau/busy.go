package tableau

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// IsBusy says that the server refused a change because somebody else is changing the data source, and that nothing of
// it was done.
func IsBusy(err error) bool {
	var e *Error
	if IsOutcomeUnknown(err) || !errors.As(err, &e) {
		return false
	}
	return e.Code == codeBeingPublished || e.Status == http.StatusConflict && e.Method == http.MethodPatch
}

// defaultBusyWait is how long a change waits for others in all: so long that each of busyWaits comes once.
const defaultBusyWait = 104 * time.Second

// occupation is how often and how long a change waited for others.
type occupation struct {
	tries  int
	waited time.Duration
}

// wait waits for others before the next try; it returns what was refused when that has lasted too long.
func (o *occupation) wait(ctx context.Context, c *Client, refused error) error {
	longest := c.BusyWait
	if longest == 0 {
		longest = defaultBusyWait
	}
	next := busyWaits[min(o.tries, len(busyWaits)-1)]
	if o.waited+next > longest {
		return refused
	}
	o.tries++
	o.waited += next
	c.log().Warn("somebody else is changing the data source, waiting for the end of that", "wait", next.String(), "waited", o.waited.String())
	if err := c.Wait(ctx, next); err != nil {
		return fmt.Errorf("%w; waiting: %w", refused, err)
	}
	return nil
}

// whenFree sends something, again and again while somebody else is changing the data source.
func (c *Client) whenFree(ctx context.Context, send func(context.Context) (*response, error)) (*response, error) {
	var others occupation
	for {
		reply, err := send(ctx)
		if !IsBusy(err) {
			return reply, err
		}
		if err := others.wait(ctx, c, err); err != nil {
			return nil, err
		}
	}
}
