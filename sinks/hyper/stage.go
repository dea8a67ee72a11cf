package hyper

import (
	"context"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"hyperlake/internal/failure"
	"hyperlake/internal/scratch"
	"hyperlake/internal/storage"
)

// workFile is where a new .hyper file is built: on staging itself where hyperd can write
// there, else in a temporary folder.
type workFile struct {
	path   string          // local
	uri    string          // on staging
	folder *scratch.Folder // nil if the file is built on staging
}

// newWorkFile names a file in a folder of staging that no other attempt has.
func newWorkFile(staging, folder string) (workFile, error) {
	w := workFile{uri: storage.Join(staging, folder, uuid.NewString()+".hyper")}
	path, local := storage.LocalPath(w.uri)
	if local {
		w.path = path
		return w, stagingError(os.MkdirAll(filepath.Dir(path), 0o777))
	}
	var err error
	if w.folder, err = scratch.Make("", "work-"); err != nil {
		return workFile{}, stagingError(err)
	}
	w.path = filepath.Join(w.folder.Path, "file.hyper")
	return w, nil
}

func stagingError(err error) error {
	if err == nil {
		return nil
	}
	return failure.New(failure.Storage, "make a file for hyperd: %w", err).WithHint("%s", storage.Hint(err))
}

// stage puts the finished file on staging, and returns the reference to it there, with its
// checksum if that is wanted or the file is uploaded.
func (w workFile) stage(ctx context.Context, file File, checksum bool) (File, error) {
	if w.folder == nil && !checksum {
		return file, nil
	}
	defer w.discard()
	var err error
	if file.SHA256, file.Bytes, err = storage.SHA256(ctx, w.path); err != nil {
		return File{}, failure.New(failure.Storage, "read back %s: %w", w.path, err).WithHint("%s", storage.Hint(err))
	}
	if w.folder == nil {
		return file, nil
	}
	info, err := storage.Upload(ctx, w.path, w.uri, storage.IfAbsent())
	if err != nil {
		return File{}, failure.New(failure.Storage, "upload %s: %w", w.uri, err).WithHint("%s", storage.Hint(err))
	}
	file.Path, file.Version = w.uri, info.Version
	return file, nil
}

// discard removes what is not on staging.
func (w workFile) discard() {
	if w.folder != nil {
		_ = w.folder.Remove() // what stays goes with the process
	}
}

// Fetch returns a local path of a finished file: its own where it is local, else that of a
// copy in folder. Its bytes are those that were written, if file has a checksum. Errors are
// failures of kind Storage.
func Fetch(ctx context.Context, file File, folder string) (string, error) {
	path, local := storage.LocalPath(file.Path)
	var err error
	if !local {
		path = filepath.Join(folder, uuid.NewString()+".hyper")
		err = storage.Download(ctx, storage.Info{URI: file.Path, Size: file.Bytes, Version: file.Version}, path)
	}
	if err == nil && file.SHA256 != "" {
		err = storage.VerifySHA256(ctx, path, file.Bytes, file.SHA256)
	}
	if err != nil {
		return "", failure.New(failure.Storage, "read back %s: %w", file.Path, err).WithHint("%s", storage.Hint(err))
	}
	return path, nil
}
