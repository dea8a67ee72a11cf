// Package icebergtest makes Iceberg tables by hand, for tests: their metadata, as a writer might leave them.
package icebergtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"
)

// Object is an object of JSON, or a record of Avro.
type Object = map[string]any

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

const (
	optionalLong   = `"type": ["null", "long"], "default": null`
	optionalBytes  = `"type": ["null", "bytes"], "default": null`
	optionalString = `"type": ["null", "string"], "default": null`
)

// ListSchema is that of a manifest list.
const ListSchema = `{"type": "record", "name": "manifest_file", "fields": [
	{"name": "manifest_path", "type": "string", "field-id": 500}, {"name": "manifest_length", "type": "long", "field-id": 501},
	{"name": "partition_spec_id", "type": "int", "default": 0, "field-id": 502},
	{"name": "content", "type": "int", "default": 0, "field-id": 517},
	{"name": "sequence_number", "type": "long", "default": 0, "field-id": 515},
	{"name": "min_sequence_number", "type": "long", "default": 0, "field-id": 516},
	{"name": "added_snapshot_id", ` + optionalLong + `, "field-id": 503},
	{"name": "added_files_count", "type": ["null", "int"], "default": null, "field-id": 504},
	{"name": "existing_files_count", "type": ["null", "int"], "default": null, "field-id": 505},
	{"name": "key_metadata", ` + optionalBytes + `, "field-id": 519}
]}`

// fileSchema is that of the files in a manifest, with the fields of their partition values to be put in.
const fileSchema = `{"type": "record", "name": "r2", "fields": [
	{"name": "content", "type": "int", "default": 0, "field-id": 134}, {"name": "file_path", "type": "string", "field-id": 100},
	{"name": "file_format", "type": "string", "default": "PARQUET", "field-id": 101},
	{"name": "partition", "type": {"type": "record", "name": "r102", "fields": [%s]}, "field-id": 102},
	{"name": "record_count", "type": "long", "default": 10, "field-id": 103},
	{"name": "file_size_in_bytes", "type": "long", "default": 100, "field-id": 104},
	{"name": "column_sizes", "type": ["null", {"type": "array", "logicalType": "map", "items": {"type": "record", "name": "k117", "fields": [
		{"name": "key", "type": "int"}, {"name": "value", "type": "long"}]}}], "default": null, "field-id": 108},
	{"name": "null_value_counts", "type": ["null", {"type": "array", "logicalType": "map", "items":
		{"type": "record", "name": "k121", "fields": [
		{"name": "key", "type": "int"}, {"name": "value", "type": "long"}]}}], "default": null, "field-id": 110},
	{"name": "lower_bounds", "type": ["null", {"type": "array", "logicalType": "map", "items": {"type": "record", "name": "k126", "fields": [
		{"name": "key", "type": "int"}, {"name": "value", "type": "bytes"}]}}], "default": null, "field-id": 125},
	{"name": "upper_bounds", "type": ["null", {"type": "array", "logicalType": "map", "items": {"type": "record", "name": "k129", "fields": [
		{"name": "key", "type": "int"}, {"name": "value", "type": "bytes"}]}}], "default": null, "field-id": 128},
	{"name": "key_metadata", ` + optionalBytes + `, "field-id": 131},
	{"name": "equality_ids", "type": ["null", {"type": "array", "items": "int"}], "default": null, "field-id": 135},
	{"name": "referenced_data_file", ` + optionalString + `, "field-id": 143},
	{"name": "content_offset", ` + optionalLong + `, "field-id": 144}, {"name": "content_size_in_bytes", ` + optionalLong + `, "field-id": 145}
]}`

// entrySchema is that of a manifest.
const entrySchema = `{"type": "record", "name": "manifest_entry", "fields": [
	{"name": "status", "type": "int", "default": 1, "field-id": 0}, {"name": "snapshot_id", ` + optionalLong + `, "field-id": 1},
	{"name": "sequence_number", ` + optionalLong + `, "field-id": 3}, {"name": "data_file", "type": %s, "field-id": 2}
]}`

// EntrySchema is the schema of a manifest of files with these fields of partition values.
func EntrySchema(partition string) string {
	return fmt.Sprintf(entrySchema, fmt.Sprintf(fileSchema, partition))
}

// Avro are records as a file of Avro.
func Avro(t testing.TB, schema string, said map[string]string, records ...Object) []byte {
	t.Helper()
	parsed, err := avro.Parse(schema)
	require.NoError(t, err)
	more := map[string][]byte{}
	for key, value := range said {
		more[key] = []byte(value)
	}
	var file bytes.Buffer
	w, err := ocf.NewWriter(&file, parsed, ocf.WithMetadata(more))
	require.NoError(t, err)
	for _, record := range records {
		require.NoError(t, w.Encode(record))
	}
	require.NoError(t, w.Close())
	return file.Bytes()
}

// List writes a manifest list.
func (m *Table) List(name string, manifests ...Object) {
	m.Helper()
	m.write(name, Avro(m, ListSchema, nil, manifests...))
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
	said := map[string]string{"format-version": "2", "content": is.Content, "partition-spec-id": fmt.Sprint(is.Spec)}
	raw := Avro(m, EntrySchema(is.Partition), said, entries...)
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
