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
func (g *GCS) copy(ctx context.Context, info Info, uri string, condition Condition) (Info, error) {
	if info.Generation == 0 {
		return Info{}, fmt.Errorf("%s: its generation is not known: list it first", info.URI)
	}
	fromBucket, fromName, err := g.file(ctx, info.URI)
	if err != nil {
		return Info{}, err
	}
	toBucket, toName, err := g.file(ctx, uri)
	if err != nil {
		return Info{}, err
	}
	target, err := conditional(toBucket.Object(toName), uri, condition)
	if err != nil {
		return Info{}, err
	}
	copying, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	hangs := time.AfterFunc(g.options.Retry.limit(), func() { cancel(errStalled) })
	defer hangs.Stop()
	copier := target.Retryer(gcs.WithPolicy(gcs.RetryAlways)).CopierFrom(fromBucket.Object(fromName).Generation(info.Generation))
	copier.ProgressFunc = func(uint64, uint64) { hangs.Reset(g.options.Retry.limit()) }
	attrs, err := copier.Run(copying)
	switch {
	case err == nil:
		return gcsInfo(uri, attrs), nil
	case failedCondition(err) && condition.absent:
		return Info{}, fmt.Errorf("%s: %w", uri, ErrExists)
	case failedCondition(err):
		return Info{}, fmt.Errorf("%s: %w", uri, ErrChanged)
	case errors.Is(context.Cause(copying), errStalled):
		return Info{}, fmt.Errorf("%s: %w", uri, unavailable(errStalled))
	case isNotFound(err): // what was listed has gone, or there is no bucket to copy it to
		return Info{}, fmt.Errorf("copy %s to %s: %w", info.URI, uri, fs.ErrNotExist)
	}
	return Info{}, g.explain(ctx, uri, err)
}

// conditional is the object, to be written under a condition.
func conditional(object *gcs.ObjectHandle, uri string, condition Condition) (*gcs.ObjectHandle, error) {
	switch {
	case condition.absent:
		return object.If(gcs.Conditions{DoesNotExist: true}), nil
	case condition.unchanged != nil && condition.unchanged.Generation == 0:
		return nil, fmt.Errorf("%s: the generation to replace is not known: list it first", uri)
	case condition.unchanged != nil:
		return object.If(gcs.Conditions{GenerationMatch: condition.unchanged.Generation}), nil
	}
	return object, nil
}
