package hyperd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"hyperlake/internal/failure"
	"hyperlake/internal/guard"
	"hyperlake/internal/storage"
)

// lockInterval is how often to look whether another installation has ended.
const lockInterval = 100 * time.Millisecond

// Installed is a hyperd in the user's cache.
type Installed struct {
	Path         string // of the binary
	Version      string // of hyperd, such as 0.0.26963
	From         string // the package that it came in
	AlreadyThere bool   // it was installed before: nothing was fetched
}

// Install puts a pinned hyperd into the user's cache, where [Find] looks for it, with the texts of
// its licence beside it, unless they are there. pip or npm fetches the package, configured as they are; its checksum is
// verified before anything is unpacked, and every file appears whole or not at all, the binary last.
// progress, which may be nil, is told in words what happens.
//
// It fails with one of kind Hyperd: where Tableau publishes none for this platform, neither pip nor npm can
// fetch it, its checksum is another, or the cache cannot be written.
//
// Safe for concurrent use, also by several processes: one installs, the others wait.
func Install(ctx context.Context, progress func(string)) (Installed, error) {
	if progress == nil {
		progress = func(string) {}
	}
	cache, err := cacheFolder()
	if err != nil {
		return Installed{}, failure.New(failure.Hyperd, "install hyperd: this user has no cache folder: %w", err).
			WithHint("set HOME or XDG_CACHE_HOME, or point %s at a hyperd that you have", pathVariable)
	}
	return installer{cache, platform(), releases, progress}.install(ctx)
}

// installer installs one of the releases for a platform.
type installer struct {
	cache    string
	platform string
	releases map[string][]release
	progress func(string)
}

func (in installer) install(ctx context.Context) (installed Installed, err error) {
	if len(in.releases[in.platform]) == 0 {
		return Installed{}, failure.New(failure.Hyperd, "install hyperd: Tableau publishes none for %s, only for %s",
			in.platform, strings.Join(slices.Sorted(maps.Keys(in.releases)), ", ")).
			WithHint("run hyperlake on one of these platforms")
	}
	if r, ok := in.present(); ok {
		return in.installed(r, true), nil
	}
	if err := os.MkdirAll(in.cache, 0o777); err != nil {
		return Installed{}, failure.New(failure.Hyperd, "install hyperd: %w", err).
			WithHint("set XDG_CACHE_HOME to a folder that can be written, or point %s at a hyperd that you have", pathVariable)
	}
	unlock, err := lockCache(ctx, in.cache, in.progress)
	if err != nil {
		return Installed{}, failure.New(failure.Hyperd, "install hyperd: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if r, ok := in.present(); ok { // another process was quicker
		return in.installed(r, true), nil
	}
	r, err := in.fetchAndPlace(ctx)
	if err != nil {
		return Installed{}, err
	}
	return in.installed(r, false), nil
}

// present is the release whose hyperd [Find] finds, if its texts are there, too.
func (in installer) present() (release, bool) {
	r, ok := installedIn(in.cache, in.releases[in.platform])
	return r, ok && r.textsAreIn(in.cache)
}

func (in installer) installed(r release, alreadyThere bool) Installed {
	return Installed{Path: r.path(in.cache), Version: r.hyperd, From: r.String(), AlreadyThere: alreadyThere}
}

// lockCache waits until no other process or goroutine installs into the cache folder.
func lockCache(ctx context.Context, cache string, progress func(string)) (unlock func() error, err error) {
	lock := flock.New(filepath.Join(cache, "install.lock"))
	locked, err := lock.TryLock()
	if err == nil && !locked {
		progress("waiting for another installation of hyperd to end")
		_, err = lock.TryLockContext(ctx, lockInterval)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	return lock.Unlock, nil
}

// fetchAndPlace installs the first release that can be fetched. Whatever the end, its
// temporary folder is gone.
func (in installer) fetchAndPlace(ctx context.Context) (r release, err error) {
	temp, err := os.MkdirTemp(in.cache, ".install-") // beside the target, so that a rename is enough
	if err != nil {
		return release{}, failure.New(failure.Hyperd, "install hyperd: %w", err)
	}
	forget := guard.RemoveAtDeath(temp)
	defer func() {
		err = errors.Join(err, os.RemoveAll(temp))
		forget()
	}()
	archive, r, err := in.fetch(ctx, temp)
	if err != nil {
		return release{}, err
	}
	found, err := checksum(ctx, archive, r.checksum)
	if err != nil {
		return release{}, failure.New(failure.Hyperd, "install hyperd: checksum of %s: %w", r, err)
	}
	if found != r.checksum {
		return release{}, failure.New(failure.Hyperd, "install hyperd: %s has the checksum %s where %s was expected; nothing was installed",
			r, found, r.checksum).
			WithHint("check which package index %s uses, or point %s at a hyperd that you have", r.tool, pathVariable)
	}
	in.progress("unpacking hyperd " + r.hyperd)
	if err := in.place(ctx, archive, r, temp); err != nil {
		return release{}, failure.New(failure.Hyperd, "install hyperd: %w", err)
	}
	return r, nil
}

// place unpacks what a release installs into temp, and moves it to its places, the binary last: where it is, its texts
// are. A binary that is in place stays, since it may be running.
func (in installer) place(ctx context.Context, archive string, r release, temp string) error {
	unpacked := map[string]string{} // final place → file
	for _, text := range r.texts {
		file := filepath.Join(temp, path.Base(text))
		if err := unpackText(ctx, archive, text, file); err != nil {
			return fmt.Errorf("unpack %w", err)
		}
		unpacked[r.textPath(in.cache, text)] = file
	}
	binary := filepath.Join(temp, "hyperd")
	isThere := r.isIn(in.cache)
	if !isThere {
		if err := unpack(ctx, archive, r.member, r.size, binary); err != nil {
			return fmt.Errorf("unpack %w", err)
		}
	}
	for place, file := range unpacked {
		if err := storage.MoveFile(ctx, file, place); err != nil {
			return err
		}
	}
	if isThere {
		return nil
	}
	return storage.MoveFile(ctx, binary, r.path(in.cache))
}

// fetch has the tools of this machine, one after the other, fetch a release into folder.
func (in installer) fetch(ctx context.Context, folder string) (archive string, r release, err error) {
	var failed []string
	for _, r := range in.releases[in.platform] {
		for _, command := range r.fetchers() {
			if _, err := exec.LookPath(command[0]); err != nil {
				continue
			}
			tool := strings.Join(command, " ")
			in.progress(fmt.Sprintf("fetching %s %s with %s", r.name, r.version, tool))
			archive, err := fetchWith(ctx, command, r, folder)
			switch {
			case ctx.Err() != nil:
				return "", release{}, failure.New(failure.Hyperd, "install hyperd: %w", context.Cause(ctx))
			case err == nil:
				return archive, r, nil
			}
			failed = append(failed, fmt.Sprintf("%s: %v", tool, err))
			in.progress(failed[len(failed)-1])
		}
	}
	return "", release{}, in.unfetched(failed)
}

// unfetched explains that no tool fetched a release.
func (in installer) unfetched(failed []string) error {
	message := "neither pip nor npm was found on PATH"
	if len(failed) > 0 {
		message = "it could not be fetched: " + strings.Join(failed, " | ")
	}
	var ways []string
	for _, r := range in.releases[in.platform] {
		ways = append(ways, fmt.Sprintf("run `%s` and unpack %s", r.byHand(), r.member))
	}
	return failure.New(failure.Hyperd, "install hyperd: %s", message).
		WithHint("make pip or npm work; or %s, and set %s to that file", strings.Join(ways, ", or "), pathVariable)
}
