package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	gcs "cloud.google.com/go/storage"
)

// copy has the service copy an object. A request that is repeated because its answer was
// lost may find its condition broken by itself: whoever gets [ErrExists] or [ErrChanged]
// looks again at what stands there.
func (g *google) copy(ctx context.Context, info Info, uri string, condition Condition) (Info, error) {
	from, err := g.locate(info.URI)
	if err != nil {
		return Info{}, err
	}
	number, err := generation(info.Version)
	if err != nil {
		return Info{}, fmt.Errorf("%s: %w", info.URI, err)
	}
	source, err := g.object(ctx, from)
	if err != nil {
		return Info{}, fmt.Errorf("%s: %w", info.URI, err)
	}
	to, err := g.locate(uri)
	if err != nil {
		return Info{}, err
	}
	target, err := g.target(ctx, to, condition)
	if err != nil {
		return Info{}, fmt.Errorf("%s: %w", uri, err)
	}
	copying, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	hangs := time.AfterFunc(g.options.Retry.limit(), func() { cancel(errStalled) })
	defer hangs.Stop()
	copier := target.Retryer(gcs.WithPolicy(gcs.RetryAlways)).CopierFrom(source.Generation(number))
	copier.ProgressFunc = func(uint64, uint64) { hangs.Reset(g.options.Retry.limit()) }
	attrs, err := copier.Run(copying)
	switch {
	case err == nil:
		return gcsEntry(attrs).info(uri), nil
	case failedCondition(err) && condition.absent:
		return Info{}, fmt.Errorf("%s: %w", uri, ErrExists)
	case failedCondition(err):
		return Info{}, fmt.Errorf("%s: %w", uri, ErrChanged)
	case errors.Is(context.Cause(copying), errStalled):
		return Info{}, fmt.Errorf("%s: %w", uri, unavailable(errStalled, googleStatus))
	case isNotFound(err): // what was listed has gone, or there is no bucket to copy it to
		return Info{}, fmt.Errorf("copy %s to %s: %w", info.URI, uri, fs.ErrNotExist)
	}
	return Info{}, g.explain(ctx, uri, err)
}

// target is an object, to be written under a condition.
func (g *google) target(ctx context.Context, p address, condition Condition) (*gcs.ObjectHandle, error) {
	object, err := g.object(ctx, p)
	switch {
	case err != nil:
		return nil, err
	case condition.absent:
		return object.If(gcs.Conditions{DoesNotExist: true}), nil
	case condition.unchanged != nil:
		number, err := generation(condition.unchanged.Version)
		return object.If(gcs.Conditions{GenerationMatch: number}), err
	}
	return object, nil
}
