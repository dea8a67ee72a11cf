package iceberg

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hyperlake/internal/failure"
)

const mainBranch = "main"

// choice is a version that was asked for.
type choice struct {
	snapshot *snapshotEntry // nil of a table that has none
	schema   int32
}

// choose finds a version. One that is not there is a failure that was known early and says which are.
func (t *table) choose(at Version) (choice, error) {
	switch {
	case at.id != nil:
		return t.chooseID(*at.id, "the Iceberg table %s has no snapshot %d", t.paths.folder, *at.id)
	case !at.time.IsZero():
		return t.chooseTime(at.time)
	case at.ref != "" && at.ref != mainBranch:
		return t.chooseRef(at.ref)
	}
	if t.Current == nil || *t.Current == noSnapshot {
		return choice{schema: t.CurrentSchema}, nil
	}
	said := t.find(*t.Current)
	if said == nil {
		return choice{}, damaged(t.file, "its current snapshot %d is not among its snapshots", *t.Current)
	}
	return choice{said, t.CurrentSchema}, nil
}

// chooseID chooses a snapshot with its own schema, or fails in the words given.
func (t *table) chooseID(id int64, format string, args ...any) (choice, error) {
	said := t.find(id)
	if said == nil {
		return choice{}, failure.New(failure.Source, format, args...).WithHint("%s", t.versions()).BeforeData()
	}
	if said.Schema == nil {
		return choice{said, t.CurrentSchema}, nil
	}
	return choice{said, *said.Schema}, nil
}

func (t *table) chooseRef(name string) (choice, error) {
	ref, ok := t.Refs[name]
	if !ok {
		return choice{}, failure.New(failure.Source, "the Iceberg table %s has no branch or tag %q", t.paths.folder, name).
			WithHint("%s", t.versions()).BeforeData()
	}
	chosen, err := t.chooseID(ref.Snapshot, "the snapshot %d, which %q of the Iceberg table %s names, is gone",
		ref.Snapshot, name, t.paths.folder)
	if ref.Type == "branch" { // which is read as main is
		chosen.schema = t.CurrentSchema
	}
	return chosen, err
}

// chooseTime chooses the snapshot that was current at a time.
func (t *table) chooseTime(at time.Time) (choice, error) {
	var found *logEntry
	for i, entry := range t.history() {
		if !time.UnixMilli(entry.Time).After(at) {
			found = &t.history()[i]
		}
	}
	when := at.UTC().Format(time.RFC3339Nano)
	if found == nil {
		return choice{}, failure.New(failure.Source, "the Iceberg table %s has no version from %s or before that could be read",
			t.paths.folder, when).WithHint("%s", t.versions()).BeforeData()
	}
	return t.chooseID(found.Snapshot, "the snapshot %d, which was current in the Iceberg table %s at %s, was expired",
		found.Snapshot, t.paths.folder, when)
}

// history is which snapshots were current since when. Where the metadata do not keep that, it is the current one and
// those that it was made from.
func (t *table) history() []logEntry {
	if len(t.Log) > 0 || t.Current == nil {
		return t.Log
	}
	var log []logEntry
	for said := t.find(*t.Current); said != nil && len(log) <= len(t.Snapshots); {
		log = append(log, logEntry{said.Time, said.ID})
		if said.Parent == nil {
			break
		}
		said = t.find(*said.Parent)
	}
	slices.Reverse(log)
	return log
}

// find is the snapshot of an id; nil if there is none.
func (m *metadata) find(id int64) *snapshotEntry {
	at := slices.IndexFunc(m.Snapshots, func(s snapshotEntry) bool { return s.ID == id })
	if at < 0 {
		return nil
	}
	return &m.Snapshots[at]
}

// maxVersions is how many versions a message names.
const maxVersions = 5

// versions names those that can be read, for people: the last snapshots, and branches and tags.
func (t *table) versions() string {
	var ids []string
	for _, said := range slices.Backward(t.Snapshots) {
		ids = append(ids, strconv.FormatInt(said.ID, 10)+" of "+time.UnixMilli(said.Time).UTC().Format(time.RFC3339))
	}
	text := "snapshots that can be read: " + shortened(ids)
	if names := slices.Sorted(maps.Keys(t.Refs)); len(names) > 0 {
		text += "; branches and tags: " + shortened(names)
	}
	return text
}

func shortened(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	if len(names) > maxVersions {
		names = append(names[:maxVersions:maxVersions], "…")
	}
	return strings.Join(names, ", ")
}
