package pipelines

import (
	"context"

	"hyperlake/internal/failure"
)

// Place has build write a file into a folder of its own, hidden beside output, a local path,
// and moves the file there when it is finished, as a run does with its extract. What stood
// at output is replaced, or kept after a failure. build returns the path of the file.
func Place(ctx context.Context, output string, build func(folder string) (path string, err error)) error {
	id, err := NewRunID()
	if err != nil {
		return err
	}
	return inOwnStaging(ctx, output, id, func(staging *staging) error {
		path, err := build(staging.local)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := moveTo(ctx, path, output); err != nil {
			return failure.New(failure.Storage, "move the file to %s: %w", output, err).
				WithHint("%s", placeHint(err, output))
		}
		return nil
	})
}
