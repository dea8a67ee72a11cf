package staging

import (
	"cmp"
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
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
)

const (
	lockName = "lock"

	// lockGrace is how long a staging folder may be without a lock: from making it to
	// locking it takes a moment.
	lockGrace = time.Minute
)

// Folder is the folder of one run, which every worker reaches.
type Folder struct {
	URI   string // URI
	Local string // folder for files of the driver: path, where that is local

	// Durable says that the user chose the place: a run that fails may leave there what
	// another resumes from.
	Durable bool
	run     runFile // what the folder says of its run, where it is durable

	lock   *flock.Flock // ends with the process; nil where staging is remote
	forget func()       // calls off the cleaning up after a death
}

// Open makes the folder of a run: where the configuration says, else one of its own.
// A run that resumes another opens the folder of that one. It fails, with one of kind Storage, where the
// folder cannot be made or written to, and where another process has its lock.
func Open(ctx context.Context, cfg *config.Config, id, resume string) (*Folder, error) {
	if cfg.Staging == "" {
		return openOwnStaging(cfg.Output.Path, id)
	}
	return openDurableStaging(ctx, cfg, id, cmp.Or(resume, id))
}

// Within has do work with a folder for output, and removes it. An error of do is returned as it is; others
// are of kind Storage, about the folder.
func Within(ctx context.Context, output, id string, do func(*Folder) error) (err error) {
	defer RemoveEmpty(MissingFolders(output)) // if nothing came of them
	staging, err := openOwnStaging(output, id)
	if err != nil { // where no configuration can name another place
		return failure.Of(err, failure.Storage).WithHint("%s", cmp.Or(storage.Hint(err), "check that the folder can be written"))
	}
	defer func() {
		if MayStillWrite(err) {
			hyperd.Kill() // whatever still runs must not write into a folder that goes away
		}
		if removeErr := staging.Remove(ctx); err == nil {
			err = removeErr
		}
	}()
	return do(staging)
}

// MayStillWrite says whether hyperd may be busy after a failure. When publishing failed, it
// was waited for.
func MayStillWrite(err error) bool {
	return err != nil && failure.Of(err, failure.Engine).Kind != failure.Publish
}

// openOwnStaging makes a folder that goes away with the process, hidden beside a local
// output, else a temporary one. Folders that dead runs to this output left beside it are
// removed.
func openOwnStaging(output, id string) (*Folder, error) {
	prefix := HiddenPrefix(output)
	parent := os.TempDir()
	if storage.IsLocal(output) {
		parent = filepath.Dir(output)
		if err := removeDead(parent, prefix); err != nil {
			return nil, Failure(parent, err)
		}
	}
	return makeOwnStaging(filepath.Join(parent, prefix+id))
}

func makeOwnStaging(folder string) (*Folder, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, Failure(folder, err)
	}
	forget := guard.RemoveAtDeath(folder)
	s, err := openLocalStaging(folder)
	if err != nil {
		_ = os.RemoveAll(folder)
		forget()
		return nil, err
	}
	s.forget = forget
	return s, nil
}

// openDurableStaging opens the folder of a run where the user chose, new or left by an
// earlier one, and says in it what run it is of.
func openDurableStaging(ctx context.Context, cfg *config.Config, id, folder string) (*Folder, error) {
	open := openRemoteStaging
	if storage.IsLocal(cfg.Staging) {
		open = openLocalStaging
	}
	uri, err := durableFolder(cfg, folder)
	if err != nil {
		return nil, err
	}
	s, err := open(uri)
	if err != nil {
		return nil, err
	}
	s.Durable = true
	s.run = runFile{Version: 1, RunID: id, Name: cfg.Name, Output: cfg.Output.Path, Started: time.Now().UTC()}
	if err := s.run.write(ctx, s.URI); err != nil {
		return nil, s.close(err)
	}
	return s, nil
}

// durableFolder is the URI of a folder where the user chose. Workers know no folder from
// which a local one could be told.
func durableFolder(cfg *config.Config, folder string) (string, error) {
	uri := storage.Join(cfg.Staging, folder)
	if !storage.IsLocal(uri) {
		return uri, nil
	}
	path, err := filepath.Abs(uri)
	if err != nil {
		return "", Failure(uri, err)
	}
	return path, nil
}

// HiddenPrefix begins the names of the hidden folders of runs to that output.
func HiddenPrefix(output string) string { return "." + outputName(output) + ".hyperlake-" }

// outputName is the name of the output without its extension.
func outputName(output string) string {
	return strings.TrimSuffix(path.Base(filepath.ToSlash(output)), ".hyper")
}

// openLocalStaging makes the folder if it is not there, for this user alone, since it holds
// rows, and takes its lock.
func openLocalStaging(folder string) (*Folder, error) {
	folder, err := filepath.Abs(folder)
	if err == nil {
		err = storage.CheckLength(folder)
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(folder), 0o777)
	}
	if err == nil {
		err = os.Mkdir(folder, 0o700)
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		return nil, Failure(folder, err)
	}
	s := &Folder{URI: folder, Local: folder, lock: storage.NewLock(filepath.Join(folder, lockName)), forget: func() {}}
	if locked, err := s.lock.TryLock(); err != nil || !locked {
		return nil, Failure(folder, errors.Join(err, errors.New("another process has its lock")))
	}
	return s, nil
}

// openRemoteStaging needs no more than a name: remote folders are there when they hold something.
func openRemoteStaging(uri string) (*Folder, error) {
	local, err := os.MkdirTemp("", "hyperlake-")
	if err != nil {
		return nil, Failure(uri, err)
	}
	return &Folder{URI: uri, Local: local, forget: guard.RemoveAtDeath(local)}, nil
}

// Failure is an error of kind Storage about a folder of staging, with what to do about it.
func Failure(uri string, err error) error {
	return failure.New(failure.Storage, "staging %s: %w", uri, err).
		WithHint("%s", cmp.Or(storage.Hint(err), "check that the folder can be written, or set staging in the configuration"))
}

const (
	// sweepTime bounds how long a run takes to remove what it left on remote storage.
	sweepTime = 2 * time.Minute

	// closeTime bounds what a run still does that may have been interrupted: nobody waits for
	// long then.
	closeTime = 10 * time.Second
)

// Closing is a context for what a run does at its end: it outlives ctx by a little.
func Closing(ctx context.Context) (context.Context, context.CancelFunc) {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepTime)
	forget := context.AfterFunc(ctx, func() { time.AfterFunc(closeTime, cancel) })
	return closing, func() { forget(); cancel() }
}

// Remove removes the folder and all it holds. What resists is an error of kind Storage.
func (s *Folder) Remove(ctx context.Context) error {
	err := os.RemoveAll(s.Local)
	if s.lock == nil {
		err = errors.Join(err, storage.Remove(ctx, s.URI))
	}
	return s.close(err)
}

// Keep leaves the folder for another run. Of what it holds, the manifest stays and the files
// that are named; what attempts left that did not finish goes. It fails with storage's own error where
// something cannot be removed, and as [Folder.Release] does; the folder is left in any case.
func (s *Folder) Keep(ctx context.Context, files []string) error {
	err := s.sweep(ctx, files)
	return errors.Join(err, s.Release(ctx)) // whatever stays, the run has ended
}

// Release leaves the folder for another run, as it is, and says in it that this one ended. It fails with one
// of kind Storage where that cannot be written; the lock is given up all the same.
func (s *Folder) Release(ctx context.Context) error {
	s.run.Ended = time.Now().UTC()
	return s.close(s.run.write(ctx, s.URI))
}

// close ends the use of the folder. err is what went wrong with it before.
func (s *Folder) close(err error) error {
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	} else {
		err = errors.Join(err, os.RemoveAll(s.Local))
	}
	if err != nil {
		return Failure(s.URI, err)
	}
	s.forget()
	return nil
}

// ID is the name of the folder.
func (s *Folder) ID() string { return path.Base(filepath.ToSlash(s.URI)) }

func (s *Folder) sweep(ctx context.Context, files []string) error {
	store, err := storage.For(s.URI)
	if err != nil {
		return err
	}
	there, err := store.Glob(ctx, storage.Join(storage.EscapeGlob(s.URI), "**"))
	if err != nil {
		return err
	}
	stays := map[string]bool{storage.Join(s.URI, runFileName): true, storage.Join(s.URI, lockName): true}
	for _, file := range files {
		stays[file] = true
	}
	manifest := storage.Join(s.URI, ManifestFolder, "")
	for _, file := range there {
		if !stays[file.URI] && !strings.HasPrefix(file.URI, manifest) {
			err = errors.Join(err, store.RemoveAll(ctx, file.URI))
		}
	}
	return err
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
	lock := storage.NewLock(lockPath)
	if locked, err := lock.TryLock(); err != nil || !locked {
		return // its run is alive
	}
	defer lock.Close()
	_ = os.RemoveAll(path)
}

// ManifestFolder is where the manifest of a run is, on its staging: the durable list of what
// attempts at shards finished. Each entry is a file of its own, which is written after what
// it lists is there, and never changed. The steps of an attempt make their entries one after
// another; the attempt is whole when their numbers add up, which package job finds out.
const ManifestFolder = "manifest"
