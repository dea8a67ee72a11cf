package job

import (
	"cmp"
	"context"
	"os"
	"slices"

	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
	"hyperlake/sinks/hyper"
	"hyperlake/sinks/rejects"
)

// Result is what a finished job tells the driver. Of several attempts at it the last one
// stands; each speaks of a complete extract.
type Result struct {
	Extract hyper.File        `json:"extract"`
	Outputs []hyper.File      `json:"outputs,omitempty"` // where there are several; then Extract has no file, only the sums
	Staying []hyper.File      `json:"-"`                 // extracts that stand at their places already, beside Outputs
	Rejects []rejects.Account `json:"rejects"`           // one for each table

	// Disputed are files of which hyperd and Go keep different rows. With any, the extract
	// must not be used.
	Disputed []hyper.Doubtful `json:"disputed,omitempty"`
}

// readResult reads what recordFn wrote.
func readResult(ctx context.Context, uri string) (Result, error) {
	var r Result
	if err := storage.GetJSON(ctx, uri, &r); err != nil {
		return r, failure.New(failure.Engine, "the job ended without a result: %w", err)
	}
	return r, nil
}

// Files are the finished extracts of a job: the one, which has no name, or several by their names.
func (r *Result) Files() []hyper.File {
	if r.Extract.Path != "" {
		return []hyper.File{r.Extract}
	}
	return r.Outputs
}

// All are the extracts of a job, and those beside them that stay as they are, by their names.
func (r *Result) All() []hyper.File {
	return slices.SortedFunc(slices.Values(slices.Concat(r.Files(), r.Staying)), byName)
}

func byName(a, b hyper.File) int { return cmp.Compare(a.Target.Name, b.Target.Name) }

// addOutputs takes several extracts, and adds their accounts up, with those of rows of which
// none is left.
func (r *Result) addOutputs(extracts func(*hyper.File) bool, tables int) {
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
	slices.SortFunc(r.Outputs, byName)
}

// FetchAndCount makes every extract local and counts their rows, by table. Those that are not
// merged are counted one after another, and stay where they are: nowhere has to be room for all. An
// extract that is not the one that was written is an error of kind Storage, one that hyperd cannot count
// of kind Hyperd.
func (r *Result) FetchAndCount(
	ctx context.Context, lease *hyperd.Lease, layout hyper.Layout, folder string, keep bool,
) (counted []int64, err error) {
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

// Sealed notes the checksums of the files, in the order of [Result.Files], once they are durable.
func (r *Result) Sealed(sums []string) {
	if r.Extract.Path != "" {
		r.Extract.SHA256 = sums[0]
		return
	}
	for i := range r.Outputs {
		r.Outputs[i].SHA256 = sums[i]
	}
}
