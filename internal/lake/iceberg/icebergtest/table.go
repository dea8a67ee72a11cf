package icebergtest

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Table is a table that is made by hand.
type Table struct {
	testing.TB
	Folder   string
	Recorded string // where the metadata say that the table is
}

// New makes a table in a folder.
func New(t testing.TB, folder string) *Table { return &Table{t, folder, folder} }

// Path is that of a file of the table, as metadata have it.
func (m *Table) Path(name string) string { return m.Recorded + "/" + name }

// OneColumn is the schema of most tables that are made here.
func OneColumn() Object {
	return Schema(0, Object{"id": 1, "name": "id", "required": false, "type": "long"})
}

// Schema is the schema of an id that has these fields.
func Schema(id int, fields ...Object) Object {
	return Object{"type": "struct", "schema-id": id, "fields": fields}
}

// Metadata writes a metadata file of version 2 with a snapshot that has a manifest list, but for what is given otherwise.
func (m *Table) Metadata(name string, other Object) {
	m.Helper()
	all := Object{
		"format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1", "location": m.Recorded, "last-sequence-number": 1,
		"last-updated-ms": 1700000000000, "last-column-id": 9, "schemas": []Object{OneColumn()}, "current-schema-id": 0,
		"partition-specs": []Object{{"spec-id": 0, "fields": []Object{}}}, "default-spec-id": 0, "last-partition-id": 999,
		"current-snapshot-id": 7, "snapshots": []Object{m.Snapshot(7, "list.avro")}, "properties": Object{},
	}
	maps.Copy(all, other)
	for key, value := range all {
		if value == nil {
			delete(all, key)
		}
	}
	raw, err := json.Marshal(all)
	require.NoError(m, err)
	m.write(name, raw)
}

// Snapshot is a snapshot in the metadata, which has a manifest list.
func (m *Table) Snapshot(id int, list string) Object {
	return Object{
		"snapshot-id": id, "timestamp-ms": 1700000000000 + 1000*id, "sequence-number": 1, "schema-id": 0,
		"manifest-list": m.Path("metadata/" + list), "summary": Object{"operation": "append"},
	}
}

// List writes a manifest list.
func (m *Table) List(name string, manifests ...Object) {
	m.Helper()
	m.write(name, ManifestList(m, manifests...))
}

// Kind is what a manifest holds.
type Kind struct {
	Spec      int
	Content   string // data, or deletes
	Partition string // fields of the partition values
	Sequence  int
}

// Data is the kind of a manifest of data in a table without partitions.
var Data = Kind{Content: "data", Sequence: 1}

// Manifest writes a manifest, and returns what the list has of it.
func (m *Table) Manifest(name string, is Kind, entries ...Object) Object {
	m.Helper()
	raw := Manifest(m, is.Spec, is.Content, is.Partition, entries...)
	m.write(name, raw)
	content := 0
	if is.Content == "deletes" {
		content = 1
	}
	return Object{
		"manifest_path": m.Path("metadata/" + name), "manifest_length": len(raw),
		"partition_spec_id": is.Spec, "content": content, "sequence_number": is.Sequence,
	}
}

// Added is an entry of a manifest for a file.
func (m *Table) Added(name string, other Object) Object {
	file := Object{"file_path": m.Path(name), "partition": Object{}}
	maps.Copy(file, other)
	return Object{"data_file": file}
}

// With is an object with more in it.
func With(o Object, more Object) Object {
	all := maps.Clone(o)
	maps.Copy(all, more)
	return all
}

// Remove removes a file of the table.
func (m *Table) Remove(name string) {
	m.Helper()
	require.NoError(m, os.Remove(filepath.Join(m.Folder, filepath.FromSlash(name))))
}

// write writes a file of the metadata.
func (m *Table) write(name string, raw []byte) {
	m.Helper()
	path := filepath.Join(m.Folder, "metadata", filepath.FromSlash(name))
	require.NoError(m, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(m, os.WriteFile(path, raw, 0o600))
}
