package lake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"hyperlake/internal/storage"
)

// IngestedFile is the name of the file that says what an ingest left in its folder. No lake has it for one of its own.
const IngestedFile = "_ingest.json"

// IngestedVersion is the version of the layout of [IngestedFile]. Keys may be added, never renamed.
const IngestedVersion = 1

// Ingested is what an ingest left in a folder. Only the parts that it names belong there: others are of a run that has not come to its end,
// or of the one before.
type Ingested struct {
	Version  int       `json:"version"`           // of this layout
	Name     string    `json:"name"`              // of the ingest
	RunID    string    `json:"run_id"`            // of the run
	Source   string    `json:"source"`            // where the rows are from, without credentials
	Rows     int64     `json:"rows"`              // in the parts
	Rejected int64     `json:"rejected"`          // rows that are not in them
	Said     string    `json:"said,omitempty"`    // who said how many rows there are
	Bytes    int64     `json:"bytes"`             // of the parts
	Parts    []Part    `json:"parts"`             // in the order in which they were written
	Started  time.Time `json:"started"`           // in UTC
	Finished time.Time `json:"finished,omitzero"` // in UTC
}

// Part is one Parquet file of an ingest.
type Part struct {
	Name   string `json:"name"` // in the folder
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // in hexadecimal
}

// partNames matches the names of parts, and no others that are usual in lakes. The id of the run is what it captures.
var partNames = regexp.MustCompile(`^ingest-[0-9]{5,}-(.+)\.parquet$`)

// PartName is the name of a part of a run. No two runs have the same names.
func PartName(index int, runID string) string {
	return fmt.Sprintf("ingest-%05d-%s.parquet", index, runID)
}

// IsPart says whether a file has the name of a part.
func IsPart(name string) bool { return partNames.MatchString(name) }

// IsPartOf says whether a file has the name of a part of that run.
func IsPartOf(name, runID string) bool {
	found := partNames.FindStringSubmatch(name)
	return found != nil && found[1] == runID
}

// ReadIngested reads what an ingest says of its folder. A folder without it is fs.ErrNotExist, errors are those of storage.
func ReadIngested(ctx context.Context, folder string) (*Ingested, error) {
	var found Ingested
	err := storage.GetJSON(ctx, storage.Join(folder, IngestedFile), &found)
	if err == nil && found.Version > IngestedVersion {
		err = fmt.Errorf("%s has version %d, which this hyperlake does not know", storage.Join(folder, IngestedFile), found.Version)
	}
	if err != nil {
		return nil, err
	}
	return &found, nil
}

// Names says whether a part of that name belongs to what was ingested.
func (i *Ingested) Names(name string) bool {
	return slices.ContainsFunc(i.Parts, func(p Part) bool { return p.Name == name })
}

const (
	// mostLists is how often files are listed that an ingest replaces meanwhile.
	mostLists = 4

	// readersOfPointers is how many folders are asked at the same time.
	readersOfPointers = 16
)

// errReplaced says that an ingest replaced files while they were listed.
var errReplaced = errors.New("an ingest replaces these files again and again, or somebody removed some: run again when it has ended, " +
	"or ingest anew")

// listIngested lists files, of which it leaves out the parts that do not belong to what was ingested. Where an ingest put parts into place
// between the listing and the look at what belongs there, it lists again.
func listIngested[T any](ctx context.Context, list func() ([]storage.Info, T, error)) (files []storage.Info, more T, err error) {
	before := map[string]string{} // runs by folder, as the last look found them
	for range mostLists {
		if files, more, err = list(); err != nil {
			return nil, more, err
		}
		files, err = onlyIngested(ctx, files, before)
		if !errors.Is(err, errReplaced) {
			return files, more, err
		}
	}
	return nil, more, err
}

// onlyIngested leaves out the parts that do not belong to what was ingested into their folders. Where some that belong there are not
// among the files, it fails with errReplaced, unless the folder is still that of the run that it was of before: then they do not match what
// was asked for. It notes the runs that it finds.
func onlyIngested(ctx context.Context, files []storage.Info, before map[string]string) ([]storage.Info, error) {
	parts := map[string][]string{} // names by folder
	for _, file := range files {
		if folder, name := split(file.URI); IsPart(name) && !storage.ReadOnly(file.URI) {
			parts[folder] = append(parts[folder], name)
		}
	}
	if len(parts) == 0 {
		return files, nil
	}
	ingested, err := readEach(ctx, slices.Collect(maps.Keys(parts)))
	if err != nil {
		return nil, err
	}
	for folder, found := range ingested {
		run, seen := before[folder]
		before[folder] = found.RunID
		missing := slices.DeleteFunc(slices.Clone(found.Parts), func(p Part) bool { return slices.Contains(parts[folder], p.Name) })
		if len(missing) > 0 && (!seen || run != found.RunID) {
			return nil, fmt.Errorf("%s: %w", folder, errReplaced)
		}
		for _, part := range missing {
			if _, err := storage.Stat(ctx, storage.Join(folder, part.Name)); errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("%s is not there: %w", storage.Join(folder, part.Name), errReplaced)
			} else if err != nil {
				return nil, err
			}
		}
	}
	return slices.DeleteFunc(files, func(file storage.Info) bool {
		folder, name := split(file.URI)
		return ingested[folder] != nil && IsPart(name) && !ingested[folder].Names(name)
	}), nil
}

// readEach is what was ingested into folders, by folder. Those of which nothing says so are left out: somebody took the files elsewhere.
func readEach(ctx context.Context, folders []string) (map[string]*Ingested, error) {
	found := make([]*Ingested, len(folders))
	readers, ctx := errgroup.WithContext(ctx)
	readers.SetLimit(readersOfPointers)
	for i, folder := range folders {
		readers.Go(func() error {
			ingested, err := ReadIngested(ctx, folder)
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			found[i] = ingested
			return err
		})
	}
	if err := readers.Wait(); err != nil {
		return nil, err
	}
	ingested := map[string]*Ingested{}
	for i, folder := range folders {
		if found[i] != nil {
			ingested[folder] = found[i]
		}
	}
	return ingested, nil
}

// split divides the URI of a file into its folder and its name.
func split(uri string) (folder, name string) {
	if storage.IsLocal(uri) {
		uri = filepath.ToSlash(uri)
	}
	folder, name = path.Split(uri)
	return strings.TrimSuffix(folder, "/"), name
}
