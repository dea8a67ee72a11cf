package notify

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
)

// memoryName is the file in the state that holds the memory. What only brings entries into the lake has one of its own: its success is no
// recovery of runs that failed.
func (n *Notifier) memoryName() string {
	if n.command == commandIngest {
		return "notified-ingest.json"
	}
	return "notified.json"
}

// memory is whether the runs of an output fail, as far as somebody was told.
type memory struct {
	Failing bool      `json:"failing"`
	Since   time.Time `json:"since,omitzero"` // the start of the first run that failed
	At      time.Time `json:"at"`             // when this was noted
}

// remembers says whether any target wants to know of a recovery, and there is a place to remember failures in.
func (n *Notifier) remembers() bool {
	return n.told.State != "" && slices.ContainsFunc(n.told.Targets, func(target config.NotifyConfig) bool {
		return slices.Contains(target.On, config.NotifyRecovered)
	})
}

// recall says whether the last run before this one failed: by what was noted, and by the history, which knows of runs that
// nobody told of. A memory that cannot be read is none.
func (n *Notifier) recall(ctx context.Context, o Outcome) memory {
	var known memory
	if !n.remembers() {
		return known
	}
	read, err := within(ctx, n.limits.state, func(ctx context.Context) (read memory, err error) {
		return read, storage.GetJSON(ctx, storage.Join(n.told.State, n.memoryName()), &read)
	})
	switch {
	case err == nil:
		known = read
	case !errors.Is(err, fs.ErrNotExist):
		n.log.Warn("whether runs failed before is only known by the history", "error", err)
	}
	if known.Failing || o.Report == nil || len(o.Report.History) == 0 {
		return known
	}
	last := o.Report.History[len(o.Report.History)-1]
	if last.Started.After(known.At) && failed(last.Status) {
		known.Failing, known.Since = true, last.Started
	}
	return known
}

// failed says whether a run of the history failed. One that was interrupted may have been so by hand.
func failed(status report.Status) bool {
	return slices.Contains([]report.Status{report.Failed, report.Rejected, report.Unpublished, report.Lost}, status)
}

// remember notes what is new: that runs fail, or that they do so no more. Where the history says the same already, it goes on doing so.
func (n *Notifier) remember(ctx context.Context, all []config.NotifyEvent, before memory) {
	fails := first(all) == config.NotifyFailure
	if len(all) == 0 || fails == before.Failing || !n.remembers() {
		return
	}
	now := memory{Failing: fails, At: time.Now().UTC()}
	if fails {
		now.Since = n.started.UTC()
	}
	if _, err := within(ctx, n.limits.state, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, storage.PutJSON(ctx, storage.Join(n.told.State, n.memoryName()), now)
	}); err != nil {
		n.log.Warn("how this run ended is not noted, so that the next one that succeeds may not be told as a recovery", "error", err)
	}
}

// reportPlace is the first of the places where there is a report; empty if there is none, or nobody says so in time.
func (n *Notifier) reportPlace(ctx context.Context, places []string) string {
	place, err := within(ctx, n.limits.state, func(ctx context.Context) (string, error) {
		for _, place := range places {
			if _, err := storage.Stat(ctx, place); err == nil {
				return place, nil
			}
		}
		return "", nil
	})
	if err != nil {
		return ""
	}
	return place
}

// within has something done with files, which may hang, also where nothing interrupts it: a disk of another machine does so.
func within[T any](ctx context.Context, most time.Duration, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := do(ctx)
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
