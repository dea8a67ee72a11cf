package pipelines

import (
	"context"
	"path/filepath"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
)

// Place has build write a file into a folder of its own, hidden beside output, a local path,
// and moves the file there when it is finished, as a run does with its extract. What stood
// at output is replaced, or kept after a failure. build returns the path of the file.
func Place(ctx context.Context, output string, build func(folder string) (path string, err error)) (err error) {
	id, err := NewRunID()
	if err != nil {
		return err
	}
	staging, err := openStaging(ctx, &Config{Output: OutputConfig{Path: output}}, id)
	if err != nil {
		return failure.Of(err, failure.Storage).WithHint("check that the folder %s can be written", filepath.Dir(output))
	}
	defer func() {
		if err != nil {
			hyperd.Kill() // whatever still runs must not write into a folder that goes away
		}
		if closeErr := staging.remove(); err == nil {
			err = closeErr
		}
	}()
	path, err := build(staging.local)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := moveTo(ctx, path, output); err != nil {
		return failure.New(failure.Storage, "move the file to %s: %w", output, err).
			WithHint("check that the folder %s can be written and has room", filepath.Dir(output))
	}
	return nil
}
