package iceberg_test

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

// object is an object of JSON, or a record of Avro.
type object = map[string]any

// maker makes a table by hand.
type maker struct {
	testing.TB
	folder   string
	recorded string // where the metadata say that the table is
}

// newMaker makes tables in a folder of their own.
func newMaker(t testing.TB) *maker {
	folder := filepath.Join(t.TempDir(), "t")
	return &maker{t, folder, folder}
}

// path is that of a file of the table, as metadata have it.
func (m *maker) path(name string) string { return m.recorded + "/" + name }

// oneColumn is the schema of most tables that are made here.
func oneColumn() object {
	return schemaOf(0, object{"id": 1, "name": "id", "required": false, "type": "long"})
}

func schemaOf(id int, fields ...object) object {
	return object{"type": "struct", "schema-id": id, "fields": fields}
}

// metadata writes a metadata file of version 2 with a snapshot that has a manifest list, but for what is given otherwise.
func (m *maker) metadata(name string, other object) {
	m.Helper()
	all := object{
		"format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1", "location": m.recorded, "last-sequence-number": 1,
		"last-updated-ms": 1700000000000, "last-column-id": 9, "schemas": []object{oneColumn()}, "current-schema-id": 0,
		"partition-specs": []object{{"spec-id": 0, "fields": []object{}}}, "default-spec-id": 0, "last-partition-id": 999,
		"current-snapshot-id": 7, "snapshots": []object{m.snapshot(7, "list.avro")}, "properties": object{},
	}
	maps.Copy(all, other)
	for key, value := range all {
		if value == nil {
			delete(all, key)
		}
	}
	raw, err := json.Marshal(all)
	require.NoError(m, err)
	write(m, m.folder, map[string]string{"metadata/" + name: string(raw)})
}

func (m *maker) snapshot(id int, list string) object {
	return object{
		"snapshot-id": id, "timestamp-ms": 1700000000000 + 1000*id, "sequence-number": 1, "schema-id": 0,
		"manifest-list": m.path("metadata/" + list), "summary": object{"operation": "append"},
	}
}

const (
	optionalLong   = `"type": ["null", "long"], "default": null`
	optionalBytes  = `"type": ["null", "bytes"], "default": null`
	optionalString = `"type": ["null", "string"], "default": null`
)

// listSchema is that of a manifest list.
const listSchema = `{"type": "record", "name": "manifest_file", "fields": [
	{"name": "manifest_path", "type": "string", "field-id": 500}, {"name": "manifest_length", "type": "long", "field-id": 501},
	{"name": "partition_spec_id", "type": "int", "default": 0, "field-id": 502}, {"name": "content", "type": "int", "default": 0, "field-id": 517},
	{"name": "sequence_number", "type": "long", "default": 0, "field-id": 515}, {"name": "min_sequence_number", "type": "long", "default": 0, "field-id": 516},
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
	{"name": "record_count", "type": "long", "default": 10, "field-id": 103}, {"name": "file_size_in_bytes", "type": "long", "default": 100, "field-id": 104},
	{"name": "column_sizes", "type": ["null", {"type": "array", "logicalType": "map", "items": {"type": "record", "name": "k117", "fields": [
		{"name": "key", "type": "int"}, {"name": "value", "type": "long"}]}}], "default": null, "field-id": 108},
	{"name": "null_value_counts", "type": ["null", {"type": "array", "logicalType": "map", "items": {"type": "record", "name": "k121", "fields": [
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

// avroOf are records as a file of Avro.
func avroOf(t testing.TB, schema string, said map[string]string, records ...object) []byte {
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

// list writes a manifest list.
func (m *maker) list(name string, manifests ...object) {
	m.Helper()
	write(m, m.folder, map[string]string{"metadata/" + name: string(avroOf(m, listSchema, nil, manifests...))})
}

// kind is what a manifest holds.
type kind struct {
	spec      int
	content   string // data, or deletes
	partition string // fields of the partition values
	sequence  int
}

// data is the kind of a manifest of data in a table without partitions.
var data = kind{content: "data", sequence: 1}

// manifest writes a manifest, and returns what the list has of it.
func (m *maker) manifest(name string, is kind, entries ...object) object {
	m.Helper()
	schema := fmt.Sprintf(entrySchema, fmt.Sprintf(fileSchema, is.partition))
	raw := avroOf(m, schema, map[string]string{"format-version": "2", "content": is.content, "partition-spec-id": fmt.Sprint(is.spec)}, entries...)
	write(m, m.folder, map[string]string{"metadata/" + name: string(raw)})
	content := 0
	if is.content == "deletes" {
		content = 1
	}
	return object{
		"manifest_path": m.path("metadata/" + name), "manifest_length": len(raw), "partition_spec_id": is.spec, "content": content, "sequence_number": is.sequence,
	}
}

// added is an entry of a manifest for a file.
func (m *maker) added(name string, other object) object {
	file := object{"file_path": m.path(name), "partition": object{}}
	maps.Copy(file, other)
	return object{"data_file": file}
}

// with is an object with more in it.
func with(o object, more object) object {
	all := maps.Clone(o)
	maps.Copy(all, more)
	return all
}

// remove removes a file of the table.
func (m *maker) remove(name string) {
	m.Helper()
	require.NoError(m, os.Remove(filepath.Join(m.folder, filepath.FromSlash(name))))
}
