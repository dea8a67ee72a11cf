package doctor

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"hyperlake/internal/failure"
)

func TestEveryCheckIsBounded(t *testing.T) {
	t.Parallel()
	deaf := make(chan struct{})
	t.Cleanup(func() { close(deaf) })
	const limit = 50 * time.Millisecond
	cases := map[string]struct {
		run   func(context.Context) (string, error)
		grace time.Duration
		found string
		hint  string
	}{
		"that heeds its time": {
			func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() },
			time.Minute, "no answer within 50ms: context deadline exceeded", "network",
		},
		"that knows what to do about it": {
			func(ctx context.Context) (string, error) {
				<-ctx.Done()
				return "", failure.New(failure.Engine, "nobody at the door: %w", ctx.Err()).WithHint("ring twice")
			},
			time.Minute, "no answer within 50ms: nobody at the door: context deadline exceeded", "ring twice",
		},
		"that hears nothing": {
			func(context.Context) (string, error) { <-deaf; return "too late", nil },
			time.Millisecond, "no answer within 50ms", "network",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			started := time.Now()
			finding := Check{"slow", c.run}.diagnose(t.Context(), limit, c.grace)
			assert.Less(t, time.Since(started), 30*time.Second)
			assert.Equal(t, "slow", finding.Check)
			assert.Equal(t, CheckFailed, finding.Status)
			assert.Equal(t, c.found, finding.Found)
			assert.Contains(t, finding.Hint, c.hint)
		})
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	checks := []Check{
		{"good", func(context.Context) (string, error) { return "all there", nil }},
		{"doubtful", func(context.Context) (string, error) { return "", caution("look again", "%d of 2", 1) }},
		{"bad", func(context.Context) (string, error) {
			return "not told", failure.New(failure.Storage, "nothing there").WithHint("put something there")
		}},
		{"manifold", func(context.Context) (string, error) {
			return "", failure.Join(failure.Config, errors.New("one"), errors.New("two"), errors.New("three"))
		}},
		{"plain", func(context.Context) (string, error) { return "", errors.New("broken") }},
	}
	assert.Equal(t, []Finding{
		{"good", CheckOK, "all there", ""}, {"doubtful", CheckWarning, "1 of 2", "look again"},
		{"bad", CheckFailed, "nothing there", "put something there"},
		{"manifold", CheckFailed, "one (and 2 more problems, which `hyperlake plan` lists)", ""}, {"plain", CheckFailed, "broken", ""},
	}, Diagnose(t.Context(), checks))
}
