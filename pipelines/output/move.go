package output

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/dustin/go-humanize"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/staging"
	"hyperlake/sinks/hyper"
)

// moveExtract moves an extract to its place, whole or not at all, unless it stands there already. One on remote storage is
// copied from there. It returns the version of what stands there then, as far as [moveTo] does.
func moveExtract(ctx context.Context, extract hyper.File, place string, held func() error) (version string, err error) {
	var placed storage.Info
	path, local := storage.LocalPath(extract.Path)
	switch {
	case extract.Path == place:
		return extract.Version, nil
	case local:
		placed, err = moveTo(ctx, path, place, held)
		return placed.Version, err
	}
	send := func(condition storage.Condition) (err error) {
		from := storage.Info{URI: extract.Path, Size: extract.Bytes, Version: extract.Version}
		placed, err = storage.Copy(ctx, from, place, condition)
		return err
	}
	if storage.IsLocal(place) {
		if err := held(); err != nil {
			return "", err
		}
		return "", send(storage.Any())
	}
	err = overwrite(ctx, place, held, send)
	return placed.Version, err
}

// Place has build write a file into a folder of its own, hidden beside output, a local path,
// and moves the file there when it is finished, as a run does with its extract. What stood
// at output is replaced, or kept after a failure. build returns the path of the file. Its error is returned as it
// is; others are of kind Storage.
func Place(ctx context.Context, output string, build func(folder string) (path string, err error)) error {
	id, err := staging.NewRunID()
	if err != nil {
		return err
	}
	return staging.Within(ctx, output, id, func(staging *staging.Folder) error {
		path, err := build(staging.Local)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := moveTo(ctx, path, output, func() error { return nil }); err != nil {
			return failure.New(failure.Storage, "move the file to %s: %w", output, err).
				WithHint("%s", placeHint(err, output))
		}
		return nil
	})
}

// moveOne puts the one extract of a run into place.
func moveOne(ctx context.Context, output string, extract hyper.File, report *report.Report, held func() error) (storage.Info, error) {
	placed, err := moveTo(ctx, extract.Path, output, held)
	if err != nil {
		return storage.Info{}, failure.New(failure.Storage, "move the extract of %s to %s: %w",
			humanize.IBytes(uint64(extract.Bytes)), output, err).
			WithHint("%s", placeHint(err, output))
	}
	report.Output.Bytes, report.Output.SHA256 = extract.Bytes, extract.SHA256
	return placed, nil
}

// placeHint says what to do where a file cannot be moved to its place.
func placeHint(err error, output string) string {
	hint := storage.Hint(err)
	if storage.IsLocal(output) && hint == "" {
		hint = fmt.Sprintf("check that the folder %s can be written", filepath.Dir(output))
	}
	return hint
}

// moveTo moves a local file to its place, whole or not at all, and only if held says that it may. Of a remote one it returns
// the version that it made there.
func moveTo(ctx context.Context, from, to string, held func() error) (placed storage.Info, err error) {
	if storage.IsLocal(to) {
		if err := held(); err != nil {
			return placed, err
		}
		if err := storage.Adopt(from, to); err != nil { // hyperd keeps its files from others
			return placed, err
		}
		return placed, storage.MoveFile(ctx, from, to)
	}
	err = overwrite(ctx, to, held, func(condition storage.Condition) (err error) {
		placed, err = storage.Upload(ctx, from, to, condition)
		return err
	})
	return placed, err
}

// overwrite has write replace what stands at a remote name, or make it, as long as held says that it may.
func overwrite(ctx context.Context, to string, held func() error, write func(storage.Condition) error) error {
	store, err := storage.For(to)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := overwriteOnce(ctx, store, to, held, write)
		overtaken := errors.Is(err, storage.ErrChanged) || errors.Is(err, storage.ErrExists)
		if !overtaken || attempt == moveAttempts {
			return err
		}
	}
}

// moveAttempts is how often a run tries to be the last to write the output, when others
// write it at the same time.
const moveAttempts = 3

// overwriteOnce replaces the version that stands at a name, and no other: a request that is
// repeated because its reply was lost cannot undo what somebody wrote in between. That version is one that stood there while the
// run could write: whatever a run that took its place has written since stays.
func overwriteOnce(
	ctx context.Context, store storage.Store, to string, held func() error, write func(storage.Condition) error,
) error {
	condition := storage.IfAbsent()
	standing, err := store.Stat(ctx, to)
	switch {
	case err == nil && !standing.Folder:
		condition = storage.IfUnchanged(standing)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := held(); err != nil { // after the look
		return err
	}
	return write(condition)
}
