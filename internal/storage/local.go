package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	"github.com/bmatcuk/doublestar/v4"
)

// Local is the file system of this machine. Its zero value is ready.
type Local struct{}

var _ Store = Local{}

// Glob implements [Store]. Symbolic links are followed; one that leads nowhere is an
// error, for it would otherwise be a file that goes missing silently.
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
	err := doublestar.GlobWalk(os.DirFS(base), glob, func(path string, entry fs.DirEntry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if hidden(ctx, path, glob) {
			return nil
		}
		full := filepath.Join(base, filepath.FromSlash(path))
		stat, err := os.Stat(full)
		if err != nil {
			if entry.Type()&fs.ModeSymlink != 0 && errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s is a symbolic link that leads nowhere", full)
			}
			return err
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

// Folders implements [Store].
func (Local) Folders(ctx context.Context, folder string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, err
}

// List implements [Store]. What goes away meanwhile is left out.
func (Local) List(ctx context.Context, folder string) ([]Info, error) {
	var found []Info
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && entry.IsDir() {
			return nil
		}
		var stat fs.FileInfo
		if err == nil {
			stat, err = entry.Info()
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		}
		found = append(found, localInfo(path, stat))
		return nil
	})
	return found, err
}

// danglingOrNil tells a missing path from a symbolic link that leads nowhere.
func danglingOrNil(path string) error {
	if stat, err := os.Lstat(path); err == nil && stat.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("%s is a symbolic link that leads nowhere", path)
	}
	return nil
}

// Stat implements [Store].
func (Local) Stat(ctx context.Context, uri string) (Info, error) {
	if err := ctx.Err(); err != nil {
		return Info{}, err
	}
	stat, err := os.Stat(uri)
	if err != nil {
		return Info{}, err
	}
	return localInfo(uri, stat), nil
}

func localInfo(path string, stat fs.FileInfo) Info {
	return Info{URI: path, Size: stat.Size(), Modified: stat.ModTime(), Folder: stat.IsDir()}
}

// Open implements [Store].
func (Local) Open(ctx context.Context, info Info) (Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	file, err := os.Open(info.URI)
	if err != nil {
		return nil, err
	}
	stat, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if !localInfo(info.URI, stat).SameVersion(info) {
		return nil, errors.Join(fmt.Errorf("%s: %w", info.URI, ErrChanged), file.Close())
	}
	return localFile{file, stat.Size()}, nil
}

// localFile leaves the choice of what to read ahead to the operating system.
type localFile struct {
	*os.File
	size int64
}

func (f localFile) Size() int64 { return f.size }

func (f localFile) Prepare([]Range) {}

func (f localFile) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, io.NewSectionReader(f.File, 0, f.size))
}

// Put implements [Store]. The bytes are on disk when it returns.
func (l Local) Put(ctx context.Context, uri string, data []byte) error {
	w, err := l.Create(ctx, uri, Any())
	if err != nil {
		return err
	}
	return writeAll(w, data)
}

// Get implements [Store].
func (Local) Get(ctx context.Context, uri string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return os.ReadFile(uri)
}

// RemoveAll implements [Store].
func (Local) RemoveAll(ctx context.Context, uri string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return os.RemoveAll(uri)
}
