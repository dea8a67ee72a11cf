package output

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/job"
	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/repartition"
)

// Seal makes the extracts durable, and returns their checksums. It fails with one of kind Storage where a
// local one cannot be read back or flushed.
func Seal(ctx context.Context, extracts []hyper.File) ([]string, error) {
	sums := make([]string, len(extracts))
	for i, extract := range extracts {
		path, local := storage.LocalPath(extract.Path)
		if !local { // it was verified when it was counted
			sums[i] = extract.SHA256
			continue
		}
		var err error
		if sums[i], _, err = storage.SHA256(ctx, path); err == nil {
			err = storage.Sync(path)
		}
		if err != nil {
			return nil, failure.New(failure.Storage, "read back %s: %w", extract.Path, err).WithHint("%s", storage.Hint(err))
		}
	}
	return sums, nil
}

// Move puts the extracts of a job into place: one as a whole or not at all, several one after
// another, once it is known that all are good. Those that stay where they stand are not touched. The report says what is in place,
// after a failure, too; warn is told of files that look like extracts of an earlier run. Nothing is put into place any more once held
// fails, which says whether the run may write there. It returns the versions of the extracts at their places, in the order of
// [job.Result.All]. Its errors are of kind Storage, or Config where a folder stands in the way.
func Move(
	ctx context.Context, output config.OutputConfig, built job.Result, report *report.Report, held func() error, warn func(string),
) (versions []string, err error) {
	if built.Extract.Path == "" {
		return moveAll(ctx, output, built.All(), report, held, warn)
	}
	placed, err := moveOne(ctx, output.Path, built.Extract, report, held)
	return []string{placed.Version}, err
}

// moveAll puts several extracts into place.
func moveAll(
	ctx context.Context, output config.OutputConfig, extracts []hyper.File, report *report.Report, held func() error, warn func(string),
) (versions []string, err error) {
	places := Places(output.Path, extracts)
	if err := checkPlaces(ctx, places); err != nil {
		return nil, err
	}
	if err := held(); err != nil {
		return nil, err
	}
	if output.Merge == config.MergeNone { // until all are in place, nobody may take them for a set
		if err := removeSet(ctx, output.Path); err != nil {
			return nil, err
		}
	}
	for i, extract := range extracts {
		version, err := moveExtract(ctx, extract, places[i], held)
		if err != nil {
			return nil, failure.New(failure.Storage, "move extract %d of %d to %s: %w", i+1, len(places), places[i], err).
				WithHint("those before it, which the report lists, are in place; correct the cause and run again: %s", storage.Hint(err))
		}
		noteExtract(report, extract, places[i])
		versions = append(versions, version)
	}
	if output.Merge == config.MergeNone {
		if err := held(); err != nil {
			return nil, err
		}
		if err := writeSet(ctx, output.Path, report); err != nil {
			return nil, err
		}
	}
	WarnOfOthers(ctx, output, places, warn)
	return versions, nil
}

// checkPlaces refuses paths of which two are the same, and those where no file can be.
func checkPlaces(ctx context.Context, places []string) error {
	for i, place := range places {
		if slices.Contains(places[:i], place) {
			return failure.New(failure.Engine, "two extracts would be %s", place).WithHint("nothing was moved into place; report this as a defect")
		}
		if err := CheckPlace(ctx, place); err != nil {
			return err
		}
	}
	return nil
}

// Places are the paths of extracts: the output itself of the one extract, which has no name, and NAME-VALUE.hyper beside it of several.
func Places(output string, extracts []hyper.File) []string {
	if len(extracts) == 1 && extracts[0].Target.Name == "" {
		return []string{output}
	}
	folder, name := splitOutput(output)
	values := make([]string, len(extracts))
	for i, extract := range extracts {
		values[i] = extract.Target.Name
	}
	places := repartition.OutputNames(name, values)
	for i := range places {
		places[i] = storage.Join(folder, places[i]+".hyper")
	}
	return places
}

// splitOutput is the folder of a path, and the name in it without .hyper.
func splitOutput(output string) (folder, name string) {
	folder, name = path.Split(output)
	if local, ok := storage.LocalPath(output); ok {
		folder, name = filepath.Split(local)
	}
	return folder, name[:len(name)-len(".hyper")]
}

// WarnOfOthers names files beside several extracts, at places, that look like those of an earlier run, of values that no
// longer occur or of another number of partials. They are left alone: they may be something else.
func WarnOfOthers(ctx context.Context, output config.OutputConfig, places []string, warn func(string)) {
	folder, base := splitOutput(output.Path)
	found, err := glob(ctx, storage.Join(storage.EscapeGlob(folder), storage.EscapeGlob(base)+"-*.hyper"))
	if err != nil {
		warn(fmt.Sprintf("the folder of the output could not be searched for extracts of earlier runs: %v", err))
		return
	}
	var others []string
	for _, file := range found {
		name := path.Base(filepath.ToSlash(file.URI))
		if !slices.Contains(places, file.URI) && (output.Merge != config.MergeNone || isNumbered(name, base)) {
			others = append(others, name)
		}
	}
	if len(others) > 0 {
		like := "of a value that no longer occurs"
		if output.Merge == config.MergeNone {
			like = "of an earlier run"
		}
		warn(fmt.Sprintf("%s like an extract %s, and left as it is: %s",
			words.Plural(int64(len(others)), "a file is named", "files are each named"), like, strings.Join(others, ", ")))
	}
}

func glob(ctx context.Context, pattern string) ([]storage.Info, error) {
	store, err := storage.For(pattern)
	if err != nil {
		return nil, err
	}
	return store.Glob(ctx, pattern)
}

// noteExtract notes that one of several extracts is in place.
func noteExtract(r *report.Report, extract hyper.File, place string) {
	r.Output.Bytes += extract.Bytes
	r.Outputs = append(r.Outputs, Extract(extract, place))
}

// Extract is an extract at its place, as reports have it.
func Extract(extract hyper.File, place string) report.Extract {
	return report.Extract{Value: extract.Target.Name, Path: place, Rows: extract.Rows(), Bytes: extract.Bytes, SHA256: extract.SHA256}
}
