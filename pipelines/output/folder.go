package output

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/staging"
)

// CheckPlace refuses an output where a folder stands, or in a folder that is none or
// cannot be written: with a failure of kind Config where the path is wrong, of kind Storage where it cannot be
// looked at or written to.
func CheckPlace(ctx context.Context, output string) error {
	store, err := storage.For(output)
	if err != nil {
		return failure.New(failure.Config, "%w", err)
	}
	standing, err := store.Stat(ctx, output)
	switch {
	case err == nil && standing.Folder:
		return failure.New(failure.Config, "the output %s is a folder", output).
			WithHint("set output.path to a file in it")
	case err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
		return failure.New(failure.Storage, "the output %s: %w", output, err).WithHint("%s", storage.Hint(err))
	}
	return staging.CheckLocalPlace("the output", "output.path", output, staging.HiddenPrefix(output))
}
