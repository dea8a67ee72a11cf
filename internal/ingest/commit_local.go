package ingest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hyperlake/internal/guard"
	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
)

// hiddenMark stands in the names of hidden folders between that of a folder and the id of the run that writes parts for it.
const hiddenMark = ".hyperlake-ingest-"

// hiddenPrefix begins the names of the hidden folders in which the parts of a folder of that name are written; the id of the run follows.
func hiddenPrefix(name string) string { return "." + name + hiddenMark }

// HiddenOf says of the name of a hidden folder in which an ingest writes for which folder beside it that is, and in which run. It is empty
// for any other name.
func HiddenOf(hidden string) (name, runID string) {
	before, runID, isOne := strings.Cut(hidden, hiddenMark)
	if name, isHidden := strings.CutPrefix(before, "."); isOne && isHidden {
		return name, runID
	}
	return "", ""
}

// namesLocal is names for a local folder, whose symbolic links it follows first.
func (t *target) namesLocal() ([]string, error) {
	folder, err := filepath.Abs(t.folder)
	if err != nil {
		return nil, err
	}
	resolved, err := filepath.EvalSymlinks(folder)
	if errors.Is(err, fs.ErrNotExist) {
		t.folder = folder
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t.folder = resolved
	entries, err := os.ReadDir(resolved)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if !entry.Type().IsRegular() {
			name += "/" // which is no name of ours
		}
		names = append(names, name)
	}
	return names, nil
}

// openLocal makes the hidden folder for new parts, beside the one that is replaced, and removes those of killed runs.
func (t *target) openLocal() error {
	parent, name := filepath.Split(t.folder)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return err
	}
	entries, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() && strings.HasPrefix(entry.Name(), hiddenPrefix(name)) {
			if err := os.RemoveAll(filepath.Join(parent, entry.Name())); err != nil {
				return err
			}
		}
	}
	t.parts = filepath.Join(parent, hiddenPrefix(name)+t.entry.RunID)
	if err := os.Mkdir(t.parts, 0o777); err != nil {
		return err
	}
	t.forget = guard.RemoveAtDeath(t.parts)
	return nil
}

// commitLocal exchanges the folders, or does in the folder itself what [target.commitRemote] does.
func (t *target) commitLocal(ctx context.Context, ingested lake.Ingested, schema *Schema) error {
	if err := t.describe(ctx, ingested, schema); err != nil {
		return err
	}
	if err := errors.Join(storage.Adopt(t.parts, t.folder), enterable(t.parts), storage.Sync(t.parts), t.held()); err != nil {
		return err
	}
	_, err := os.Lstat(t.folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = os.Rename(t.parts, t.folder)
	case err == nil && exchange(t.parts, t.folder) != nil:
		return t.commitInPlace(ctx, ingested, schema)
	}
	if err != nil {
		return err
	}
	return errors.Join(storage.Sync(filepath.Dir(t.folder)), t.held())
}

// describe writes to the hidden folder what is said of the parts, and the pinned types if they stand there.
func (t *target) describe(ctx context.Context, ingested lake.Ingested, schema *Schema) error {
	if t.entry.Pinned == t.entry.To {
		pinned, err := schema.encode()
		if err != nil {
			return err
		}
		if err := storage.Put(ctx, filepath.Join(t.parts, SchemaFile), pinned); err != nil {
			return err
		}
	}
	said, err := encodeIngested(ingested)
	if err != nil {
		return err
	}
	return storage.Put(ctx, filepath.Join(t.parts, lake.IngestedFile), said)
}

// exchange swaps two folders in one step, where there is such a step.
var exchange = storage.Exchange

// enterable lets those enter a folder who may read it: permissions of new files let nobody.
func enterable(folder string) error {
	stat, err := os.Stat(folder)
	if err != nil {
		return err
	}
	mode := stat.Mode().Perm()
	return os.Chmod(folder, mode|mode&0o444>>2)
}

// commitInPlace moves the new parts beside the old ones, has them belong there, and removes the old ones.
func (t *target) commitInPlace(ctx context.Context, ingested lake.Ingested, schema *Schema) error {
	if t.pointer == nil {
		if err := t.point(ctx, t.onlyOld()); err != nil {
			return err
		}
	}
	for _, part := range ingested.Parts {
		if err := t.held(); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(t.parts, part.Name), filepath.Join(t.folder, part.Name)); err != nil {
			return err
		}
	}
	if err := storage.Sync(t.folder); err != nil {
		return err
	}
	return t.commitRemote(ctx, ingested, schema)
}

// closeLocal removes the hidden folder, in which the old parts are by now if all is well.
func (t *target) closeLocal() {
	if os.RemoveAll(t.parts) == nil {
		t.forget()
	}
}
