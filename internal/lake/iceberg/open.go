package iceberg

import (
	"context"
	"strconv"
	"strings"
	"time"

	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
)

// Version says which version of a table is meant. The zero value is the latest.
type Version struct {
	id   *int64
	ref  string
	time time.Time
}

// Latest is the version that is current.
func Latest() Version { return Version{} }

// Snapshot is the version of that snapshot id.
func Snapshot(id int64) Version { return Version{id: &id} }

// Ref is the version that a branch or a tag names.
func Ref(name string) Version { return Version{ref: name} }

// At is the version that was current at a time.
func At(t time.Time) Version { return Version{time: t} }

// Open reads the metadata of a table, but for its files, and returns the snapshot of a version. The place is the folder of
// the table, in which the metadata file with the highest number counts, or a metadata file.
//
// The latest version, and one that a branch names, have the columns that the table has now; all others those that the
// table had then. A table without any snapshot has the version none, and no files.
//
// Failures are of kind Source, and errors of ctx as they are. Known before any data was read are: that there is no
// Iceberg table, that the version does not exist, and that the table has what is not implemented. Damaged metadata
// are known too late for that, so that nobody takes them for a mistake in a configuration. A file of the metadata that went
// away while it was read may be retried.
func Open(ctx context.Context, place string, at Version) (*lake.Snapshot, error) {
	snapshot, err := open(ctx, strings.TrimRight(place, "/"), at)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return snapshot, err
}

func open(ctx context.Context, place string, at Version) (*lake.Snapshot, error) {
	found, err := locate(ctx, place)
	if err != nil {
		return nil, err
	}
	m, err := readMetadata(ctx, found)
	if err != nil {
		return nil, err
	}
	t, err := newTable(found, m)
	if err != nil {
		return nil, err
	}
	chosen, err := t.choose(at)
	if err != nil {
		return nil, err
	}
	return t.snapshot(ctx, chosen)
}

// table is a table as its metadata describe it.
type table struct {
	*metadata
	file  string       // URI of the metadata
	info  storage.Info // of that file
	paths paths
	specs map[int32]*spec
}

// newTable checks what holds for all versions of a table.
func newTable(found location, m *metadata) (*table, error) {
	t := &table{metadata: m, file: found.info.URI, info: found.info}
	var err error
	if t.paths, err = newPaths(found, m); err != nil {
		return nil, explained(found.folder, t.file, err)
	}
	t.specs, err = m.specs()
	return t, explained(t.paths.folder, t.file, err)
}

// snapshot makes a snapshot of what was chosen.
func (t *table) snapshot(ctx context.Context, chosen choice) (*lake.Snapshot, error) {
	fields, err := t.schemaOf(chosen.schema)
	if err != nil {
		return nil, explained(t.paths.folder, t.file, err)
	}
	columns, err := t.columns(fields)
	if err != nil {
		return nil, explained(t.paths.folder, t.file, err)
	}
	names, err := t.nameMapping()
	if err != nil {
		return nil, explained(t.paths.folder, t.file, err)
	}
	s := &lake.Snapshot{
		Format: lake.Iceberg, Folder: t.paths.folder, Version: "none", Columns: columns, Metadata: []storage.Info{t.info},
		Mapping: lake.ByID, Names: names, Field: t.finder(columns),
	}
	var manifests []manifest
	if said := chosen.snapshot; said != nil {
		s.Version, s.Time, s.Operation = strconv.FormatInt(said.ID, 10), time.UnixMilli(said.Time).UTC(), said.Summary["operation"]
		if manifests, err = t.manifests(ctx, said); err != nil {
			return nil, err
		}
	}
	s.Files = t.newFiles(columns, manifests, s.Field).list
	return s, nil
}
