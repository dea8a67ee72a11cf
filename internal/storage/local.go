package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Local is the file system of this machine. Its zero value is ready.
type Local struct{}

var _ Store = Local{}

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
	found, err := os.Stat(info.URI)
	if err == nil {
		err = checkFile(info.URI, found)
	}
	if err != nil {
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
	_, err = writeAll(w, data)
	return err
}

// Get implements [Store].
func (Local) Get(ctx context.Context, uri string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	stat, err := os.Stat(uri)
	if err != nil {
		return nil, err
	}
	if stat.Mode()&fs.ModeNamedPipe != 0 {
		return readPipe(ctx, uri)
	}
	if err := checkFile(uri, stat); err != nil {
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

// Standing is a local folder, or if it is missing, the nearest around it that is not, which
// may be a file.
func Standing(folder string) string {
	for {
		_, err := os.Stat(folder)
		around := filepath.Dir(folder)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) || around == folder {
			return folder
		}
		folder = around
	}
}
