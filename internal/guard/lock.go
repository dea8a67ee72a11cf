package guard

import (
	"os"
	"slices"
	"time"

	"github.com/gofrs/flock"
)

// removeLocks removes the files of locks that nobody has, as those do who give one back: while it is theirs. The
// process that had them may not be quite gone yet.
func removeLocks(paths []string) {
	for deadline := time.Now().Add(removeGrace); len(paths) > 0 && time.Now().Before(deadline); time.Sleep(removeEvery) {
		paths = slices.DeleteFunc(paths, removeLock)
	}
}

// removeLock removes the file of a lock unless somebody has it, and says whether there is nothing left to do.
func removeLock(path string) (isDone bool) {
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY|asItIs))
	locked, err := lock.TryLock()
	if locked {
		removeLocked(lock, path)
	}
	return locked || err != nil // it is gone, or was no lock
}

// removeLocked removes the file of a lock that this process has, if it is the one that others find, and gives it back.
func removeLocked(lock *flock.Flock, path string) {
	defer lock.Close()
	mine, err := lock.Stat()
	if err != nil {
		return
	}
	if found, err := os.Lstat(path); err != nil || !os.SameFile(mine, found) {
		return
	}
	if os.Remove(path) != nil { // some systems do not remove a file that is open
		_ = lock.Close()
		_ = os.Remove(path)
	}
}
