package staging

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/scratch"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
)

// CleanOptions say what Clean may remove.
type CleanOptions struct {
	// OlderThan is how long nothing was written to a folder that is removed. Positive; of a
	// local folder it is a minute at least.
	OlderThan time.Duration

	// DryRun has nothing removed.
	DryRun bool

	// Scratch are folders of this machine in which processes make folders for temporary
	// files.
	Scratch []string

	// Boot is the folder in which Beam's boot program makes one for the program of every
	// worker; empty to leave them alone.
	Boot string
}

// CleanOutcome says what became of a folder.
type CleanOutcome string

// What becomes of a folder.
const (
	CleanRemoved     CleanOutcome = "removed"
	CleanWouldRemove CleanOutcome = "would_remove" // but for DryRun
	CleanAlive       CleanOutcome = "kept_alive"   // its run, or its process, lives
	CleanYoung       CleanOutcome = "kept_young"   // something was written to it within OlderThan
	CleanFailed      CleanOutcome = "failed"       // it, or a part of it, is still there
)

// Cleaned is a folder of a run or a process, or an upload of one, and what became of it.
type Cleaned struct {
	Path     string       `json:"path"`
	RunID    string       `json:"run_id,omitempty"` // empty: a folder for temporary files
	Name     string       `json:"name,omitempty"`   // of the run, as far as it is known
	Upload   bool         `json:"upload,omitempty"` // to a file at Path, that was never finished; its size is not known
	Modified time.Time    `json:"modified"`         // when the newest of its files was written, or the upload begun
	Files    int          `json:"files"`
	Bytes    int64        `json:"bytes"`
	Outcome  CleanOutcome `json:"outcome"`
	Error    string       `json:"error,omitempty"` // why it failed
}

// Clean removes the folders that dead runs and processes left: those of runs on the staging
// of cfg and hidden beside its output and what it ingests, where these are set, and those for temporary files.
// What is locked or young stays. On object storage there are no locks: a run that writes nothing for
// as long as OlderThan is taken for dead. Uploads that such runs never finished are aborted, where the storage
// keeps them: those to staging, to the output, to folders of the lake that it fills, and to rejects.
//
// One folder that cannot be removed does not keep others: the error, a failure of kind
// Storage, comes with all that was looked at, in the order of places and names.
func Clean(ctx context.Context, cfg *config.Config, options CleanOptions) ([]Cleaned, error) {
	c := cleaner{options: options, now: time.Now()}
	if cfg.Staging != "" {
		c.cleanRuns(ctx, cfg.Staging, "", "")
	}
	if storage.IsLocal(cfg.Output.Path) && cfg.Output.Path != "" {
		c.cleanRuns(ctx, filepath.Dir(cfg.Output.Path), HiddenPrefix(cfg.Output.Path), outputName(cfg.Output.Path))
	}
	for _, entry := range cfg.Ingest {
		c.cleanIngest(ctx, entry)
	}
	c.cleanUploads(ctx, cfg)
	for _, parent := range options.Scratch {
		c.cleanScratch(ctx, parent)
	}
	if options.Boot != "" {
		c.cleanBoot(ctx, options.Boot)
	}
	return c.seen, c.failure()
}

// cleaner is a Clean under way.
type cleaner struct {
	options CleanOptions
	now     time.Time
	seen    []Cleaned
	errs    []error
}

// leftover is a folder that may be one of a dead run or process.
type leftover struct {
	Cleaned
	store storage.Store
	files []storage.Info
	lock  string // path of the file that its process locks; empty where there are no locks
	runs  string // path of the program that its process runs; empty where that is none of its files
}

// cleanRuns cleans the folders in parent whose names are prefix and the id of a run.
func (c *cleaner) cleanRuns(ctx context.Context, parent, prefix, name string) {
	store, err := storage.For(parent)
	var folders []string
	if err == nil {
		folders, err = store.Folders(ctx, parent)
	}
	if err != nil {
		c.errs = append(c.errs, fmt.Errorf("look into %s: %w", parent, err))
	}
	_, local := storage.LocalPath(parent)
	for _, folder := range folders {
		id, ok := strings.CutPrefix(folder, prefix)
		if !ok || !runIDPattern.MatchString(id) {
			continue
		}
		l := leftover{Cleaned: Cleaned{Path: storage.Join(parent, folder), RunID: id, Name: name}, store: store}
		if local {
			l.lock = filepath.Join(l.Path, lockName)
		}
		c.clean(ctx, l)
	}
}

// cleanUploads aborts uploads that were begun long ago: to folders of runs on staging, to the output, to what is ingested, and to rejects.
func (c *cleaner) cleanUploads(ctx context.Context, cfg *config.Config) {
	if cfg.Staging != "" {
		c.abortUploads(ctx, cfg.Staging, func(below string) (run string, isOurs bool) {
			run, _, inFolder := strings.Cut(below, "/")
			return run, inFolder && runIDPattern.MatchString(run)
		})
	}
	places := []string{cfg.Output.Path}
	for _, table := range cfg.Tables {
		places = append(places, table.Rejects.Path)
	}
	for _, entry := range cfg.Ingest {
		places = append(places, entry.To, entry.Rejects.Path)
	}
	for _, place := range places {
		if place != "" {
			c.abortUploads(ctx, place, func(string) (string, bool) { return "", true })
		}
	}
	if folder, isOne := extractsBeside(cfg); isOne != nil && !storage.IsLocal(folder) {
		c.abortUploads(ctx, folder, func(below string) (string, bool) { return "", isOne(below) })
	}
}

// extractsBeside says where the extracts of a configuration are that makes several, and what their names are like: the number of a
// partial, or a value, stands behind the name of the output. isOne is nil where there is one extract.
func extractsBeside(cfg *config.Config) (folder string, isOne func(name string) bool) {
	isSplit := slices.ContainsFunc(cfg.Tables, func(table config.TableConfig) bool { return table.Repartition.SplitBy != "" })
	isNumbered := cfg.Output.Merge == config.MergeNone
	if !isSplit && !isNumbered {
		return "", nil
	}
	folder, name := path.Split(filepath.ToSlash(cfg.Output.Path))
	before, after := strings.TrimSuffix(name, path.Ext(name))+"-", path.Ext(name)
	return folder, func(name string) bool {
		rest, isBehind := strings.CutPrefix(name, before)
		middle, isExtract := strings.CutSuffix(rest, after)
		return isBehind && isExtract && middle != "" && !strings.Contains(middle, "/") &&
			(isSplit || strings.Trim(middle, "0123456789") == "")
	}
}

// abortUploads aborts the unfinished uploads at and below a place that are ours, as their names below it tell.
func (c *cleaner) abortUploads(ctx context.Context, place string, ours func(below string) (run string, isOurs bool)) {
	uploads, err := storage.FindUnfinished(ctx, place)
	if err != nil {
		c.errs = append(c.errs, fmt.Errorf("look for uploads to %s: %w", place, err))
	}
	for _, upload := range uploads {
		run, isOurs := ours(strings.TrimPrefix(upload.URI, storage.Join(place, "")))
		if !isOurs {
			continue
		}
		seen := Cleaned{Path: upload.URI, RunID: run, Upload: true, Modified: upload.Begun, Outcome: CleanRemoved}
		switch {
		case c.now.Sub(upload.Begun) < c.options.OlderThan:
			seen.Outcome = CleanYoung
		case c.options.DryRun:
			seen.Outcome = CleanWouldRemove
		default:
			if err := upload.Abort(ctx); err != nil {
				seen.Outcome, seen.Error = CleanFailed, err.Error()
				c.errs = append(c.errs, fmt.Errorf("abort the upload to %s: %w", upload.URI, err))
			}
		}
		c.seen = append(c.seen, seen)
	}
}

// cleanScratch cleans the folders for temporary files in parent, but for that of this process.
func (c *cleaner) cleanScratch(ctx context.Context, parent string) {
	folders, err := scratch.Find(parent)
	if err != nil {
		c.errs = append(c.errs, fmt.Errorf("look into %s: %w", parent, err))
	}
	for _, folder := range folders {
		if folder != os.TempDir() {
			c.clean(ctx, leftover{Cleaned: Cleaned{Path: folder}, store: storage.Local{}, lock: filepath.Join(folder, scratch.LockName)})
		}
	}
}

// cleanBoot cleans the folders of programs of workers. One that a worker runs is no leftover.
func (c *cleaner) cleanBoot(ctx context.Context, parent string) {
	folders, err := scratch.FindBoot(parent)
	if err != nil {
		c.errs = append(c.errs, fmt.Errorf("look into %s: %w", parent, err))
	}
	for _, folder := range folders {
		c.clean(ctx, leftover{Cleaned: Cleaned{Path: folder}, store: storage.Local{}, runs: scratch.BootProgram(folder)})
	}
}

// clean looks at one folder and removes it, if it may. One that went away meanwhile was that
// of a run that ended.
func (c *cleaner) clean(ctx context.Context, l leftover) {
	err := l.look(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		l.Outcome, err = c.settle(ctx, l)
	}
	if err != nil {
		l.Outcome, l.Error = CleanFailed, err.Error()
		c.errs = append(c.errs, fmt.Errorf("remove %s: %w", l.Path, err))
	}
	c.seen = append(c.seen, l.Cleaned)
}

// look finds out what is in a folder.
func (l *leftover) look(ctx context.Context) error {
	stat, err := l.store.Stat(ctx, l.Path)
	if err != nil {
		return err
	}
	l.Modified = stat.Modified // of a folder without files; not known on object storage, where there is none
	if l.files, err = l.store.List(ctx, l.Path); err != nil {
		return err
	}
	for _, file := range l.files {
		l.Files++
		l.Bytes += file.Size
		if file.Modified.After(l.Modified) {
			l.Modified = file.Modified
		}
	}
	l.Name = cmp.Or(l.readName(ctx), l.Name)
	return nil
}

// maxRunFileBytes bounds what is read of a file that may be of another program.
const maxRunFileBytes = 1 << 20

// readName reads the name of a run from the file in which it says what it is, if there is one.
func (l *leftover) readName(ctx context.Context) string {
	uri := storage.Join(l.Path, runFileName)
	for _, file := range l.files {
		if filepath.ToSlash(file.URI) != filepath.ToSlash(uri) || file.Size > maxRunFileBytes {
			continue
		}
		if run, err := readRunFile(ctx, uri); err == nil {
			return run.Name
		}
	}
	return ""
}

// settle removes a folder, unless it is locked or young. One that was made just now is left
// alone whatever the options: who made it is about to take its lock, or to run its program.
func (c *cleaner) settle(ctx context.Context, l leftover) (CleanOutcome, error) {
	age := c.now.Sub(l.Modified)
	unlock := func() error { return nil }
	if age < lockGrace && l.lock+l.runs != "" {
		return CleanYoung, nil
	}
	if l.runs != "" {
		if runs, err := scratch.Runs(l.runs); err != nil || runs {
			return CleanAlive, err
		}
	}
	if l.lock != "" {
		lock := storage.FindLock(l.lock) // a lock that is not there is not made
		locked, err := lock.TryLock()
		switch {
		case err == nil && !locked:
			return CleanAlive, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
		unlock = lock.Close
	}
	switch {
	case age < c.options.OlderThan:
		return CleanYoung, unlock()
	case c.options.DryRun:
		return CleanWouldRemove, unlock()
	}
	err := l.store.RemoveAll(ctx, l.Path)
	if unlockErr := unlock(); err == nil {
		return CleanRemoved, unlockErr
	}
	return CleanRemoved, l.store.RemoveAll(ctx, l.Path) // some systems do not remove an open file, as the lock was
}

// failure is what went wrong, of which there may be much.
func (c *cleaner) failure() error {
	if len(c.errs) == 0 {
		return nil
	}
	more := ""
	if len(c.errs) > 1 {
		more = fmt.Sprintf("; and %d more", len(c.errs)-1)
	}
	return failure.New(failure.Storage, "%w%s", c.errs[0], more).
		WithHint("%s", cmp.Or(storage.Hint(c.errs[0]), "check that the folders can be read and written, then clean again"))
}
