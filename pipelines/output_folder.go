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
	return checkLocalPlace("the output", "output.path", output, hiddenPrefix(output))
}

// checkLocalPlace looks at the folder in which a run puts something, at a path and before under a
// hidden name that begins with prefix, or at the nearest one around it, in which a run would
// make it.
func checkLocalPlace(what, key, uri, prefix string) error {
	path, local := storage.LocalPath(uri)
	if !local {
		return nil
	}
	folder := standing(filepath.Dir(path))
	stat, err := os.Stat(folder)
	if err == nil && !stat.IsDir() {
		return failure.New(failure.Config, "%s %s cannot be made: %s is a file, not a folder", what, path, folder).
			WithHint("set %s to a place in a folder", key).BeforeData()
	}
	if err == nil {
		err = storage.CheckWritable(folder)
	}
	if err != nil {
		return failure.New(failure.Storage, "%s %s cannot be made: %w", what, path, err).
			WithHint("check %s, and the permissions of the folder %s", key, folder).BeforeData()
	}
	if most := maxFileName - runIDLength; len(prefix) > most {
		return failure.New(failure.Config, "%s %s cannot be made: with a name of %d bytes, that of a hidden folder beside it would have more than %d", what, path, len(filepath.Base(path)), maxFileName).
			WithHint("set %s to a name that is %s shorter", key, count(int64(len(prefix)-most), "byte")).BeforeData()
	}
	return nil
}

const (
	// maxFileName is how many bytes a name in a folder may have, as file systems allow.
	maxFileName = 255

	// runIDLength is how many characters the id of a run has.
	runIDLength = len("20060102T150405Z-00000000")
)

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
