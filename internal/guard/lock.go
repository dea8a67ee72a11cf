package guard

import (
	"os"
	"time"

	"github.com/gofrs/flock"
)

// removeLock removes the file of a lock that nobody has, as those do who give one back: while it is theirs. The
// process that had it may not be quite gone yet.
func removeLock(path string) {
	for deadline := time.Now().Add(removeGrace); time.Now().Before(deadline); time.Sleep(removeEvery) {
		lock := flock.New(path, flock.SetFlag(os.O_RDONLY|asItIs))
		locked, err := lock.TryLock()
		if err != nil { // it is gone, or was no lock
			return
		}
		if locked {
			removeLocked(lock, path)
			return
		}
	}
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
