package tableau

import (
	"context"
	"time"
)

// SetLargeFrom replaces the size from which files are sent in chunks.
func (c *Client) SetLargeFrom(bytes int64) { c.largeFrom = bytes }

// SetPause replaces how the client waits.
func (c *Client) SetPause(pause func(context.Context, time.Duration) error) { c.pause = pause }
