package pipelines

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/lock"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/staging"
)

// whileLocked has do work while this run alone may write the output. Its context ends, and the run fails, when another run
// may have taken its place.
func (r *run) whileLocked(ctx context.Context, do func(context.Context) error) (err error) {
	defer staging.RemoveEmpty(staging.MissingFolders(r.cfg.Output.Path)) // if nothing came of them
	options, began := r.options.Lock, time.Now()
	r.waitUntil = began.Add(options.Wait)
	options.Waiting = func(other lock.Holder) {
		r.options.Log.Info("waiting for the lock of the output", "output", r.cfg.Output.Path, "of", other.String(), "for", options.Wait)
		r.showProgress(report.Progress{Stage: "wait", Detail: "for " + cmp.Or(other.Brief(), "the lock of the output"), Uncounted: true}, began)
	}
	if r.lock, err = refresh.TakeLock(ctx, r.cfg.Output.Path, r.options.ID, options); err != nil {
		return err
	}
	defer func() {
		if releaseErr := r.lock.Release(ctx); releaseErr != nil { // which changes nothing for the extract
			r.warn(fmt.Sprintf("the lock of the output stays until it expires: %v", releaseErr))
		}
	}()
	held, stop := r.lock.While(ctx)
	defer stop()
	if err = do(held); err != nil {
		err = r.lostInstead(err)
	}
	return err
}

// lostInstead is the failure of a run: that its lock was lost, if it was, whatever came of that.
func (r *run) lostInstead(err error) error {
	lost := r.lock.Held()
	switch {
	case lost == nil:
		return err
	case r.inPlace:
		return failure.New(failure.Publish, "the extract is in place, and perhaps not published: %w", lost).
			WithHint("see whether another run publishes; otherwise repeat it: %s", r.options.PublishCommand)
	}
	return lost
}
