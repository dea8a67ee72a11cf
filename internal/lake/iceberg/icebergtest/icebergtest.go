// Package icebergtest writes the files of Avro that the metadata of Iceberg tables are made of, for tests that make tables
// by hand.
package icebergtest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"
)

// Object is an object of JSON, or a record of Avro.
type Object = map[string]any

// ManifestList is a manifest list of these manifests.
func ManifestList(t testing.TB, manifests ...Object) []byte {
	t.Helper()
	return AvroOf(t, ListSchema, nil, manifests...)
}

// EntrySchema is that of a manifest, with the fields of its partition values.
func EntrySchema(partition string) string {
	return fmt.Sprintf(entrySchema, fmt.Sprintf(fileSchema, partition))
}

// Manifest is a manifest of the spec of an id, with these entries. Its content is data, or deletes; partition is the
// fields of partition values, in Avro's words.
func Manifest(t testing.TB, spec int, content, partition string, entries ...Object) []byte {
	t.Helper()
	said := map[string]string{"format-version": "2", "content": content, "partition-spec-id": fmt.Sprint(spec)}
	return AvroOf(t, EntrySchema(partition), said, entries...)
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
	{"name": "null_value_counts", "type": ["null", {"type": "array", "logicalType": "map", "items": {
		"type": "record", "name": "k121", "fields": [
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

// AvroOf are records as a file of Avro.
func AvroOf(t testing.TB, schema string, said map[string]string, records ...Object) []byte {
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
