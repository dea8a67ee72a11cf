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
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Local is the file system of this machine. Its zero value is ready.
type Local struct{}

var _ Store = Local{}

// Glob implements [Store]. Symbolic links are followed; one that leads nowhere is an
// error, for it would otherwise be a file that goes missing silently.
func (Local) Glob(ctx context.Context, pattern string) ([]Info, error) {
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
		if hidden(path, glob) {
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
		found = append(found, Info{URI: full, Size: stat.Size(), Modified: stat.ModTime()})
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

// danglingOrNil tells a missing path from a symbolic link that leads nowhere.
func danglingOrNil(path string) error {
	if stat, err := os.Lstat(path); err == nil && stat.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("%s is a symbolic link that leads nowhere", path)
	}
	return nil
}

// hidden says whether a part of path starts with _ or . where the pattern does not ask for it.
func hidden(path, glob string) bool {
	asked := map[string]bool{}
	for _, part := range strings.Split(glob, "/") {
		asked[part] = true
	}
	for _, part := range strings.Split(path, "/") {
		if (strings.HasPrefix(part, "_") || strings.HasPrefix(part, ".")) && !asked[part] {
			return true
		}
	}
	return false
}

// Stat implements [Store].
func (Local) Stat(_ context.Context, uri string) (Info, error) {
	stat, err := os.Stat(uri)
	if err != nil {
		return Info{}, err
	}
	return Info{URI: uri, Size: stat.Size(), Modified: stat.ModTime(), Folder: stat.IsDir()}, nil
}

// Open implements [Store].
func (Local) Open(_ context.Context, info Info) (Reader, error) {
	file, err := os.Open(info.URI)
	if err != nil {
		return nil, err
	}
	stat, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if stat.Size() != info.Size || !stat.ModTime().Equal(info.Modified) {
		return nil, errors.Join(fmt.Errorf("%s: %w", info.URI, ErrChanged), file.Close())
	}
	return localFile{file, stat.Size()}, nil
}

type localFile struct {
	*os.File
	size int64
}

func (f localFile) Size() int64 { return f.size }

// Put implements [Store]. The bytes are on disk when it returns.
func (Local) Put(_ context.Context, uri string, data []byte) error {
	return putFile(uri, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Get implements [Store].
func (Local) Get(_ context.Context, uri string) ([]byte, error) { return os.ReadFile(uri) }

// RemoveAll implements [Store].
func (Local) RemoveAll(_ context.Context, uri string) error { return os.RemoveAll(uri) }

// MoveFile moves a finished local file to its final name, atomically and durably: a
// rename where both are on one file system, else a copy beside the target and then a
// rename. Missing folders are made. What stood at the target is replaced.
func MoveFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := syncPath(from); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		if !crossDevice(err) {
			return err
		}
		return copyFile(from, to)
	}
	return syncPath(filepath.Dir(to))
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	err = putFile(to, func(w io.Writer) error {
		_, err := io.Copy(w, source)
		return err
	})
	if err != nil {
		return err
	}
	return os.Remove(from)
}

// putFile writes a file under a temporary name beside path, syncs it, and renames it.
func putFile(path string, write func(io.Writer) error) (err error) {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	temp, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = temp.Close() // it may be closed already
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	if err := write(temp); err != nil {
		return err
	}
	if err := temp.Chmod(0o644); err != nil {
		return err
	}
	if err := temp.Sync(); err != nil {
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncPath(folder)
}
