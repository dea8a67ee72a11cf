package pipelines

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
	"hyperlake/sinks/hyper"
	"hyperlake/transforms/repartition"
)

// ReportExtract is one of several extracts: of a table that is split by a column, or of
// partials that are not merged.
type ReportExtract struct {
	Value  string `json:"value"` // as the name of the file spells it; without a merge its number, 00001-of-00008
	Path   string `json:"path"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// files are the finished extracts of a job.
func (r *result) files() []hyper.File {
	if r.Extract.Path != "" {
		return []hyper.File{r.Extract}
	}
	return r.Outputs
}

// addOutputs takes several extracts, and adds their accounts up, with those of rows of which
// none is left.
func (r *result) addOutputs(extracts func(*hyper.File) bool, tables int) {
	r.Extract.Tables = make([]hyper.Contents, tables)
	for file := (hyper.File{}); extracts(&file); file = (hyper.File{}) {
		for i, contents := range file.Tables {
			r.Extract.Tables[i].Rows += contents.Rows
			r.Extract.Tables[i].Tally.Add(contents.Tally)
		}
		r.Extract.Partials += file.Partials
		if file.Target.Name != "" {
			r.Outputs = append(r.Outputs, file)
		}
	}
	slices.SortFunc(r.Outputs, func(a, b hyper.File) int { return cmp.Compare(a.Target.Name, b.Target.Name) })
}

// fetchAndCount makes every extract local and counts their rows, by table. Those that are not
// merged are counted one after another, and stay where they are: nowhere has to be room for all.
func (r *result) fetchAndCount(ctx context.Context, lease *hyperd.Lease, layout hyper.Layout, folder string, keep bool) (counted []int64, err error) {
	counted = make([]int64, len(layout.Tables))
	fetch := func(file *hyper.File) error {
		path, err := hyper.Fetch(ctx, *file, folder)
		if err != nil {
			return err
		}
		counts, err := hyper.Count(ctx, lease, layout, path)
		for i := range counts {
			counted[i] += counts[i]
		}
		if !keep {
			file.Path = path
		} else if path != file.Path && err == nil {
			err = os.Remove(path)
		}
		return err
	}
	if r.Extract.Path != "" {
		return counted, fetch(&r.Extract)
	}
	for i := range r.Outputs {
		if err := fetch(&r.Outputs[i]); err != nil {
			return nil, err
		}
	}
	return counted, nil
}

// seal makes the extracts durable, and returns their checksums.
func seal(ctx context.Context, extracts []hyper.File) ([]string, error) {
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

// sealed notes what seal found out.
func (r *result) sealed(sums []string) {
	if r.Extract.Path != "" {
		r.Extract.SHA256 = sums[0]
		return
	}
	for i := range r.Outputs {
		r.Outputs[i].SHA256 = sums[i]
	}
}

// moveAll puts the extracts into place: one as a whole or not at all, several one after
// another, once it is known that all are good.
func (r *run) moveAll(ctx context.Context, built result) (work, error) {
	if built.Extract.Path != "" {
		return r.move(ctx, built.Extract)
	}
	places := outputPlaces(r.cfg.Output.Path, built.Outputs)
	for i, place := range places {
		if slices.Contains(places[:i], place) {
			return work{}, failure.New(failure.Engine, "two extracts would be %s", place).WithHint("nothing was moved into place; report this as a defect")
		}
		if err := checkOutputPlace(ctx, place); err != nil {
			return work{}, err
		}
	}
	if r.cfg.Output.Merge == MergeNone { // until all are in place, nobody may take them for a set
		if err := removeSet(ctx, r.cfg.Output.Path); err != nil {
			return work{}, err
		}
	}
	for i, extract := range built.Outputs {
		if err := moveExtract(ctx, extract, places[i]); err != nil {
			return work{}, failure.New(failure.Storage, "move extract %d of %d to %s: %w", i+1, len(places), places[i], err).
				WithHint("those before it, which the report lists, are in place; correct the cause and run again: %s", storage.Hint(err))
		}
		r.report.movedOne(extract, places[i])
	}
	if r.cfg.Output.Merge == MergeNone {
		if err := writeSet(ctx, r.cfg.Output.Path, r.report); err != nil {
			return work{}, err
		}
	}
	return work{rows: r.report.rowsLoaded(), bytes: r.report.Output.Bytes}, r.warnOfOthers(ctx, places)
}

// moveExtract moves an extract to its place, whole or not at all. One on remote storage is
// copied from there.
func moveExtract(ctx context.Context, extract hyper.File, place string) error {
	path, local := storage.LocalPath(extract.Path)
	if local {
		return moveTo(ctx, path, place)
	}
	send := func(condition storage.Condition) error {
		_, err := storage.Copy(ctx, storage.Info{URI: extract.Path, Size: extract.Bytes, Generation: extract.Generation}, place, condition)
		return err
	}
	if _, local := storage.LocalPath(place); local {
		return send(storage.Any())
	}
	return overwrite(ctx, place, send)
}

// outputPlaces are the paths of several extracts: NAME-VALUE.hyper beside the output.
func outputPlaces(output string, extracts []hyper.File) []string {
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

// warnOfOthers names files that look like extracts of an earlier run, of values that no
// longer occur or of another number of partials. They are left alone: they may be something else.
func (r *run) warnOfOthers(ctx context.Context, places []string) error {
	folder, base := splitOutput(r.cfg.Output.Path)
	store, err := storage.For(r.cfg.Output.Path)
	if err != nil {
		return err
	}
	found, err := store.Glob(ctx, storage.Join(storage.EscapeGlob(folder), storage.EscapeGlob(base)+"-*.hyper"))
	if err != nil {
		r.warn(fmt.Sprintf("the folder of the output could not be searched for extracts of earlier runs: %v", err))
		return nil
	}
	var others []string
	for _, file := range found {
		name := path.Base(filepath.ToSlash(file.URI))
		if !slices.Contains(places, file.URI) && (r.cfg.Output.Merge != MergeNone || isNumbered(name, base)) {
			others = append(others, name)
		}
	}
	if len(others) > 0 {
		like := "of a value that no longer occurs"
		if r.cfg.Output.Merge == MergeNone {
			like = "of an earlier run"
		}
		r.warn(fmt.Sprintf("%s like an extract %s, and left as it is: %s",
			words.Plural(int64(len(others)), "a file is named", "files are each named"), like, strings.Join(others, ", ")))
	}
	return nil
}

func (r *run) warn(message string) {
	r.report.Warnings = append(slices.Clip(r.report.Warnings), message)
	r.options.Log.Warn(message)
}

// movedOne notes that one of several extracts is in place.
func (r *Report) movedOne(extract hyper.File, place string) {
	var rows int64
	for _, contents := range extract.Tables {
		rows += contents.Rows
	}
	r.Output.Bytes += extract.Bytes
	r.Outputs = append(r.Outputs, ReportExtract{
		Value: extract.Target.Name, Path: place, Rows: rows, Bytes: extract.Bytes, SHA256: extract.SHA256,
	})
}

// addChecks adds what the checks said of an extract, which has a name where there are
// several. A check passes if it passes for all of them; of the others the first is told.
func (t *ReportTable) addChecks(name string, results []CheckResult) {
	if len(t.Checks) == 0 {
		t.Checks = make([]CheckResult, 0, len(results))
	}
	for i, result := range results {
		if !result.Passed && name != "" {
			result.Message = fmt.Sprintf("in the extract of %s: %s", name, result.Message)
		}
		switch {
		case i == len(t.Checks):
			t.Checks = append(t.Checks, result)
		case t.Checks[i].Passed:
			t.Checks[i] = result
		}
	}
}
