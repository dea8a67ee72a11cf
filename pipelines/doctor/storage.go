package doctor

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/dustin/go-humanize"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/plan"
	"hyperlake/pipelines/staging"
	"hyperlake/runners/options"
)

// checkStagingFolder tries staging, and says what workers elsewhere need of it.
func (d doctor) checkStagingFolder(ctx context.Context) (string, error) {
	if d.cfg.Staging == "" {
		if !storage.IsLocal(d.cfg.Output.Path) {
			return "not set: a temporary folder of this machine is taken", nil
		}
		return "not set: a hidden folder beside the output is taken", nil
	}
	place, err := TryFolder(ctx, d.cfg.Staging)
	if err != nil {
		return "", failure.New(failure.Storage, "%w", err).
			WithHint("%s", cmp.Or(storage.Hint(err), "check that the folder can be written, or set staging to another"))
	}
	found, err := d.describe(d.cfg.Staging, place)
	if _, local := storage.LocalPath(d.cfg.Staging); err == nil && local &&
		d.cfg.Runner.Name == options.RunnerFlink && d.cfg.Runner.Flink.Environment != options.FlinkLoopback {
		err = caution("it must be the same folder, by the same path, on this machine and on those of all workers; "+
			"else set staging to gs://BUCKET/FOLDER", "%s; workers may run on other machines", found)
	}
	return found, err
}

// checkOutputFolder tries the folder of the output, which should have room for as much as
// there is to read.
func (d doctor) checkOutputFolder(ctx context.Context) (string, error) {
	path, local := storage.LocalPath(d.cfg.Output.Path)
	if stat, err := os.Stat(path); local && err == nil && stat.IsDir() {
		return "", failure.New(failure.Storage, "%s is a folder, but the output is a file", path).WithHint("set output.path to another name")
	}
	folder := d.cfg.Output.Path[:strings.LastIndexAny(filepath.ToSlash(d.cfg.Output.Path), "/")+1]
	place, err := TryFolder(ctx, folder)
	if err != nil {
		return "", failure.New(failure.Storage, "%w", err).
			WithHint("%s", cmp.Or(storage.Hint(err), "check that the folder can be written, or set output.path"))
	}
	found, err := d.describe(folder, place)
	if err != nil {
		return found, err
	}
	if !local {
		return found, checkLock(ctx, folder)
	}
	free, err := storage.FreeBytes(place)
	if needed := d.sourceBytes(ctx); err == nil && free < uint64(needed) {
		err = caution("free some space, or set output.path to another disk: an extract is about as large as its files, "+
			"and partials are beside it until they are merged",
			"%s, but the files to load have %s", found, humanize.Bytes(uint64(needed)))
	}
	return found, err
}

// checkMetricsFolder tries the folder of the metrics, which whoever reads them names, too.
func (d doctor) checkMetricsFolder(ctx context.Context) (string, error) {
	folder := filepath.Dir(d.cfg.Metrics.TextFile)
	place, err := TryFolder(ctx, folder)
	switch stat, statErr := os.Stat(d.cfg.Metrics.TextFile); {
	case err != nil:
		return "", failure.New(failure.Storage, "%w", err).
			WithHint("%s", cmp.Or(storage.Hint(err), "check that the folder can be written, or set metrics.textfile"))
	case statErr == nil && !stat.Mode().IsRegular():
		return "", failure.New(failure.Storage, "%s is no file", d.cfg.Metrics.TextFile).WithHint("set metrics.textfile to another name")
	case filepath.Clean(place) != filepath.Clean(folder):
		return "", caution("see that it is the folder that --collector.textfile.directory of node_exporter names",
			"there is no folder %s yet: a run makes it", folder)
	}
	return folder + " can be written", nil
}

// describe says that a folder works, and how much room is there, if that is bounded.
func (d doctor) describe(folder, place string) (string, error) {
	if !storage.IsLocal(folder) {
		return folder + " can be written, read and removed from", nil
	}
	free, err := storage.FreeBytes(place)
	if err != nil {
		return "", err
	}
	missing := ""
	if filepath.Clean(folder) != filepath.Clean(place) {
		missing = ", where a run makes " + folder
	}
	return fmt.Sprintf("%s can be written, %s free%s", place, humanize.Bytes(free), missing), nil
}

// TryFolder writes a small file, reads it back and removes it. A local folder that a run
// would make is not made: the nearest around it has to do. It returns the one that did. It fails with the
// error of storage itself, of no kind yet, and where what is read back is something else.
func TryFolder(ctx context.Context, folder string) (place string, err error) {
	store, err := storage.For(folder)
	if err != nil {
		return "", err
	}
	id, err := staging.NewRunID()
	if err != nil {
		return "", err
	}
	if storage.IsLocal(folder) {
		folder = storage.Standing(folder)
	}
	uri, text := storage.Join(folder, ".hyperlake-doctor-"+id), []byte(id)
	if err := store.Put(ctx, uri, text); err != nil {
		return "", err
	}
	read, err := store.Get(ctx, uri)
	if removeErr := store.RemoveAll(context.WithoutCancel(ctx), uri); err == nil {
		err = removeErr
	}
	if err == nil && !bytes.Equal(read, text) {
		err = errors.New("what was written is read back as something else")
	}
	return folder, err
}

// lookOnce looks at a source when it is asked for the first time. The checks that ask begin, and end, at the same time.
func lookOnce(source config.SourceConfig) func(ctx context.Context) (*plan.Survey, error) {
	var once sync.Once
	var found *plan.Survey
	var err error
	return func(ctx context.Context) (*plan.Survey, error) {
		once.Do(func() { found, err = plan.Look(ctx, source) })
		return found, err
	}
}

// sourceCheck looks for the files of a table, and reads the footer of one.
func (d doctor) sourceCheck(number int) Check {
	table := d.cfg.Tables[number]
	return Check{fmt.Sprintf("source of %s.%s", table.Schema, table.Name), func(ctx context.Context) (string, error) {
		found, err := d.surveys[number](ctx)
		if err != nil {
			return "", err
		}
		globs := strings.Join(table.Source.URI, ", ")
		if found.Files == 0 {
			hint := plan.WhyNoFiles(ctx, table.Source.URI, "source.uri")
			if d.cfg.OnEmpty == config.OnEmptyAllow {
				return "", caution(hint, "no files match %s: the table would be empty", globs)
			}
			return "", failure.New(failure.Source, "no files match %s", globs).WithHint("%s", hint)
		}
		footer, err := found.FirstFooter(ctx)
		if err != nil {
			return "", err
		}
		says := fmt.Sprintf("%s, %s; the footer of %s can be read (%s)",
			words.Count(int64(found.Files), "file"), humanize.Bytes(uint64(found.Bytes)), found.First, words.Count(footer.Rows, "row"))
		if found.Version != nil {
			says = fmt.Sprintf("%s: %s", found.Version, says)
		}
		if len(found.Warnings) > 0 {
			return "", caution(strings.Join(found.Warnings, "; "), "%s", says)
		}
		return says, nil
	}}
}

// sourceBytes is how much there is to read, as far as that is known: what cannot be listed,
// the checks of the sources tell.
func (d doctor) sourceBytes(ctx context.Context) int64 {
	var sum int64
	for _, look := range d.surveys {
		if found, err := look(ctx); err == nil {
			sum += found.Bytes
		}
	}
	return sum
}
