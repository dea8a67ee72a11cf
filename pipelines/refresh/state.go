package refresh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

const (
	pointerName     = "last.json"
	successesFolder = "successes"
)

// State is the folder in which a configuration remembers its last success. It is used under the lock of the output. Not for
// concurrent use.
type State struct {
	folder   string // URI
	store    storage.Store
	standing *storage.Info // the pointer as it was read or written last; nil if there is none
	pointer  pointer
	found    []*Success // those of the pointer that could be read
	glance   Glance     // as it was read or written last

	// Unreadable is why what stands there could not be read; nil if it could, or nothing stands there.
	Unreadable error
}

// pointer says which runs may have made the extracts that stand at the output: only these themselves tell. It is written
// over the version that was read, and over no other.
type pointer struct {
	Version int    `json:"version"`
	Last    string `json:"last,omitempty"` // the run whose extracts stood there before
	Next    string `json:"next,omitempty"` // the run that began to replace them, and has not said since that it did

	// Extracts are the versions of the extracts of Last, in their order, as their storage calls them: empty of one that is not known.
	Extracts []string `json:"extracts,omitempty"`
}

// Open reads the state in a folder, in which there may be none. What cannot be read is [State.Unreadable]: only an
// interruption, and a folder that no storage is for, are errors.
func Open(ctx context.Context, folder string) (*State, error) {
	store, err := storage.For(folder)
	if err != nil {
		return nil, failure.New(failure.Config, "%w", err).WithHint("set state to another folder")
	}
	s := &State{folder: folder, store: store}
	if err := s.read(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		s.found, s.Unreadable = nil, fmt.Errorf("the state in %s cannot be read: %w", folder, err)
	}
	return s, nil
}

func (s *State) read(ctx context.Context) error {
	uri := storage.Join(s.folder, pointerName)
	info, err := s.store.Stat(ctx, uri)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	s.standing = &info
	text, err := s.store.Get(ctx, uri)
	if err != nil {
		return err
	}
	var found pointer
	if err := json.Unmarshal(text, &found); err != nil {
		return fmt.Errorf("%s: %w", pointerName, err)
	}
	if err := checkVersion(found.Version); err != nil {
		return err
	}
	if found.Last == "" && found.Next == "" {
		return fmt.Errorf("%s names no run", pointerName)
	}
	s.pointer = found
	for _, run := range []string{found.Next, found.Last} {
		success, err := s.readSuccess(ctx, run)
		if err != nil {
			return err
		}
		if success != nil {
			if run == found.Last {
				success.setVersions(found.Extracts)
			}
			s.found = append(s.found, success)
		}
	}
	return nil
}

func checkVersion(version int) error {
	if version != stateVersion {
		return fmt.Errorf("it is of version %d, and this hyperlake reads version %d", version, stateVersion)
	}
	return nil
}

func (s *State) readSuccess(ctx context.Context, run string) (*Success, error) {
	if run == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	var success Success
	if err := storage.GetJSON(ctx, s.successURI(run), &success); err != nil {
		return nil, err
	}
	if success.RunID != run {
		return nil, fmt.Errorf("%s is of the run %s", s.successURI(run), success.RunID)
	}
	return &success, checkVersion(success.Version)
}

func (s *State) successURI(run string) string {
	return storage.Join(s.folder, successesFolder, run+".json")
}

// RejectsFolder is where the rejects of a table of a run are kept.
func (s *State) RejectsFolder(run string, table int) string {
	return storage.Join(s.folder, rejectsFolder, run, fmt.Sprint(table))
}

// rejectsFolder holds the rejects of successes, which no lake around the state has for files of its own.
const rejectsFolder = "_rejects"

// Last is the success whose extracts stand at the output as they were made, all of them or else some, the others being
// [Extract.IsGone]: a run that moved several may have been killed, or somebody else wrote there. It is nil if there is
// none. stands says whether an extract is there.
func (s *State) Last(stands func(Extract) (bool, error)) (*Success, error) {
	var partly *Success
	for _, success := range s.found {
		gone := 0
		for i := range success.Extracts {
			isThere, err := stands(success.Extracts[i])
			if err != nil {
				return nil, err
			}
			if !isThere {
				success.Extracts[i].IsGone = true
				gone++
			}
		}
		switch {
		case gone == 0:
			return success, nil
		case partly == nil && gone < len(success.Extracts):
			partly = success
		}
	}
	return partly, nil
}

// HasAny says whether there ever was a success that is remembered.
func (s *State) HasAny() bool { return len(s.found) > 0 }

// Begin remembers what is about to be moved into place, where the extracts of standing stand, or others if that is nil:
// whatever happens then, the next run knows what it finds there. Errors are of kind Storage.
func (s *State) Begin(ctx context.Context, success, standing *Success) error {
	success.Version = stateVersion
	if err := storage.PutJSON(ctx, s.successURI(success.RunID), success); err != nil {
		return s.failure(err)
	}
	next := pointer{Version: stateVersion, Next: success.RunID}
	if standing != nil {
		next.Last, next.Extracts = standing.RunID, standing.Versions()
	}
	return s.point(ctx, next)
}

// Commit makes a run of which [State.Begin] was told, or an earlier one, the last success, once its extracts are in place, and
// forgets the others. versions are those of its extracts, in their order. Errors are of kind Storage.
func (s *State) Commit(ctx context.Context, run string, versions []string) error {
	last := pointer{Version: stateVersion, Last: run, Extracts: versions}
	if reflect.DeepEqual(s.pointer, last) {
		return nil
	}
	if err := s.point(ctx, last); err != nil {
		return err
	}
	return s.forget(ctx, run)
}

// point writes the pointer over the version that is known.
func (s *State) point(ctx context.Context, to pointer) error {
	condition := storage.IfAbsent()
	if s.standing != nil {
		condition = storage.IfUnchanged(*s.standing)
	}
	text, err := json.Marshal(to)
	if err != nil {
		return s.failure(err)
	}
	info, err := storage.WriteIf(ctx, s.store, storage.Join(s.folder, pointerName), append(text, '\n'), condition)
	if err != nil {
		return s.failure(err)
	}
	s.standing, s.pointer = &info, to
	return nil
}

// forget removes all successes but one, and their rejects.
func (s *State) forget(ctx context.Context, run string) error {
	files, err := s.store.List(ctx, storage.Join(s.folder, successesFolder))
	if err != nil {
		return s.failure(err)
	}
	for _, file := range files {
		if file.URI != s.successURI(run) {
			err = errors.Join(err, s.store.RemoveAll(ctx, file.URI))
		}
	}
	folders, listErr := s.store.Folders(ctx, storage.Join(s.folder, rejectsFolder))
	err = errors.Join(err, listErr)
	for _, folder := range folders {
		if folder != run {
			err = errors.Join(err, s.store.RemoveAll(ctx, storage.Join(s.folder, rejectsFolder, folder)))
		}
	}
	if err != nil {
		return s.failure(err)
	}
	return nil
}

func (s *State) failure(err error) error {
	if errors.Is(err, storage.ErrChanged) || errors.Is(err, storage.ErrExists) {
		return failure.New(failure.Storage, "another run wrote the state in %s meanwhile: %w", s.folder, err).
			WithHint("run it again when no other run is under way")
	}
	return failure.New(failure.Storage, "write the state in %s: %w", s.folder, err).
		WithHint("see that the folder can be written, or set state to another one")
}
