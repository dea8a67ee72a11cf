package rejects

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"hyperlake/internal/storage"
)

// findForeignLocal is findForeign for a local folder.
func findForeignLocal(folder string) (string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for _, entry := range entries {
		own, _ := filepath.Match(ownNames, entry.Name()) // the pattern is well-formed
		if !own || !entry.Type().IsRegular() {
			return entry.Name(), nil
		}
	}
	return "", nil
}

// publishLocal builds the new folder in a hidden one beside the old folder, and swaps them.
func publishLocal(ctx context.Context, files []File, folder, runID string) (err error) {
	if folder, err = resolve(folder); err != nil {
		return err
	}
	prefix := filepath.Join(filepath.Dir(folder), HiddenPrefix(filepath.Base(folder)))
	work, err := openWorkFolder(prefix + runID)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, work.close()) }()
	built := filepath.Join(work.path, "new")
	if err := makeLike(built, folder); err != nil {
		return err
	}
	for i, file := range files {
		path := filepath.Join(built, partName(i, runID))
		if err := copyFile(ctx, file, path); err != nil {
			return err
		}
		if err := storage.GiveAs(path, built); err != nil {
			return err
		}
	}
	if err := swap(built, folder, filepath.Join(work.path, "old")); err != nil {
		return err
	}
	removeDead(prefix) // not before: one may hold the only old files
	return nil
}

// HiddenPrefix begins the names of the hidden folders that Publish makes beside a folder of that
// name; the id of the run follows.
func HiddenPrefix(name string) string { return "." + name + ".hyperlake-rejects-" }

// makeLike makes a folder that only this user can enter, or those who may enter another one,
// if that is there.
func makeLike(path, other string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	if _, err := os.Stat(other); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return storage.Adopt(path, other)
}

// swap puts the folder built in the place of another one, which need not be there.
func swap(built, folder, old string) error {
	if _, err := os.Lstat(folder); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(built, folder)
	}
	if storage.Exchange(built, folder) == nil {
		return nil
	}
	if err := os.Rename(folder, old); err != nil {
		return err
	}
	if err := os.Rename(built, folder); err != nil {
		return errors.Join(err, os.Rename(old, folder))
	}
	return nil
}

// resolve follows the link that folder may be: it is what it leads to that is replaced.
func resolve(folder string) (string, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return folder, nil
	}
	return resolved, err
}

const (
	lockName = "lock"

	// lockGrace is how long a work folder may be without a lock: from making it to locking
	// it takes a moment.
	lockGrace = time.Minute
)

// workFolder is the hidden folder of one Publish. Its lock ends with the process.
type workFolder struct {
	path string
	lock *flock.Flock
}

// openWorkFolder makes a work folder. An earlier try of the same run may have left it.
func openWorkFolder(path string) (workFolder, error) {
	removeIfDead(path, 0)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return workFolder{}, err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return workFolder{}, err
	}
	w := workFolder{path, storage.NewLock(filepath.Join(path, lockName))}
	locked, err := w.lock.TryLock()
	if err == nil && !locked {
		err = fmt.Errorf("%s is in use", path)
	}
	return w, err
}

func (w workFolder) close() error {
	return errors.Join(w.lock.Close(), os.RemoveAll(w.path))
}

// removeDead removes work folders whose process is gone. One that resists is as hidden as before.
func removeDead(prefix string) {
	parent, start := filepath.Split(prefix)
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if entry.IsDir() && strings.HasPrefix(entry.Name(), start) {
			removeIfDead(filepath.Join(parent, entry.Name()), lockGrace)
		}
	}
}

// removeIfDead removes one work folder, if no process holds its lock. It may be without a
// lock for some time.
func removeIfDead(path string, grace time.Duration) {
	stat, err := os.Stat(path)
	if err != nil {
		return
	}
	lockPath := filepath.Join(path, lockName)
	if _, err := os.Stat(lockPath); err != nil && time.Since(stat.ModTime()) < grace {
		return
	}
	lock := storage.NewLock(lockPath)
	if locked, err := lock.TryLock(); err != nil || !locked {
		return
	}
	_ = lock.Close() // Windows removes no file that is open
	_ = os.RemoveAll(path)
}
