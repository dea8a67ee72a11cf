package rejects

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// Restore is [Publish] unless the folder holds those files of that run already, by their names. See [ErrKept] for files that are not what
// was kept.
func Restore(ctx context.Context, files []File, folder, runID string) error {
	store, err := storage.For(folder)
	if err != nil {
		return failure.New(failure.Storage, "%w", err)
	}
	there, err := store.List(ctx, folder)
	if err != nil {
		return failure.New(failure.Storage, "look into the folder of rejects %s: %w", folder, err).WithHint("%s", storage.Hint(err))
	}
	var names []string
	for _, file := range there {
		names = append(names, path.Base(filepath.ToSlash(file.URI)))
	}
	var want []string
	for i := range files {
		want = append(want, partName(i, runID))
	}
	if slices.Sort(names); slices.Equal(names, want) {
		return nil
	}
	err = Publish(ctx, files, folder, runID)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, storage.ErrChanged) {
		return fmt.Errorf("%w: %w", ErrKept, err)
	}
	return err
}
