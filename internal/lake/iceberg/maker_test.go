package iceberg_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake/iceberg/icebergtest"
)

// object is an object of JSON, or a record of Avro.
type object = icebergtest.Object

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

// list writes a manifest list.
func (m *maker) list(name string, manifests ...object) {
	m.Helper()
	write(m, m.folder, map[string]string{"metadata/" + name: string(icebergtest.ManifestList(m, manifests...))})
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
	raw := icebergtest.Manifest(m, is.spec, is.content, is.partition, entries...)
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
