package refresh

import (
	"cmp"
	"context"
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/report"
)

// historyFolder holds the reports of runs, each in a file of its own, named by its run.
const historyFolder = "runs"

// ingestsFolder holds those of commands that only ingest: however many they are, the runs stay that others are compared with.
const ingestsFolder = "ingests"

// DefaultKeep is how many reports of runs stay, unless somebody says otherwise.
const DefaultKeep = 100

// History is the reports of the runs of a configuration, in the folder of its state. Ids of runs begin with the time, so that
// their order is that of the runs. Its methods are safe for concurrent use of different runs.
type History struct {
	folder string // URI
	store  storage.Store
}

// OpenHistory finds the history in the folder of a state. It fails, with one of kind Config, only where no storage is for the folder.
func OpenHistory(state string) (*History, error) { return openHistory(state, historyFolder) }

// OpenIngests finds, as [OpenHistory] does, the history of what only ingested.
func OpenIngests(state string) (*History, error) { return openHistory(state, ingestsFolder) }

func openHistory(state, folder string) (*History, error) {
	store, err := storage.For(state)
	if err != nil {
		return nil, failure.New(failure.Config, "%w", err).WithHint("set state to another folder")
	}
	return &History{folder: storage.Join(state, folder), store: store}, nil
}

func (h *History) uri(run string) string { return storage.Join(h.folder, run+".json") }

// ReportPlace is where a state keeps the report of a run that has begun, or of an ingest.
func ReportPlace(state string, r *report.Report) string {
	folder := historyFolder
	if r.IngestOnly {
		folder = ingestsFolder
	}
	return storage.Join(state, folder, r.RunID+".json")
}

// Begin notes that a run is under way, and that others of the same output, which are not any more though they did not say so, are
// lost. The run has the lock of its output. It returns the runs before, the oldest first, also where it cannot write. Errors are of
// kind Storage.
func (h *History) Begin(ctx context.Context, r *report.Report) ([]report.Report, error) {
	runs, err := h.Runs(ctx)
	if err != nil {
		return nil, err
	}
	for i := range runs {
		if other := &runs[i]; other.Status == report.Running && other.Output.Path == r.Output.Path {
			other.Status = report.Lost
			err = errors.Join(err, h.write(ctx, other))
		}
	}
	begun := *r
	begun.Status = report.Running
	return runs, errors.Join(err, h.write(ctx, &begun))
}

// End notes what became of a run, and forgets the oldest so that not more than some stay. Errors are of kind Storage.
func (h *History) End(ctx context.Context, r *report.Report, keep int) error {
	if err := h.write(ctx, r); err != nil {
		return err
	}
	names, err := h.names(ctx)
	if err != nil {
		return h.failure("list", err)
	}
	for _, name := range names[:max(len(names)-keep, 0)] {
		err = errors.Join(err, h.store.RemoveAll(ctx, h.uri(name)))
	}
	if err != nil {
		return h.failure("remove the oldest of", err)
	}
	return nil
}

// Runs are the reports, the oldest first. What is no report is left out. Errors are of kind Storage.
func (h *History) Runs(ctx context.Context) ([]report.Report, error) {
	names, err := h.names(ctx)
	if err != nil {
		return nil, h.failure("list", err)
	}
	found := make([]*report.Report, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(reportsAtOnce)
	for i, name := range names {
		group.Go(func() error {
			var r report.Report
			if err := storage.GetJSON(ctx, h.uri(name), &r); err == nil && r.RunID == name && r.Version == report.Version {
				found[i] = &r
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var runs []report.Report
	for _, r := range found {
		if r != nil {
			runs = append(runs, *r)
		}
	}
	slices.SortStableFunc(runs, func(a, b report.Report) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.RunID, b.RunID))
	})
	return runs, nil
}

// reportsAtOnce is how many reports are read at the same time.
const reportsAtOnce = 16

// names are the ids of the runs, sorted.
func (h *History) names(ctx context.Context) ([]string, error) {
	files, err := h.store.List(ctx, h.folder)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range files {
		if name, isReport := strings.CutSuffix(path.Base(filepath.ToSlash(file.URI)), ".json"); isReport {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (h *History) write(ctx context.Context, r *report.Report) error {
	if err := storage.PutJSON(ctx, h.uri(r.RunID), r); err != nil {
		return h.failure("write", err)
	}
	return nil
}

func (h *History) failure(verb string, err error) error {
	return failure.New(failure.Storage, "%s the history in %s: %w", verb, h.folder, err).
		WithHint("see that the folder can be written, or set state to another one")
}
