package staging

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"time"

	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
)

// runFileName is the file in the folder of a run, on staging that the user chose, that says
// which run it is.
const runFileName = "run.json"

// runFile is what it holds.
type runFile struct {
	Version int       `json:"version"` // 1
	RunID   string    `json:"run_id"`  // of the last run that used the folder
	Name    string    `json:"name"`    // of the configuration
	Output  string    `json:"output"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"` // unless the run is under way, or was killed
}

func (f runFile) write(ctx context.Context, folder string) error {
	return storage.PutJSON(ctx, storage.Join(folder, runFileName), f)
}

func readRunFile(ctx context.Context, uri string) (run runFile, err error) {
	err = storage.GetJSON(ctx, uri, &run)
	return run, err
}

// The notes from which a worker knows its run.
const (
	runFileNote = "hyperlake_run_file" // the URI of the run's file
	runIDNote   = "hyperlake_run_id"
)

// RunNotes are what workers that are other processes need to know of a run to see that it
// has ended, by name. resume is the run whose folder it goes on with, or "". It fails, with one of kind
// Storage, only where the path of a local staging cannot be made absolute.
func RunNotes(cfg *config.Config, id, resume string) (map[string]string, error) {
	if cfg.Staging == "" {
		return nil, nil //nolint:nilnil // then workers are no other processes
	}
	folder, err := durableFolder(cfg, cmp.Or(resume, id))
	return map[string]string{runFileNote: storage.Join(folder, runFileName), runIDNote: id}, err
}

// RunEnded says whether the run of which note tells (see [RunNotes]) has ended: it says so
// itself, its folder is gone, or another run goes on in it. Without notes it has not. Where storage cannot
// tell, it fails with storage's own error: nothing is known then.
func RunEnded(ctx context.Context, note func(name string) string) (bool, error) {
	uri := note(runFileNote)
	if uri == "" {
		return false, nil
	}
	run, err := readRunFile(ctx, uri)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return err == nil && (run.RunID != note(runIDNote) || !run.Ended.IsZero()), err
}
