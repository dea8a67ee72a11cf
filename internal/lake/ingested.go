package lake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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

// partNames matches the names of parts, and no others that are usual in lakes.
var partNames = regexp.MustCompile(`^ingest-[0-9]{5,}-.+\.parquet$`)

// PartName is the name of a part of a run. No two runs have the same names.
func PartName(index int, runID string) string {
	return fmt.Sprintf("ingest-%05d-%s.parquet", index, runID)
}

// IsPart says whether a file has the name of a part.
func IsPart(name string) bool { return partNames.MatchString(name) }

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
var errReplaced = errors.New("an ingest replaces these files again and again: run again when it has ended")

// listIngested lists files, of which it leaves out the parts that do not belong to what was ingested. Where an ingest replaced parts
// between the listing and the look at what belongs there, it lists again.
func listIngested[T any](ctx context.Context, list func() ([]storage.Info, T, error)) (files []storage.Info, more T, err error) {
	for range mostLists {
		if files, more, err = list(); err != nil {
			return nil, more, err
		}
		files, err = onlyIngested(ctx, files)
		if !errors.Is(err, errReplaced) {
			return files, more, err
		}
	}
	return nil, more, err
}

// onlyIngested leaves out the parts that do not belong to what was ingested into their folders.
func onlyIngested(ctx context.Context, files []storage.Info) ([]storage.Info, error) {
	parts := map[string][]string{} // names by folder
	for _, file := range files {
		if folder, name := split(file.URI); IsPart(name) && !storage.ReadOnly(file.URI) {
			parts[folder] = append(parts[folder], name)
		}
	}
	if len(parts) == 0 {
		return files, nil
	}
	drop, err := foreignParts(ctx, parts)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(files, func(file storage.Info) bool {
		folder, name := split(file.URI)
		return drop[folder] != nil && IsPart(name) && !drop[folder].Names(name)
	}), nil
}

// foreignParts is what was ingested, of the folders in which other parts lie, too.
func foreignParts(ctx context.Context, parts map[string][]string) (map[string]*Ingested, error) {
	folders := make([]string, 0, len(parts))
	for folder := range parts {
		folders = append(folders, folder)
	}
	found := make([]*Ingested, len(folders))
	readers, ctx := errgroup.WithContext(ctx)
	readers.SetLimit(readersOfPointers)
	for i, folder := range folders {
		readers.Go(func() error {
			ingested, err := ReadIngested(ctx, folder)
			if errors.Is(err, fs.ErrNotExist) { // somebody took the files elsewhere
				return nil
			}
			found[i] = ingested
			return err
		})
	}
	if err := readers.Wait(); err != nil {
		return nil, err
	}
	foreign := map[string]*Ingested{}
	for i, folder := range folders {
		if found[i] == nil {
			continue
		}
		named := slices.ContainsFunc(parts[folder], found[i].Names)
		if !named && len(found[i].Parts) > 0 {
			return nil, fmt.Errorf("%s: %w", folder, errReplaced)
		}
		foreign[folder] = found[i]
	}
	return foreign, nil
}

// split divides the URI of a file into its folder and its name.
func split(uri string) (folder, name string) {
	if storage.IsLocal(uri) {
		uri = filepath.ToSlash(uri)
	}
	folder, name = path.Split(uri)
	return strings.TrimSuffix(folder, "/"), name
}
