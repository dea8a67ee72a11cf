package staging

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
)

// ResumeLast stands for the last run of a configuration that did not succeed.
const ResumeLast = "last"

// runIDPattern is what [NewRunID] makes.
var runIDPattern = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$`)

// FindRun returns the id of the run to resume: which is an id, or [ResumeLast]. The run must
// have been of a configuration of the same name, and must have left its folder on staging: one that did not
// is an error of kind Usage, a staging that cannot be searched for the last one is of kind Storage.
func FindRun(ctx context.Context, cfg *config.Config, which string) (id string, err error) {
	if cfg.Staging == "" {
		return "", failure.New(failure.Usage, "--resume needs a configuration with staging: without it, a run leaves nothing behind").
			WithHint("set staging, and run without --resume")
	}
	id = which
	if which == ResumeLast {
		if id, err = lastRun(ctx, cfg); err != nil {
			return "", err
		}
	}
	if !runIDPattern.MatchString(id) {
		return "", failure.New(failure.Usage, "--resume takes last or the id of a run, such as 20260131T235959Z-1a2b3c4d, not %q", which)
	}
	run, err := readRunFile(ctx, storage.Join(cfg.Staging, id, runFileName))
	if err != nil {
		return "", failure.New(failure.Usage, "run %s left nothing on staging %s that could be resumed: %w", id, cfg.Staging, err).
			WithHint("run without --resume")
	}
	if run.Name != cfg.Name {
		return "", failure.New(failure.Usage, "run %s was of the configuration %q, not of %q", id, run.Name, cfg.Name)
	}
	return id, nil
}

// lastRun is the latest run of the configuration's name of which staging has a folder.
func lastRun(ctx context.Context, cfg *config.Config) (id string, err error) {
	store, err := storage.For(cfg.Staging)
	if err != nil {
		return "", err
	}
	found, err := store.Glob(ctx, storage.Join(storage.EscapeGlob(cfg.Staging), "*", runFileName))
	if err != nil {
		return "", Failure(cfg.Staging, err)
	}
	for _, file := range found { // sorted, and ids sort by time
		run, err := readRunFile(ctx, file.URI)
		if err != nil {
			return "", Failure(file.URI, err)
		}
		if folder := path.Base(path.Dir(filepath.ToSlash(file.URI))); run.Name == cfg.Name && runIDPattern.MatchString(folder) {
			id = folder
		}
	}
	if id == "" {
		return "", failure.New(failure.Usage, "staging %s has no run of %q that could be resumed", cfg.Staging, cfg.Name).
			WithHint("run without --resume")
	}
	return id, nil
}

// NewRunID makes a name for a run that sorts by time and that no other run has. It fails only where the
// system has no random numbers.
func NewRunID() (string, error) {
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("make a run id: %w", err)
	}
	return time.Now().UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(random[:]), nil
}
