package storage

import (
	"context"
	"errors"
)

// Copy copies the version that info names to uri, where it appears whole or not at all, and
// returns the version that it made there. The bytes pass through the memory of this process,
// a few at a time; between objects of one service that copies by itself. Another version is
// [ErrChanged], a missing file fs.ErrNotExist; between such objects, both may be the latter. Where the condition does
// not hold, it fails as [Writer.Commit] does.
func Copy(ctx context.Context, info Info, uri string, condition Condition) (Info, error) {
	from, err := For(info.URI)
	if err != nil {
		return Info{}, err
	}
	to, err := For(uri)
	if err != nil {
		return Info{}, err
	}
	if objects, ok := from.(*Objects); ok && from == to {
		made, err := objects.copyWithin(ctx, info, uri, condition)
		if !errors.Is(err, errors.ErrUnsupported) {
			return made, err
		}
	}
	return again(func() (Info, error) { return copyThrough(ctx, from, info, to, uri, condition) })
}

// copyThrough copies a version through the memory of this process.
func copyThrough(ctx context.Context, from Store, info Info, to Store, uri string, condition Condition) (made Info, err error) {
	source, err := from.Open(ctx, info)
	if err != nil {
		return Info{}, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	doing := "copy"
	if IsLocal(uri) {
		doing = "download"
	}
	target, err := to.Create(ctx, uri, condition)
	if err != nil {
		return Info{}, err
	}
	defer target.Abort()
	if _, err := source.WriteTo(watched(ctx, target, doing, info.Size)); err != nil {
		return Info{}, err
	}
	return target.Commit()
}
