// Package machine is what the processes of one user on one machine share: a private
// folder, the limits that the system sets them, and the knowledge of how many of them are
// workers, among whom the automatic bounds of memory and of the spool are divided.
//
// A worker takes a seat when it starts: a file that it holds a lock on for as long as it
// lives. The lock is the kernel's, so that a worker that was killed has no seat either.
// Processes in containers of their own do not see each other; there, the limits of the
// container divide the machine.
package machine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"hyperlake/internal/guard"
)

const (
	seatSuffix = ".worker"

	// settling is how long workers that were started at the same time may take to see each other.
	settling = time.Second
)

// Folder returns the absolute path of this user's folder on this machine, which it makes:
// below the folder for temporary files, and closed to others. It outlives its processes. It fails where the
// folder cannot be made, or somebody else made it or could write to it.
func Folder() (string, error) {
	folder, err := filepath.Abs(filepath.Join(os.TempDir(), "hyperlake-of-"+strconv.Itoa(os.Getuid())))
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	stat, err := os.Lstat(folder)
	if err != nil {
		return "", err
	}
	if !stat.IsDir() || !closedToOthers(stat) {
		return "", fmt.Errorf("%s is not a folder that only this user can write to", folder)
	}
	return folder, nil
}

// Seat is the presence of a worker on this machine.
type Seat struct {
	folder string
	lock   *flock.Flock
	path   string
	taken  time.Time
	forget func()
}

// own is the seat of this process; nil if it is no worker.
var own struct {
	sync.Mutex
	*Seat
}

// TakeSeat makes this process a worker of the machine until it leaves or ends. A process
// takes one seat. It fails where [Folder] does, or nothing can be locked there; such a process can work, but
// nobody counts it.
func TakeSeat() (*Seat, error) {
	parent, err := Folder()
	if err != nil {
		return nil, fmt.Errorf("take a seat among the workers of this machine: %w", err)
	}
	seat, err := takeSeat(filepath.Join(parent, "workers"))
	if err != nil {
		return nil, fmt.Errorf("take a seat among the workers of this machine: %w", err)
	}
	own.Lock()
	defer own.Unlock()
	own.Seat = seat
	return seat, nil
}

// takeSeat makes a locked file in folder. It gets its name when it is locked, so that
// nobody takes it for that of a dead worker.
func takeSeat(folder string) (*Seat, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(folder, ".seat-*")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	path := filepath.Join(folder, strings.TrimPrefix(filepath.Base(file.Name()), ".seat-")+seatSuffix)
	seat := &Seat{folder: folder, lock: flock.New(file.Name()), path: path, taken: time.Now()}
	if locked, err := seat.lock.TryLock(); err != nil || !locked {
		return nil, errors.Join(err, fmt.Errorf("%s cannot be locked", file.Name()), os.Remove(file.Name()))
	}
	seat.forget = guard.RemoveAtDeath(seat.path)
	if err := os.Rename(file.Name(), seat.path); err != nil {
		seat.Leave()
		return nil, errors.Join(err, os.Remove(file.Name()))
	}
	return seat, nil
}

// Leave ends the presence. Calling it again does nothing.
func (s *Seat) Leave() {
	own.Lock()
	if own.Seat == s {
		own.Seat = nil
	}
	own.Unlock()
	_ = os.Remove(s.path) // what stays is no longer locked, and the next to count removes it
	_ = s.lock.Close()
	s.forget()
}

// Workers is how many workers share this machine, as far as this process needs to know:
// all that have a seat where it has one itself, else 1. In the first second of a seat it
// waits for the second to end, for others that were started at the same time.
func Workers() int {
	own.Lock()
	seat := own.Seat
	own.Unlock()
	if seat == nil {
		return 1
	}
	time.Sleep(time.Until(seat.taken.Add(settling)))
	return seat.neighbours()
}

// neighbours counts the seats whose locks are held, and removes those of dead workers.
func (s *Seat) neighbours() int {
	paths, _ := filepath.Glob(filepath.Join(s.folder, "*"+seatSuffix)) // the pattern is well-formed
	count := 0
	for _, path := range paths {
		lock := flock.New(path)
		if locked, err := lock.TryRLock(); err == nil && locked { // shared, for others may count as well
			_ = os.Remove(path)
		} else {
			count++
		}
		_ = lock.Close()
	}
	return max(count, 1)
}
