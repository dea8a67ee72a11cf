package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
)

// target is the folder that is replaced. Whoever has it open has its lock: nobody else writes there.
//
// A local folder is made beside it, and exchanged with it in one step. Where there is no such step, on object storage and on some
// systems, the new parts are put beside the old ones, then lake.IngestedFile says that it is they that belong there, and then the old
// ones go: whoever reads by that file sees the old ones or the new.
type target struct {
	entry  Entry
	held   func() error
	folder string // entry.To, local ones without symbolic links
	parts  string // the folder in which new parts are written

	pointer  *storage.Info // lake.IngestedFile, as it stands there; nil for none
	isOurs   bool          // this run made it, for the parts that stood there
	old      []string      // names of the parts that belong there
	forget   func()        // calls off that a local folder of parts is removed should this process be killed; nil for none
	isPlaced bool
}

// own matches the names of files that an ingest leaves in its folder, and what a killed one left of their making.
var own = regexp.MustCompile(`^(_ingest\.json|_schema\.json|ingest-[0-9]{5,}-.+\.parquet|\.(_ingest\.json|_schema\.json)\.[^/]*\.tmp)$`)

// openTarget finds out what stands in the folder of an entry, and removes what killed runs left. It refuses a folder that holds anything
// else than what an ingest leaves there, for it is replaced as a whole.
func openTarget(ctx context.Context, entry Entry, held func() error) (t *target, err error) {
	if held == nil {
		held = func() error { return nil }
	}
	t = &target{entry: entry, held: held, folder: entry.To}
	names, err := t.names(ctx)
	if err != nil {
		return nil, t.fail("look into", err)
	}
	for _, name := range names {
		if !own.MatchString(name) {
			return nil, failure.New(failure.Storage, "ingest %s: the folder %s holds %q, which no ingest has written", entry.Name, entry.To, name).
				WithHint("set to: to a folder of its own: it is replaced as a whole").BeforeData()
		}
	}
	if err := t.findOld(ctx, names); err != nil {
		return nil, t.fail("look into", err)
	}
	if storage.IsLocal(t.folder) {
		err = t.openLocal()
	} else {
		err = t.openRemote(ctx)
	}
	if err != nil {
		return nil, t.fail("prepare", err)
	}
	return t, nil
}

// names lists what is in the folder, however deep.
func (t *target) names(ctx context.Context) ([]string, error) {
	if storage.IsLocal(t.folder) {
		return t.namesLocal()
	}
	store, err := storage.For(t.folder)
	if err != nil {
		return nil, err
	}
	found, err := store.List(ctx, t.folder)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, info := range found {
		if name := strings.TrimPrefix(info.URI, storage.Join(t.folder, "")); name != "" && info.URI != t.folder {
			names = append(names, name)
		}
	}
	return names, nil
}

// findOld finds out which parts belong into the folder, and removes others. Those are none of a run that has the lock by now, if this one
// has it after it has listed them.
func (t *target) findOld(ctx context.Context, names []string) error {
	found, err := t.readPointer(ctx)
	if err != nil {
		return err
	}
	if err := t.held(); err != nil {
		return err
	}
	for _, name := range names {
		isTemporary := strings.HasPrefix(name, ".")
		switch {
		case isTemporary, lake.IsPart(name) && found != nil && !found.Names(name):
			if err := storage.Remove(ctx, storage.Join(t.folder, name)); err != nil {
				return err
			}
		case lake.IsPart(name):
			t.old = append(t.old, name)
		}
	}
	return nil
}

// readPointer reads what is said of the folder, and notes which version of it that is, or an older one; nil where nothing is said.
func (t *target) readPointer(ctx context.Context) (*lake.Ingested, error) {
	info, err := storage.Stat(ctx, storage.Join(t.folder, lake.IngestedFile))
	var found *lake.Ingested
	if err == nil {
		found, err = lake.ReadIngested(ctx, t.folder)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err == nil:
		t.pointer = &info
	}
	return found, err
}

// openRemote has readers see the old parts alone, before there are others.
func (t *target) openRemote(ctx context.Context) error {
	t.parts = t.folder
	if t.pointer != nil {
		return nil
	}
	if err := t.held(); err != nil {
		return err
	}
	err := t.point(ctx, t.onlyOld())
	t.isOurs = err == nil
	return err
}

// onlyOld says that the parts that stand there are those that belong there.
func (t *target) onlyOld() lake.Ingested {
	before := lake.Ingested{Version: lake.IngestedVersion, Name: t.entry.Name, Parts: []lake.Part{}}
	for _, name := range t.old {
		before.Parts = append(before.Parts, lake.Part{Name: name})
	}
	return before
}

// point says which parts belong into the folder, unless anybody else has said so since this run looked: a run whose process was stopped
// for so long that it lost the lock must not undo what was done meanwhile.
func (t *target) point(ctx context.Context, ingested lake.Ingested) error {
	data, err := encodeIngested(ingested)
	if err != nil {
		return err
	}
	store, err := storage.For(t.folder)
	if err != nil {
		return err
	}
	condition := storage.IfAbsent()
	if t.pointer != nil {
		condition = storage.IfUnchanged(*t.pointer)
	}
	made, err := storage.WriteIf(ctx, store, storage.Join(t.folder, lake.IngestedFile), data, condition)
	if err == nil {
		t.pointer = &made
	}
	return err
}

func encodeIngested(ingested lake.Ingested) ([]byte, error) {
	data, err := json.MarshalIndent(ingested, "", "  ")
	return append(data, '\n'), err
}

// commit replaces the folder by parts that were written, with what is said of them, and with the pinned types if they stand there. After
// an error the old parts are there, or, where only something could not be removed, the new ones.
func (t *target) commit(ctx context.Context, ingested lake.Ingested, schema *Schema) error {
	if t.entry.Pinned != t.entry.To {
		if err := schema.pin(ctx, t.entry.Pinned); err != nil {
			return err
		}
	}
	commit := t.commitRemote
	if storage.IsLocal(t.folder) {
		commit = t.commitLocal
	}
	if err := commit(ctx, ingested, schema); err != nil {
		return t.fail("put the rows into", err)
	}
	return nil
}

// commitRemote has the new parts belong there, which are there already, and then removes the old ones.
func (t *target) commitRemote(ctx context.Context, ingested lake.Ingested, schema *Schema) error {
	if t.entry.Pinned == t.entry.To {
		if err := schema.pin(ctx, t.folder); err != nil {
			return err
		}
	}
	if err := t.held(); err != nil {
		return err
	}
	err := t.point(ctx, ingested)
	t.isPlaced = !errors.Is(err, storage.ErrChanged) && !errors.Is(err, storage.ErrExists) // as far as anybody can know without an answer
	if err != nil {
		return err
	}
	if err := t.held(); err != nil {
		return err
	}
	return t.removeParts(ctx, t.old)
}

func (t *target) removeParts(ctx context.Context, names []string) error {
	var err error
	for _, name := range names {
		err = errors.Join(err, storage.Remove(ctx, storage.Join(t.folder, name)))
	}
	return err
}

// close removes what is of no use any more: parts that did not come into their place, and the old ones. What cannot be removed, the next
// run removes.
func (t *target) close(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if storage.IsLocal(t.folder) {
		t.closeLocal()
		return
	}
	if t.isPlaced {
		return
	}
	names, err := t.names(ctx)
	if err != nil {
		return
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !lake.IsPartOf(name, t.entry.RunID) }) // others may write there by now
	if t.removeParts(ctx, names) != nil || !t.isOurs || len(t.old) > 0 || t.held() != nil {
		return
	}
	uri := storage.Join(t.folder, lake.IngestedFile)
	if standing, err := storage.Stat(ctx, uri); err == nil && standing.SameVersion(*t.pointer) {
		_ = storage.Remove(ctx, uri)
	}
}

func (t *target) fail(verb string, err error) error {
	if err == nil {
		return nil
	}
	var known *failure.Error
	if errors.As(err, &known) { // whoever holds the lock says it
		return fmt.Errorf("ingest %s: %w", t.entry.Name, err)
	}
	return failure.New(failure.Storage, "ingest %s: %s the folder %s: %w", t.entry.Name, verb, t.entry.To, err).
		WithHint("%s", storage.Hint(err))
}
