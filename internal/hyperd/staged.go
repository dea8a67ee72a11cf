package hyperd

import (
	"context"
	"debug/elf"
	"errors"
	"io/fs"
	"path/filepath"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// workerPlatform is what workers on other machines run.
const workerPlatform = "linux/amd64"

// Staged is a hyperd for Linux on amd64 that lies on staging, for workers on machines that
// have none. Its name holds its content, so that one upload is enough for all runs.
type Staged struct {
	URI     string `json:"uri"`
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"` // in hexadecimal
	Version string `json:"version"`
}

// Stage puts a hyperd for workers on staging, below its folder hyperd, unless it is there:
// the one that [Find] gives for path, or where that is not for Linux on amd64, the pinned
// release, which is fetched as [Install] does. It appears whole or not at all. progress is
// told in words what takes time. Errors are of kind Storage where staging is their cause.
// Safe for concurrent use, also by several processes.
func Stage(ctx context.Context, path, staging string, progress func(string)) (*Staged, error) {
	binary, version, err := forWorkers(ctx, path, progress)
	if err != nil {
		return nil, err
	}
	sum, bytes, err := storage.SHA256(ctx, binary)
	if err != nil {
		return nil, failure.New(failure.Hyperd, "checksum of hyperd: %w", err)
	}
	s := &Staged{Bytes: bytes, SHA256: sum, Version: version}
	s.URI = storage.Join(staging, "hyperd", s.folder(), "hyperd")
	if err := s.upload(ctx, binary, progress); err != nil {
		return nil, failure.New(failure.Storage, "put hyperd for workers on staging: %s: %w", s.URI, err).WithHint("%s", storage.Hint(err))
	}
	return s, nil
}

// forWorkers returns the path and the version of a hyperd that runs on workers.
func forWorkers(ctx context.Context, path string, progress func(string)) (binary, version string, err error) {
	if binary, err = Find(path); err != nil {
		return "", "", err
	}
	if runsOnWorkers(binary) {
		version, err = Version(ctx, binary)
		return binary, version, err
	}
	cache, err := cacheFolder()
	if err != nil {
		return "", "", failure.New(failure.Hyperd, "fetch hyperd for workers: %w", err)
	}
	cache = filepath.Join(cache, "for-workers")
	if r, ok := installedIn(cache, releases[workerPlatform]); ok {
		return r.path(cache), r.hyperd, nil
	}
	in := installer{cache, workerPlatform, releases, progress}
	installed, err := in.install(ctx)
	return installed.Path, installed.Version, err
}

// runsOnWorkers says whether a file is a program for Linux on amd64.
func runsOnWorkers(path string) bool {
	program, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = program.Close() }()
	return program.Machine == elf.EM_X86_64
}

// folder is the name of a folder for this hyperd and no other.
func (s *Staged) folder() string { return s.Version + "-" + s.SHA256 }

// upload puts the hyperd on staging unless it is there. What else stands there is replaced.
func (s *Staged) upload(ctx context.Context, binary string, progress func(string)) error {
	store, err := storage.For(s.URI)
	if err != nil {
		return err
	}
	condition := storage.IfAbsent()
	standing, err := store.Stat(ctx, s.URI)
	switch {
	case err == nil && s.isAt(ctx, standing):
		return nil
	case err == nil:
		condition = storage.IfUnchanged(standing)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	progress("copying hyperd " + s.Version + " to " + s.URI)
	_, err = storage.Upload(ctx, binary, s.URI, condition)
	if errors.Is(err, storage.ErrExists) || errors.Is(err, storage.ErrChanged) {
		return nil // another run was quicker
	}
	return err
}

// isAt says whether a file on staging is the hyperd. Remote storage keeps checksums of its
// own, which reading verifies; there, the size tells.
func (s *Staged) isAt(ctx context.Context, standing storage.Info) bool {
	if standing.Folder || standing.Size != s.Bytes {
		return false
	}
	path, local := storage.LocalPath(standing.URI)
	return !local || s.verify(ctx, path) == nil
}
