package pipelines

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"hyperlake/internal/failure"
	"hyperlake/internal/guard"
)

const (
	lockName = "lock"

	// lockGrace is how long a staging folder may be without a lock: from making it to
	// locking it takes a moment.
	lockGrace = time.Minute
)

// staging is the folder of one run, held by a lock that ends with the process.
type staging struct {
	path   string
	lock   *flock.Flock
	forget func()
}

// openStaging makes the folder of a run: beside the output, hidden, unless the
// configuration names a place. Folders that dead runs to this output left beside it are removed.
func openStaging(cfg *Config, id string) (*staging, error) {
	prefix := "." + strings.TrimSuffix(filepath.Base(cfg.Output.Path), ".hyper") + ".hyperlake-"
	parent := filepath.Dir(cfg.Output.Path)
	if cfg.Staging != "" {
		parent, prefix = cfg.Staging, ""
	} else if err := removeDead(parent, prefix); err != nil {
		return nil, stagingFailure(parent, err)
	}
	path, err := filepath.Abs(filepath.Join(parent, prefix+id))
	if err != nil {
		return nil, stagingFailure(parent, err)
	}
	s := &staging{path: path, lock: flock.New(filepath.Join(path, lockName))}
	s.forget = guard.RemoveAtDeath(path)
	if err := os.MkdirAll(path, 0o755); err != nil {
		s.forget()
		return nil, stagingFailure(path, err)
	}
	if locked, err := s.lock.TryLock(); err != nil || !locked {
		return nil, stagingFailure(path, errors.Join(err, errors.New("its lock cannot be taken"), s.close()))
	}
	return s, nil
}

func stagingFailure(path string, err error) error {
	return failure.New(failure.Storage, "staging %s: %w", path, err).
		WithHint("check that the folder can be written, or set staging in the configuration")
}

// close removes the folder and all it holds.
func (s *staging) close() error {
	err := errors.Join(os.RemoveAll(s.path), s.lock.Close())
	if err != nil {
		return stagingFailure(s.path, err)
	}
	s.forget()
	return nil
}

// removeDead removes staging folders whose process is gone.
func removeDead(parent, prefix string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() && strings.HasPrefix(entry.Name(), prefix) {
			removeIfDead(filepath.Join(parent, entry.Name()))
		}
	}
	return nil
}

// removeIfDead removes one such folder. One that resists does no harm to this run.
func removeIfDead(path string) {
	lockPath := filepath.Join(path, lockName)
	if _, err := os.Stat(lockPath); err != nil {
		if stat, err := os.Stat(path); err != nil || time.Since(stat.ModTime()) < lockGrace {
			return
		}
	}
	lock := flock.New(lockPath)
	if locked, err := lock.TryLock(); err != nil || !locked {
		return // its run is alive
	}
	defer lock.Close()
	_ = os.RemoveAll(path)
}
