package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"syscall"

	"github.com/bmatcuk/doublestar/v4"
)

// Glob implements [Store]. Symbolic links are followed, those that lead back to a folder
// around them as often as makes a difference; one that leads nowhere is an error, for it
// would otherwise be a file that goes missing silently.
func (Local) Glob(ctx context.Context, pattern string) ([]Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	clean := filepath.ToSlash(filepath.Clean(pattern))
	base, glob := doublestar.SplitPattern(clean)
	if !doublestar.ValidatePattern(glob) {
		return nil, fmt.Errorf("glob %s: the pattern is malformed", pattern)
	}
	if _, err := os.Stat(base); errors.Is(err, fs.ErrNotExist) {
		return nil, danglingOrNil(base)
	}
	var found []Info
	err := doublestar.GlobWalk(newLinkedFS(ctx, base, glob), glob, func(path string, entry fs.DirEntry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if hidden(ctx, path, glob) {
			return nil
		}
		full := filepath.Join(base, filepath.FromSlash(path))
		stat, err := os.Stat(full)
		if err != nil {
			return unfollowed(full, entry, err)
		}
		if stat.IsDir() {
			return nil
		}
		found = append(found, localInfo(full, stat))
		return nil
	}, doublestar.WithFailOnIOErrors())
	if err == nil && len(found) == 0 {
		err = danglingOrNil(clean) // without wildcards, the walk does not see a link that leads nowhere
	}
	if err != nil {
		return nil, fmt.Errorf("glob %s: %w", pattern, err)
	}
	sort.Slice(found, func(i, j int) bool { return found[i].URI < found[j].URI })
	return found, nil
}

// unfollowed is the error of a file that cannot be described, perhaps because it is a link.
func unfollowed(path string, entry fs.DirEntry, err error) error {
	switch {
	case entry.Type()&fs.ModeSymlink == 0:
		return err
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is a symbolic link that leads nowhere", path)
	case errors.Is(err, syscall.ELOOP):
		return fmt.Errorf("%s is a symbolic link that leads back to itself", path)
	}
	return err
}

// danglingOrNil tells a missing path from a symbolic link that leads nowhere.
func danglingOrNil(path string) error {
	stat, err := os.Lstat(path)
	if err != nil || stat.Mode()&fs.ModeSymlink == 0 {
		return nil
	}
	if _, err = os.Stat(path); err == nil {
		return nil
	}
	return unfollowed(path, fs.FileInfoToDirEntry(stat), err)
}

// Search implements [Store]. A file or folder that a symbolic link leads to lies in the folders
// around the link and in those around what it leads to.
func (l Local) Search(ctx context.Context, pattern string, marks []string) ([]Info, []Mark, error) {
	files, err := l.Glob(ctx, pattern)
	if err != nil {
		return nil, nil, err
	}
	base, glob := doublestar.SplitPattern(filepath.ToSlash(filepath.Clean(pattern)))
	start := filepath.FromSlash(base)
	if !isPattern(glob) {
		start = filepath.Join(start, unescape(glob))
	}
	folders, known := map[string]bool{}, links{}
	known.around(start, folders)
	for _, file := range files {
		known.around(file.URI, folders)
	}
	var found []Mark
	for folder := range folders {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		for _, name := range marks {
			if isMarked(folder, name) {
				found = append(found, Mark{folder, name})
			}
		}
	}
	slices.SortFunc(found, compareMarks)
	return files, found, nil
}

// isMarked says whether a folder has a mark.
func isMarked(folder, name string) bool {
	inside := filepath.Join(folder, markFolder(name))
	stat, err := os.Stat(inside)
	if err != nil || !stat.IsDir() || isFolderMark(name) {
		return err == nil && stat.IsDir()
	}
	entries, err := os.ReadDir(inside)
	return err == nil && slices.ContainsFunc(entries, func(entry fs.DirEntry) bool {
		return !entry.IsDir() && matchesMark(entry.Name(), name)
	})
}
