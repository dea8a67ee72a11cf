package publish

import (
	"context"
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

// ledgerLock keeps other processes from publishing with the same ledger. The system ends that of a local one
// with the process: what a dead one left behind locks nobody out. A remote one is a lease, which expires.
type ledgerLock struct {
	lease  *storage.Lease // nil for a local ledger
	lock   *flock.Flock   // nil for a remote one
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

// lockLedger locks a ledger for a run, or fails at once with who has it.
func lockLedger(ctx context.Context, ledger, runID string) (*ledgerLock, error) {
	local, ok := storage.LocalPath(ledger)
	if !ok {
		return leaseLedger(ctx, ledger, runID)
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
			return nil, isTaken(l.holder(), ledger)
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

// leaseLedger is lockLedger for a remote ledger.
func leaseLedger(ctx context.Context, ledger, runID string) (*ledgerLock, error) {
	lease, other, err := storage.TakeLease(ctx, ledger+lockSuffix, signature(runID))
	if errors.Is(err, storage.ErrLeased) {
		return nil, isTaken(readHolder(other), ledger)
	}
	if err != nil {
		return nil, failure.New(failure.Publish, "lock the ledger %s: %w", ledger, err).WithHint("%s", storage.Hint(err))
	}
	return &ledgerLock{lease: lease}, nil
}

func isTaken(holder lockHolder, ledger string) error {
	return failure.New(failure.Publish, "%s is publishing with the ledger %s", holder, ledger).WithHint("wait until it has ended")
}

// held fails if somebody else may have the lock by now.
func (l *ledgerLock) held() error {
	if l.lease == nil {
		return nil
	}
	return l.lease.Held()
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
	if file, err := os.OpenFile(l.path, os.O_WRONLY|os.O_TRUNC|storage.AsItIs, 0); err == nil {
		_, _ = file.Write(signature(runID))
		_ = file.Close()
	}
}

// signature is what stands in a lock.
func signature(runID string) []byte {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	text, err := json.Marshal(lockHolder{RunID: runID, Host: host, Process: os.Getpid(), Since: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return nil
	}
	return append(text, '\n')
}

// holder is who has the lock, as far as that can be read.
func (l *ledgerLock) holder() lockHolder {
	file, err := os.OpenFile(l.path, os.O_RDONLY|storage.AsItIs, 0)
	if err != nil {
		return lockHolder{}
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxHolderBytes))
	if err != nil {
		return lockHolder{}
	}
	return readHolder(text)
}

// readHolder reads a signature; of what is none, nobody is the holder.
func readHolder(text []byte) lockHolder {
	var holder lockHolder
	if json.Unmarshal(text, &holder) != nil {
		return lockHolder{}
	}
	return holder
}

// unlock ends the lock and removes its file, also when the run was interrupted.
func (l *ledgerLock) unlock(ctx context.Context) error {
	if l.lease != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		return l.lease.Release(ctx)
	}
	removed := os.Remove(l.path) == nil // before others can have it
	err := l.lock.Close()
	if !removed {
		_ = os.Remove(l.path) // where a file that is open cannot be removed; what stays does no harm
	}
	l.forget()
	return err
}
