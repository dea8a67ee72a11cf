package iceberg_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake/iceberg"
	"hyperlake/internal/lake/iceberg/icebergtest"
)

// column is a column of the schema of a table.
func column(kind any, more object) object {
	return object{"schemas": []object{icebergtest.Schema(0, icebergtest.With(object{"id": 2, "name": "c", "required": false, "type": kind}, more))}}
}

func TestWhatIsNotImplementedIsNamed(t *testing.T) {
	t.Parallel()
	list := func(elements any) object {
		return object{"type": "list", "element-id": 3, "element": elements, "element-required": false}
	}
	for want, other := range map[string]object{
		"version 4 of the format":                    {"format-version": 4},
		`column "c" has the type "variant"`:          column("variant", nil),
		`column "c" has the type "geometry(srid:1)"`: column("geometry(srid:1)", nil),
		`column "c" has the type "geography"`:        column("geography", nil),
		`column "c.element" has the type "variant"`:  column(list("variant"), nil),
		`column "c" has the type "tuple"`:            column(object{"type": "tuple"}, nil),
		`column "c" has an initial default`:          column("int", object{"initial-default": 0}),
		`column "c" has the field id 0`:              column("int", object{"id": 0}),
		`is of the type timestamp[us] in one version, and date32 in another`: {"schemas": []object{
			icebergtest.Schema(0, object{"id": 1, "name": "d", "required": false, "type": "date"}),
			icebergtest.Schema(1, object{"id": 1, "name": "t", "required": false, "type": "timestamp"}),
		}},
		"it is encrypted": {"snapshots": []object{{"snapshot-id": 7, "timestamp-ms": 1, "manifest-list": "x", "key-id": "k"}}},
	} {
		m := newMaker(t)
		m.List("list.avro")
		m.Metadata("v1.metadata.json", other)
		failed := failureOf(t, filesError(t, m.Folder, iceberg.Latest()))
		assert.Contains(t, failed.Message, want)
		assert.Contains(t, failed.Message, "not implemented")
		assert.True(t, failed.Early, want)
	}
	m := newMaker(t)
	m.Metadata("v1.metadata.json", nil)
	write(t, m.Folder, map[string]string{"metadata/v2.metadata.json": "\x28\xb5\x2f\xfd..."})
	assert.True(t, failureOf(t, filesError(t, m.Folder, iceberg.Latest())).Early)
}

func TestDamagedMetadata(t *testing.T) {
	t.Parallel()
	twice := []object{{"id": 1, "name": "a", "required": false, "type": "int"}, {"id": 1, "name": "b", "required": false, "type": "int"}}
	alike := []object{{"id": 1, "name": "a", "required": false, "type": "int"}, {"id": 2, "name": "a", "required": false, "type": "int"}}
	for want, other := range map[string]object{
		"does not say its format-version":          {"format-version": nil},
		"does not say its location":                {"location": nil},
		"it has no schema":                         {"schemas": nil},
		"it has no partition spec":                 {"partition-specs": nil},
		"schema 5 is not among its schemas":        {"current-schema-id": 5},
		"current snapshot 5 is not among":          {"current-snapshot-id": 5},
		"has no manifest list":                     {"snapshots": []object{{"snapshot-id": 7}}},
		"have the same id 1":                       {"schemas": []object{icebergtest.Schema(0, twice...)}},
		`column "a" is there twice`:                {"schemas": []object{icebergtest.Schema(0, alike...)}},
		"partition spec 0 twice":                   {"partition-specs": []object{{"spec-id": 0}, {"spec-id": 0}}},
		`"decimal(39, 2)", which cannot be`:        column("decimal(39, 2)", nil),
		`"fixed[0]", which cannot be`:              column("fixed[0]", nil),
		`column "c.element" has no type`:           column(object{"type": "list", "element-id": 3}, nil),
		`the type of column "c" is damaged`:        column(object{}, nil),
		"column \"c\" has the field id -1":         column("int", object{"id": -1}),
		"its property schema.name-mapping.default": {"properties": object{"schema.name-mapping.default": `{}`}},
		`two fields have the name "x"`:             {"properties": object{"schema.name-mapping.default": `[{"names":["x"],"field-id":1},{"names":["y","x"],"field-id":2}]`}},
		"no JSON as the specification has it":      {"snapshots": "none"},
	} {
		m := newMaker(t)
		m.List("list.avro")
		m.Metadata("v1.metadata.json", other)
		failed := failureOf(t, filesError(t, m.Folder, iceberg.Latest()))
		assert.Contains(t, failed.Message, want)
		assert.Contains(t, failed.Message, "v1.metadata.json", want)
		assert.False(t, failed.Early, want)
	}
}

func TestManifestsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		entry, list object // of the manifest of data
		deletes     object // an entry of a manifest of deletes
		want        string
		early       bool
	}{
		"ORC":                 {object{"file_format": "orc"}, nil, nil, "it is in ORC, which is not implemented", true},
		"an encrypted file":   {object{"key_metadata": []byte("k")}, nil, nil, "is encrypted, which is not implemented", true},
		"an encrypted list":   {nil, object{"key_metadata": []byte("k")}, nil, "is encrypted, which is not implemented", true},
		"no path":             {object{"file_path": ""}, nil, nil, "m.avro: the file \"\"", false},
		"negative rows":       {object{"record_count": int64(-1)}, nil, nil, "has -1 rows", false},
		"deletes among data":  {object{"content": 1}, nil, nil, "contents of kind 1 in a manifest of kind 0", false},
		"another kind":        {object{"content": 7}, nil, nil, "contents of kind 7", false},
		"another spec":        {nil, object{"partition_spec_id": 4}, nil, "a partition spec that the table does not have: 4", false},
		"a wrong kind":        {nil, object{"content": 1}, nil, `contents of kind "data", but the snapshot says 1`, false},
		"cut off":             {nil, object{"manifest_length": int64(1 << 20)}, nil, "it is cut off", false},
		"deletes in Avro":     {nil, nil, object{"content": 1, "file_format": "AVRO"}, "which deletes rows, is in AVRO", true},
		"values of nothing":   {nil, nil, object{"content": 2}, "equality deletes has no fields", false},
		"a vector of nothing": {nil, nil, object{"content": 1, "file_format": "PUFFIN"}, "does not say of which file it is", false},
		"a vector before all": {nil, nil, object{
			"content": 1, "file_format": "PUFFIN", "referenced_data_file": "a", "content_offset": int64(-4), "content_size_in_bytes": int64(1),
		}, "1 bytes at byte -4", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMaker(t)
			manifests := []object{icebergtest.With(m.Manifest("m.avro", data, m.Added("a.parquet", c.entry)), c.list)}
			if c.deletes != nil {
				manifests = append(manifests, m.Manifest("d.avro", kindOf(0, "deletes", "", 2), m.Added("d.parquet", c.deletes)))
			}
			m.List("list.avro", manifests...)
			m.Metadata("v1.metadata.json", nil)
			failed := failureOf(t, filesError(t, m.Folder, iceberg.Latest()))
			assert.Contains(t, failed.Message, c.want)
			assert.Equal(t, c.early, failed.Early)
		})
	}
}

func TestTwoVectorsOfAFile(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	vector := m.Added("d.puffin", object{
		"content": 1, "file_format": "PUFFIN", "referenced_data_file": m.Path("a.parquet"), "content_offset": int64(4), "content_size_in_bytes": int64(48),
	})
	m.List("list.avro", m.Manifest("m.avro", data, m.Added("a.parquet", nil)), m.Manifest("d.avro", kindOf(0, "deletes", "", 2), vector, vector))
	m.Metadata("v1.metadata.json", nil)
	assert.ErrorContains(t, filesError(t, m.Folder, iceberg.Latest()), "has two deletion vectors")
}

func TestManifestsThatContradict(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	good := m.Manifest("m.avro", data, m.Added("a.parquet", nil))
	vector := m.Added("d.puffin", object{
		"content": 1, "file_format": "PUFFIN", "referenced_data_file": m.Path("a.parquet"), "content_offset": int64(4), "content_size_in_bytes": int64(48),
		"record_count": int64(11),
	})
	schema := icebergtest.EntrySchema("")
	newer := icebergtest.AvroOf(t, schema, map[string]string{"format-version": "4", "content": "data"}, m.Added("a.parquet", nil))
	write(t, m.Folder, map[string]string{"metadata/newer.avro": string(newer)})
	text := m.Manifest("text.avro", kindOf(1, "data", textPartition, 1), m.Added("a.parquet", object{"partition": object{"p": "\xff"}}))
	for want, manifests := range map[string][]object{
		"11 of the 10 rows": {good, m.Manifest("d.avro", kindOf(0, "deletes", "", 2), vector)},
		`of the partition spec "0", but the snapshot says 2`: {icebergtest.With(good, object{"partition_spec_id": 2})},
		`a manifest has version "4" of the format`:           {icebergtest.With(good, object{"manifest_path": m.Path("metadata/newer.avro"), "manifest_length": 0})},
		"a text is not in UTF-8":                             {text},
		"no value for the partition field 1000":              {m.Manifest("none.avro", kindOf(1, "data", "", 1), m.Added("a.parquet", nil))},
	} {
		m.List("list.avro", manifests...)
		m.Metadata("v1.metadata.json", partitioned())
		assert.ErrorContains(t, filesError(t, m.Folder, iceberg.Latest()), want)
	}
}

func TestOddPropertiesAreLeftAlone(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	m.List("list.avro")
	snapshot := icebergtest.With(m.Snapshot(7, "list.avro"), object{"summary": object{"operation": "delete", "deleted-records": 5, "x": nil}})
	m.Metadata("v1.metadata.json", object{"snapshots": []object{snapshot}, "properties": object{"a": 1, "b": nil, "c": []int{1}}})
	opened, err := iceberg.Open(t.Context(), m.Folder, iceberg.Latest())
	require.NoError(t, err)
	assert.Equal(t, "delete", opened.Operation)
}

func TestDamagedManifests(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	entry := m.Manifest("m.avro", data, m.Added("a.parquet", nil))
	m.List("list.avro", entry)
	m.Metadata("v1.metadata.json", nil)
	good, err := os.ReadFile(filepath.Join(m.Folder, "metadata/m.avro"))
	require.NoError(t, err)
	for name, raw := range map[string][]byte{
		"none":               nil,
		"no Avro":            make([]byte, len(good)),
		"a changed marker":   append(good[:len(good)-1:len(good)-1], good[len(good)-1]^1),
		"of something else":  append(icebergtest.AvroOf(t, icebergtest.ListSchema, nil), make([]byte, len(good))...),
		"without data files": append(icebergtest.AvroOf(t, `{"type":"record","name":"e","fields":[{"name":"status","type":"int"},{"name":"data_file","type":"int"}]}`, nil), good...),
	} {
		m.List("list.avro", icebergtest.With(entry, object{"manifest_length": 0}))
		require.NoError(t, os.WriteFile(filepath.Join(m.Folder, "metadata/m.avro"), raw, 0o600))
		failed := failureOf(t, filesError(t, m.Folder, iceberg.Latest()))
		assert.Contains(t, failed.Message, "damaged", name)
		assert.Contains(t, failed.Message, "m.avro", name)
		require.NoError(t, os.WriteFile(filepath.Join(m.Folder, "metadata/m.avro"), good, 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(m.Folder, "metadata/list.avro"), raw, 0o600))
		assert.Contains(t, failureOf(t, filesError(t, m.Folder, iceberg.Latest())).Message, "list.avro", name)
	}
}
