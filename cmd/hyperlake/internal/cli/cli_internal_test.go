package cli

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
)

// A command that waits for what nobody can interrupt does not outlive the signal by much.
func TestWhatCannotBeInterruptedIsLeft(t *testing.T) {
	t.Parallel()
	never := make(chan struct{})
	root := &cobra.Command{SilenceErrors: true, SilenceUsage: true, RunE: func(*cobra.Command, []string) error {
		<-never
		return nil
	}}
	root.SetArgs(nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted")
	cancel(interrupted)
	assert.Equal(t, interrupted, execute(ctx, root, time.Millisecond))
}

func TestWhatEndsAfterASignalSaysHow(t *testing.T) {
	t.Parallel()
	ended := errors.New("ended in order")
	root := &cobra.Command{SilenceErrors: true, SilenceUsage: true, RunE: func(cmd *cobra.Command, _ []string) error {
		<-cmd.Context().Done()
		return ended
	}}
	root.SetArgs(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Equal(t, ended, execute(ctx, root, time.Hour))
}

// Others are told for five seconds after a signal, or what is left of the time until the process must be gone.
func TestLastMoment(t *testing.T) {
	t.Parallel()
	var a app
	for ago, want := range map[time.Duration]time.Duration{
		0: announceGrace, 13 * time.Second: announceGrace, 16 * time.Second: 3 * time.Second, endGrace: time.Second, time.Minute: 19*time.Second - time.Minute,
	} {
		before := time.Now()
		a.signalled.Store(before.Add(-ago).UnixNano())
		latest := a.lastMoment()
		assert.False(t, latest.Before(before.Add(want)) || latest.After(time.Now().Add(want)), ago)
	}
}
