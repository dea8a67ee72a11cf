package hyperd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"hyperlake/internal/failure"
	"hyperlake/internal/guard"
	"hyperlake/internal/machine"
	"hyperlake/internal/storage"
)

// locate returns the hyperd to run: what [Find] finds on this machine, else the staged
// one. Path is of the machine that read the configuration: where nothing is at that path
// here, the staged hyperd, which is that very file, takes its place. A wrong HYPERD_PATH
// is of this machine, and stays an error.
func (c Config) locate(ctx context.Context) (string, error) {
	path, err := Find(c.Path)
	if err == nil || c.Staged == nil || c.Path == "" && os.Getenv(pathVariable) != "" {
		return path, err
	}
	path, stagedErr := c.Staged.install(ctx)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if stagedErr != nil {
		return "", failure.New(failure.Hyperd, "%v; nor can the one on staging be used: %s: %w", err, c.Staged.URI, stagedErr).Retryable().
			WithHint("put hyperd into the image of workers, or set %s on their machines; "+
				"if the copy on staging is damaged, remove it, and the next run makes a new one", pathVariable)
	}
	return path, nil
}

// install returns the path of a verified copy on this machine, which it makes if there is
// none. Of several workers that want one at the same time, one makes it. A worker that is
// killed in the middle leaves nothing that another would take for a copy.
func (s *Staged) install(ctx context.Context) (path string, err error) {
	cache, err := writableCache()
	if err != nil {
		return "", err
	}
	path = filepath.Join(cache, s.folder(), "hyperd")
	if s.verify(ctx, path) == nil {
		return path, nil
	}
	unlock, err := lockCache(ctx, cache, func(string) {})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if s.verify(ctx, path) == nil { // another worker was quicker
		return path, nil
	}
	return path, s.fetch(ctx, cache, path)
}

// fetch puts a verified copy at path, which is in the folder cache.
func (s *Staged) fetch(ctx context.Context, cache, path string) (err error) {
	info, err := storage.Stat(ctx, s.URI)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(cache, ".staged-") // beside the target, so that a rename is enough
	if err != nil {
		return err
	}
	forget := guard.RemoveAtDeath(temp)
	defer func() {
		err = errors.Join(err, os.RemoveAll(temp))
		forget()
	}()
	fetched := filepath.Join(temp, "hyperd")
	if err := storage.Download(ctx, info, fetched); err != nil {
		return err
	}
	if err := makeExecutable(fetched); err != nil {
		return err
	}
	if err := s.verify(ctx, fetched); err != nil {
		return err
	}
	return storage.MoveFile(ctx, fetched, path)
}

// makeExecutable lets those run a file who may read it.
func makeExecutable(path string) error {
	stat, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Chmod(path, stat.Mode()|stat.Mode()&0o444>>2)
}

// verify says in what a local file differs from the hyperd.
func (s *Staged) verify(ctx context.Context, path string) error {
	return storage.VerifySHA256(ctx, path, s.Bytes, s.SHA256)
}

// writableCache returns a folder for hyperds of this machine: in the user's cache, or where
// that cannot be written, as in many containers, below the folder for temporary files.
func writableCache() (string, error) {
	var tried [2]error
	for i, place := range [...]func() (string, error){cacheFolder, temporaryCache} {
		folder, err := place()
		if err == nil {
			err = writable(folder)
		}
		if err == nil {
			return folder, nil
		}
		tried[i] = err
	}
	return "", fmt.Errorf("no folder to install it into: %w; %w", tried[0], tried[1])
}

func temporaryCache() (string, error) {
	folder, err := machine.Folder()
	return filepath.Join(folder, "hyperd"), err
}

// writable makes a folder, and says why nothing can be written there.
func writable(folder string) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	probe, err := os.MkdirTemp(folder, ".probe-")
	if err != nil {
		return err
	}
	return os.Remove(probe)
}
