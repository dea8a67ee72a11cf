package ingest

import (
	"errors"
	"testing"

	"hyperlake/internal/storage"
)

// NeverExchange has this process run as where folders cannot be exchanged.
func NeverExchange() { exchange = func(_, _ string) error { return errors.ErrUnsupported } }

// WithoutExchange does so for a test.
func WithoutExchange(t *testing.T) {
	NeverExchange()
	t.Cleanup(func() { exchange = storage.Exchange })
}
