package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"hyperlake/internal/failure"
	"hyperlake/internal/guard"
	"hyperlake/internal/storage"
)

// lockSuffix is added to the path of a ledger for that of its lock.
const lockSuffix = ".lock"

// ledgerLock keeps other processes from publishing with the same ledger. The system ends it
// with the process: what a dead one left behind locks nobody out.
type ledgerLock struct {
	lock   *flock.Flock // nil where there is none
	path   string
	forget func() // calls off the cleaning up after a death
}

// maxHolderBytes bounds what is read of a lock.
const maxHolderBytes = 64 << 10

// lockHolder is what stands in the lock, for those who find it taken.
type lockHolder struct {
	RunID   string    `json:"run_id"`
	Host    string    `json:"host"`
	Process int       `json:"process"`
	Since   time.Time `json:"since"`
}

func (h lockHolder) String() string {
	if h.RunID == "" {
		return "another process"
	}
	return fmt.Sprintf("process %d on %s (run %s, since %s UTC)", h.Process, h.Host, h.RunID, h.Since.Format(time.DateTime))
}

// lockLedger locks a ledger for a run, or fails at once with who has it. A remote ledger
// needs no lock: it is only ever written over the version that was read.
func lockLedger(ledger, runID string) (*ledgerLock, error) {
	local, ok := storage.LocalPath(ledger)
	if !ok {
		return &ledgerLock{}, nil
	}
	fail := func(err error) (*ledgerLock, error) {
		return nil, failure.New(failure.Publish, "lock the ledger %s: %w", ledger, err).WithHint("see that its folder can be written")
	}
	path, err := filepath.Abs(local + lockSuffix)
	if err != nil {
		return fail(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fail(err)
	}
	l := &ledgerLock{path: path}
	for {
		l.lock = storage.NewLock(l.path, flock.SetPermissions(0o666))
		locked, err := l.lock.TryLock()
		if err != nil {
			return fail(err)
		}
		if !locked {
			_ = l.lock.Close() // nothing is held
			return nil, failure.New(failure.Publish, "%s is publishing with the ledger %s", l.holder(), ledger).
				WithHint("wait until it has ended")
		}
		current, err := l.isCurrent()
		if current {
			break
		}
		if err = errors.Join(err, l.lock.Close()); err != nil {
			return fail(err)
		}
	}
	l.forget = guard.RemoveAtDeath(l.path)
	l.sign(runID)
	return l, nil
}

// isCurrent says whether the locked file is the one that others find: whoever had the lock
// before removed its file.
func (l *ledgerLock) isCurrent() (bool, error) {
	mine, err := l.lock.Stat()
	if err != nil {
		return false, err
	}
	found, err := os.Lstat(l.path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(mine, found), err
}

// sign writes down who has the lock. It holds without that, too: where nobody can write to
// a locked file, others are not told the name.
func (l *ledgerLock) sign(runID string) {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	text, err := json.Marshal(lockHolder{RunID: runID, Host: host, Process: os.Getpid(), Since: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return
	}
	if file, err := os.OpenFile(l.path, os.O_WRONLY|os.O_TRUNC|storage.AsItIs, 0); err == nil {
		_, _ = file.Write(append(text, '\n'))
		_ = file.Close()
	}
}

// holder is who has the lock, as far as that can be read.
func (l *ledgerLock) holder() lockHolder {
	file, err := os.OpenFile(l.path, os.O_RDONLY|storage.AsItIs, 0)
	if err != nil {
		return lockHolder{}
	}
	defer file.Close()
	var holder lockHolder
	if text, err := io.ReadAll(io.LimitReader(file, maxHolderBytes)); err != nil || json.Unmarshal(text, &holder) != nil {
		return lockHolder{}
	}
	return holder
}

// unlock ends the lock and removes its file.
func (l *ledgerLock) unlock() error {
	if l.lock == nil {
		return nil
	}
	removed := os.Remove(l.path) == nil // before others can have it
	err := l.lock.Close()
	if !removed {
		_ = os.Remove(l.path) // where a file that is open cannot be removed; what stays does no harm
	}
	l.forget()
	return err
}
