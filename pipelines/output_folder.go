package pipelines

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

// checkOutputPlace refuses an output where a folder stands, or in a folder that is none or
// cannot be written.
func checkOutputPlace(ctx context.Context, output string) error {
	store, err := storage.For(output)
	if err != nil {
		return failure.New(failure.Config, "%w", err).BeforeData()
	}
	standing, err := store.Stat(ctx, output)
	switch {
	case err == nil && standing.Folder:
		return failure.New(failure.Config, "the output %s is a folder", output).
			WithHint("set output.path to a file in it").BeforeData()
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
	folder := standing(filepath.Dir(path))
	stat, err := os.Stat(folder)
	if err == nil && !stat.IsDir() {
		return failure.New(failure.Config, "the output %s cannot be made: %s is a file, not a folder", path, folder).
			WithHint("set output.path to a file in a folder").BeforeData()
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

// missingFolders are the folders that have to be made for a local file, the innermost first.
func missingFolders(file string) []string {
	path, local := storage.LocalPath(file)
	if !local {
		return nil
	}
	var missing []string
	for folder := filepath.Dir(path); ; folder = filepath.Dir(folder) {
		if _, err := os.Lstat(folder); !errors.Is(err, fs.ErrNotExist) {
			return missing
		}
		missing = append(missing, folder)
	}
}

// removeEmpty removes folders, of which the first lies in the second, and so on, as far as
// nothing is in them.
func removeEmpty(folders []string) {
	for _, folder := range folders {
		if os.Remove(folder) != nil {
			return
		}
	}
}
