package pipelines

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"hyperlake/internal/failure"
	"hyperlake/internal/guard"
	"hyperlake/internal/storage"
)

const (
	lockName = "lock"

	// lockGrace is how long a staging folder may be without a lock: from making it to
	// locking it takes a moment.
	lockGrace = time.Minute
)

// staging is the folder of one run, which every worker reaches.
type staging struct {
	path  string // URI
	local string // folder for files of the driver: path, where that is local

	lock   *flock.Flock // ends with the process; nil where staging is remote
	forget func()       // calls off the cleaning up after a death
}

// openStaging makes the folder of a run: where the configuration says, else hidden beside
// a local output, else a temporary one. Folders that dead runs to this output left beside
// it are removed.
func openStaging(cfg *Config, id string) (*staging, error) {
	prefix := hiddenPrefix(cfg.Output.Path)
	_, localStaging := storage.LocalPath(cfg.Staging)
	_, localOutput := storage.LocalPath(cfg.Output.Path)
	switch {
	case !localStaging:
		return openRemoteStaging(storage.Join(cfg.Staging, id))
	case cfg.Staging != "":
		return openLocalStaging(filepath.Join(cfg.Staging, id))
	case !localOutput:
		return openLocalStaging(filepath.Join(os.TempDir(), prefix+id))
	}
	parent := filepath.Dir(cfg.Output.Path)
	if err := removeDead(parent, prefix); err != nil {
		return nil, stagingFailure(parent, err)
	}
	return openLocalStaging(filepath.Join(parent, prefix+id))
}

// hiddenPrefix begins the names of the hidden folders of runs to that output.
func hiddenPrefix(output string) string { return "." + outputName(output) + ".hyperlake-" }

// outputName is the name of the output without its extension.
func outputName(output string) string {
	return strings.TrimSuffix(path.Base(filepath.ToSlash(output)), ".hyper")
}

func openLocalStaging(folder string) (*staging, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, stagingFailure(folder, err)
	}
	s := &staging{path: folder, local: folder, lock: flock.New(filepath.Join(folder, lockName))}
	s.forget = guard.RemoveAtDeath(folder)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		s.forget()
		return nil, stagingFailure(folder, err)
	}
	if locked, err := s.lock.TryLock(); err != nil || !locked {
		return nil, stagingFailure(folder, errors.Join(err, errors.New("its lock cannot be taken"), s.close()))
	}
	return s, nil
}

// openRemoteStaging needs no more than a name: remote folders are there when they hold something.
func openRemoteStaging(uri string) (*staging, error) {
	local, err := os.MkdirTemp("", "hyperlake-")
	if err != nil {
		return nil, stagingFailure(uri, err)
	}
	return &staging{path: uri, local: local, forget: guard.RemoveAtDeath(local)}, nil
}

func stagingFailure(uri string, err error) error {
	return failure.New(failure.Storage, "staging %s: %w", uri, err).
		WithHint("check that the folder can be written, or set staging in the configuration")
}

// closeTime bounds how long a run takes to remove what it left on remote storage: it may
// have been interrupted, and nobody waits for long then.
const closeTime = 10 * time.Second

// close removes the folder and all it holds.
func (s *staging) close() error {
	err := os.RemoveAll(s.local)
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	} else {
		err = errors.Join(err, removeRemote(s.path))
	}
	if err != nil {
		return stagingFailure(s.path, err)
	}
	s.forget()
	return nil
}

func removeRemote(uri string) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	store, err := storage.For(uri)
	if err != nil {
		return err
	}
	return store.RemoveAll(ctx, uri)
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
