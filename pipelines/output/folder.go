package output

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// CheckPlace refuses an output where a folder stands, or in a folder that is none or
// cannot be written.
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
	return checkOutputFolder(output)
}

// checkOutputFolder looks at the folder that a local output will be in, or at the nearest one
// around it, in which a run would make it.
func checkOutputFolder(output string) error {
	path, local := storage.LocalPath(output)
	if !local {
		return nil
	}
	folder := storage.Standing(filepath.Dir(path))
	stat, err := os.Stat(folder)
	if err == nil && !stat.IsDir() {
		return failure.New(failure.Config, "the output %s cannot be made: %s is a file, not a folder", path, folder).
			WithHint("set output.path to a file in a folder")
	}
	if err == nil {
		err = storage.CheckWritable(folder)
	}
	if err != nil {
		return failure.New(failure.Storage, "the output %s cannot be made: %w", path, err).
			WithHint("check output.path, and the permissions of the folder %s", folder).BeforeData()
	}
	return nil
}
