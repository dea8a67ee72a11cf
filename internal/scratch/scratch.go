// Package scratch makes folders for temporary files that can be told from those of dead
// processes: each holds a lock that ends with the process that made it, however that ends.
package scratch

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"

	"github.com/gofrs/flock"

	"hyperlake/internal/guard"
	"hyperlake/internal/storage"
)

// prefix begins the names of all folders.
const prefix = "hyperlake-"

var names = regexp.MustCompile(`^` + prefix + `([a-z]+-)?[0-9]+$`)

// LockName is the file in a folder that its process has locked.
const LockName = "lock"

// Folder is a folder for temporary files of this process.
type Folder struct {
	Path string // absolute

	lock   *flock.Flock
	forget func() // calls off the cleaning up after a death
}

// Make makes a folder that only this user can enter. It lies below parent, or if that is
// empty, below the folder for temporary files. Its name has kind in it, which is empty or
// such as "spool-". Should this process be killed, the folder is removed. It fails, with the system's own error,
// where parent is missing, may not be written, or has a path that leaves no room for names below it.
func Make(parent, kind string) (*Folder, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	parent, err := filepath.Abs(parent)
	if err == nil {
		err = storage.CheckLength(parent)
	}
	if err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(parent, prefix+kind)
	if err != nil {
		return nil, err
	}
	f := &Folder{Path: path, lock: flock.New(filepath.Join(path, LockName)), forget: guard.RemoveAtDeath(path)}
	if locked, err := f.lock.TryLock(); err != nil || !locked {
		return nil, errors.Join(err, errors.New("the lock of "+path+" cannot be taken"), f.Remove())
	}
	return f, nil
}

// Remove removes the folder and all it holds. What resists is an error, and goes with the process.
func (f *Folder) Remove() error {
	err := errors.Join(f.lock.Close(), os.RemoveAll(f.Path))
	if err == nil {
		f.forget()
	}
	return err
}

// Use makes a folder, and has this process with all that it starts keep its temporary files
// there. undo removes it: libraries leave files behind. It fails as [Make] does; nothing is changed then.
func Use() (undo func(), err error) {
	folder, err := Make("", "")
	if err != nil {
		return nil, err
	}
	variable := "TMPDIR"
	if runtime.GOOS == "windows" {
		variable = "TMP"
	}
	before, was := os.LookupEnv(variable)
	if err := os.Setenv(variable, folder.Path); err != nil {
		return nil, errors.Join(err, folder.Remove())
	}
	return func() {
		if was {
			_ = os.Setenv(variable, before)
		} else {
			_ = os.Unsetenv(variable)
		}
		_ = folder.Remove() // what stays goes with the process, or with the next cleaning
	}, nil
}

// Find returns the paths of the folders below parent that Make made, in this process or
// another, alive or dead: whether one's lock is taken tells. One without anything in it is that
// of a process which was about to take the lock, or never came to it. Folders of other users,
// and a parent that is missing, are passed over; a parent that cannot be read is an error.
func Find(parent string) ([]string, error) {
	entries, err := os.ReadDir(parent)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var found []string
	for _, entry := range entries {
		path := filepath.Join(parent, entry.Name())
		if entry.IsDir() && names.MatchString(entry.Name()) && isOwn(path) {
			found = append(found, path)
		}
	}
	return found, err
}

// isOwn says whether a folder holds a lock, or nothing yet.
func isOwn(path string) bool {
	lock, err := os.Lstat(filepath.Join(path, LockName))
	if err == nil {
		return lock.Mode().IsRegular()
	}
	inside, err := os.ReadDir(path)
	return err == nil && len(inside) == 0
}
