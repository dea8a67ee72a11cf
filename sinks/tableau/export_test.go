package tableau

import (
	"context"
	"time"
)

// SetPause replaces how the client waits.
func (c *Client) SetPause(pause func(context.Context, time.Duration) error) { c.pause = pause }
