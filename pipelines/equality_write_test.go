package pipelines_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake/iceberg/icebergtest"
)

// arrowTypes are those of the table's simple types.
var arrowTypes = map[string]arrow.DataType{
	"int": arrow.PrimitiveTypes.Int32, "long": arrow.PrimitiveTypes.Int64, "float": arrow.PrimitiveTypes.Float32, "double": arrow.PrimitiveTypes.Float64,
	"string": arrow.BinaryTypes.String, "decimal(9, 2)": &arrow.Decimal128Type{Precision: 9, Scale: 2}, "decimal(12, 2)": &arrow.Decimal128Type{Precision: 12, Scale: 2},
}

// arrowField is a column of the table in files, with its id or without. The writer leaves the ids of structures out, so that a file has
// them if it has no ids at all, and the table says which ids names stand for.
func arrowField(c icebergtest.Object, withID bool) arrow.Field {
	field := arrow.Field{Name: c["name"].(string), Nullable: true}
	if name, ok := c["type"].(string); ok {
		field.Type = arrowTypes[name]
	} else {
		var inside []arrow.Field
		for _, part := range c["type"].(icebergtest.Object)["fields"].([]icebergtest.Object) {
			inside = append(inside, arrowField(part, withID))
		}
		field.Type = arrow.StructOf(inside...)
	}
	if withID {
		field.Metadata = arrow.NewMetadata([]string{"PARQUET:field_id"}, []string{fmt.Sprint(c["id"])})
	}
	return field
}

// write writes columns of the rows of a file.
func (d *equalTable) write(f equalFile, columns []icebergtest.Object, withIDs bool) {
	d.Helper()
	var fields []arrow.Field
	for _, c := range columns {
		fields = append(fields, arrowField(c, withIDs))
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	for _, row := range f.rows {
		for i, c := range columns {
			text, isValue := row[c["id"].(int32)]
			if isValue && c["id"] == int32(partsField) {
				text = fmt.Sprintf(`{"a": %s, "b": 7}`, cmp.Or(row[insideField], "null"))
			}
			if !isValue {
				b.Field(i).AppendNull()
			} else {
				require.NoError(d, b.Field(i).AppendValueFromString(text))
			}
		}
	}
	d.writeRecord(f.path, b.NewRecord())
}

func (d *equalTable) writeRecord(path string, record arrow.Record) {
	d.Helper()
	path = filepath.Join(d.folder, path)
	require.NoError(d, os.MkdirAll(filepath.Dir(path), 0o755))
	out, err := os.Create(path)
	require.NoError(d, err)
	w, err := pqarrow.NewFileWriter(record.Schema(), out, parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(3)), pqarrow.DefaultWriterProps())
	require.NoError(d, err)
	require.NoError(d, w.Write(record))
	require.NoError(d, w.Close())
}

// add adds a manifest with a file.
func (d *equalTable) add(f equalFile, content string, more icebergtest.Object) {
	file := icebergtest.Object{"file_path": filepath.Join(d.folder, f.path), "record_count": len(f.rows), "partition": icebergtest.Object{}}
	maps.Copy(file, more)
	partition := ""
	if f.spec > 0 {
		name, id := "p", 1000
		if f.spec == byGone {
			name, id = "x", 1001
		}
		partition = fmt.Sprintf(`{"name": %q, "type": ["null", "string"], "default": null, "field-id": %d}`, name, id)
		file["partition"] = icebergtest.Object{name: nil}
		if f.group != nil {
			file["partition"] = icebergtest.Object{name: *f.group}
		}
	}
	raw := icebergtest.Manifest(d, f.spec, content, partition, icebergtest.Object{"data_file": file})
	path := filepath.Join(d.folder, "metadata", fmt.Sprintf("%d.avro", f.number))
	require.NoError(d, os.WriteFile(path, raw, 0o600))
	entry := icebergtest.Object{"manifest_path": path, "manifest_length": len(raw), "partition_spec_id": f.spec, "content": 0, "sequence_number": f.sequence}
	if content == "deletes" {
		entry["content"] = 1
	}
	d.list = append(d.list, entry)
}

// metadata writes the snapshot of all that was added.
func (d *equalTable) metadata() {
	list := filepath.Join(d.folder, "metadata/list.avro")
	require.NoError(d, os.WriteFile(list, icebergtest.ManifestList(d, d.list...), 0o600))
	var schemas, names []icebergtest.Object
	for id, columns := range equalSchemas {
		schemas = append(schemas, icebergtest.Object{"type": "struct", "schema-id": id, "fields": columns})
	}
	for _, c := range equalSchemas[0] {
		name := icebergtest.Object{"field-id": c["id"], "names": []any{c["name"]}}
		if c["id"] == int32(wordField) {
			name["names"] = []string{"k", "word"}
		}
		if c["id"] == int32(partsField) {
			name["fields"] = []icebergtest.Object{{"field-id": insideField, "names": []string{"a"}}, {"field-id": besideField, "names": []string{"b"}}}
		}
		names = append(names, name)
	}
	current := len(schemas) - 1
	schemas = append(schemas, icebergtest.Object{"type": "struct", "schema-id": len(schemas), "fields": []icebergtest.Object{equalLists}})
	mapping, err := json.Marshal(names)
	require.NoError(d, err)
	p := func(transform string) []icebergtest.Object {
		return []icebergtest.Object{{"source-id": groupField, "field-id": 1000, "name": "p", "transform": transform}}
	}
	raw, err := json.Marshal(icebergtest.Object{
		"format-version": 2, "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1", "location": d.folder, "last-sequence-number": 99,
		"last-updated-ms": 1700000000000, "last-column-id": 99, "schemas": schemas, "current-schema-id": current,
		"partition-specs": []icebergtest.Object{
			{"spec-id": 0, "fields": []icebergtest.Object{}}, {"spec-id": 1, "fields": p("identity")}, {"spec-id": 2, "fields": p("void")},
			{"spec-id": byGone, "fields": []icebergtest.Object{{"source-id": goneField, "field-id": 1001, "name": "x", "transform": "identity"}}},
		}, "default-spec-id": 0, "last-partition-id": 1000, "current-snapshot-id": 7,
		"snapshots": []icebergtest.Object{{
			"snapshot-id": 7, "timestamp-ms": 1700000000000, "sequence-number": 99, "schema-id": current, "manifest-list": list,
			"summary": icebergtest.Object{"operation": "overwrite"},
		}},
		"properties": icebergtest.Object{"schema.name-mapping.default": string(mapping)},
	})
	require.NoError(d, err)
	require.NoError(d, os.WriteFile(filepath.Join(d.folder, "metadata/v1.metadata.json"), raw, 0o600))
}
