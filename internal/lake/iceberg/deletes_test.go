package iceberg_test

import (
	"fmt"
	"path"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
	"hyperlake/internal/lake/iceberg"
	"hyperlake/internal/lake/iceberg/icebergtest"
)

const textPartition = `{"name": "p", "type": ["null", "string"], "default": null, "field-id": 1000}`

// partitioned are the metadata of a table that is partitioned by a text, or not, by its specs 1 and 0, and by nothing any more by
// its spec 2.
func partitioned() object {
	p := object{"source-id": 2, "field-id": 1000, "name": "p", "transform": "identity"}
	return object{
		"schemas": []object{icebergtest.Schema(0, object{"id": 1, "name": "id", "required": false, "type": "long"},
			object{"id": 2, "name": "p", "required": false, "type": "string"})},
		"partition-specs": []object{
			{"spec-id": 0, "fields": []object{}}, {"spec-id": 1, "fields": []object{p}}, {"spec-id": 2, "fields": []object{icebergtest.With(p, object{"transform": "void"})}},
		},
	}
}

// deleting is a file that deletes rows, and the file whose rows are looked at: its sequence number is 5, its partition a.
type deleting struct {
	spec     int
	sequence int
	p        any
	file     object
}

func TestWhatDeletesApplyTo(t *testing.T) {
	t.Parallel()
	const positions, values = 1, 2
	bounds := func(lower, upper string) object {
		at := func(text string) []object { return []object{{"key": 2147483546, "value": []byte(text)}} }
		return object{"content": positions, "lower_bounds": at(lower), "upper_bounds": at(upper)}
	}
	equal := object{"content": values, "equality_ids": []int32{1}}
	for name, c := range map[string]struct {
		deletes []deleting
		want    []string // the names of those that apply
	}{
		"positions of the same commit": {[]deleting{{1, 5, "a", object{"content": positions}}}, []string{"d0"}},
		"of a later one":               {[]deleting{{1, 6, "a", object{"content": positions}}}, []string{"d0"}},
		"of an earlier one":            {[]deleting{{1, 4, "a", object{"content": positions}}}, nil},
		"of another partition":         {[]deleting{{1, 6, "b", object{"content": positions}}, {1, 6, nil, object{"content": positions}}}, nil},
		"of another spec":              {[]deleting{{0, 6, nil, object{"content": positions}}, {2, 6, nil, object{"content": positions}}}, nil},
		"of paths around it":           {[]deleting{{1, 6, "a", bounds("/a", "\x7f")}, {1, 6, "a", bounds("\x7f", "\x7f")}, {1, 6, "a", bounds("/", "/")}}, []string{"d0"}},
		"of the file":                  {[]deleting{{1, 5, "a", object{"content": positions, "referenced_data_file": "FILE"}}}, []string{"d0"}},
		"of the file, earlier":         {[]deleting{{1, 4, "a", object{"content": positions, "referenced_data_file": "FILE"}}}, nil},
		"of another file":              {[]deleting{{1, 6, "a", object{"content": positions, "referenced_data_file": "FILE2"}}}, nil},
		"values of the same commit":    {[]deleting{{1, 5, "a", equal}}, nil},
		"values of a later one":        {[]deleting{{1, 6, "a", equal}}, []string{"d0"}},
		"values of another partition":  {[]deleting{{1, 6, "b", equal}}, nil},
		"values of all":                {[]deleting{{0, 5, nil, equal}, {0, 6, nil, equal}, {2, 6, nil, equal}}, []string{"d1", "d2"}},
		"in order":                     {[]deleting{{1, 8, "a", equal}, {0, 7, nil, equal}, {1, 6, "a", equal}}, []string{"d1", "d2", "d0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := deletedFile(t, c.deletes)
			var found []string
			for _, deletes := range append(file.PositionDeletes, file.EqualityDeletes...) {
				found = append(found, path.Base(deletes.URI))
				assert.EqualValues(t, 10, deletes.Rows)
			}
			assert.Equal(t, c.want, found)
			assert.Equal(t, len(c.want) > 0, file.HasDeletes())
		})
	}
}

// deletedFile makes a table with a file and what deletes rows of it, and returns what it has of that.
func deletedFile(t *testing.T, all []deleting) lake.File {
	t.Helper()
	m := newMaker(t)
	file := m.Path("a.parquet")
	manifests := []object{m.Manifest("data.avro", kindOf(1, "data", textPartition, 5), m.Added("a.parquet", object{"partition": object{"p": "a"}}))}
	for i, d := range all {
		entry, partition := d.file, ""
		switch d.file["referenced_data_file"] {
		case "FILE":
			entry = icebergtest.With(entry, object{"referenced_data_file": file})
		case "FILE2":
			entry = icebergtest.With(entry, object{"referenced_data_file": file + "2"})
		}
		if d.spec > 0 {
			entry, partition = icebergtest.With(entry, object{"partition": object{"p": d.p}}), textPartition
		}
		manifests = append(manifests, m.Manifest(fmt.Sprint(i, ".avro"), kindOf(d.spec, "deletes", partition, d.sequence), m.Added(fmt.Sprint("d", i), entry)))
	}
	m.List("list.avro", manifests...)
	m.Metadata("v1.metadata.json", partitioned())
	snapshot, err := iceberg.Open(t.Context(), m.Folder, iceberg.Latest())
	require.NoError(t, err)
	files := filesOf(t, snapshot)
	require.Len(t, files, 1)
	return files[0]
}

func TestDeletionVectors(t *testing.T) {
	t.Parallel()
	vector := func(sequence int) deleting {
		return deleting{1, sequence, "a", object{
			"content": 1, "file_format": "puffin", "referenced_data_file": "FILE", "content_offset": int64(4), "content_size_in_bytes": int64(48), "record_count": int64(3),
		}}
	}
	positions := deleting{1, 9, "a", object{"content": 1}}
	file := deletedFile(t, []deleting{vector(5), positions, {1, 6, "a", object{"content": 2, "equality_ids": []int32{1}}}})
	require.NotNil(t, file.Deletes)
	assert.Empty(t, file.PositionDeletes, "a vector has all that they have")
	assert.Len(t, file.EqualityDeletes, 1)
	assert.EqualValues(t, 4, file.Deletes.Offset)
	assert.EqualValues(t, 40, file.Deletes.Size)
	assert.EqualValues(t, 3, file.Deletes.Cardinality)
	assert.True(t, file.Deletes.Puffin)
	file = deletedFile(t, []deleting{vector(4), positions})
	assert.Nil(t, file.Deletes)
	assert.Len(t, file.PositionDeletes, 1)
}

func TestPartitionsOfDecimalsThatGrew(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	partition := func(size int) string {
		return fmt.Sprintf(`{"name": "c", "type": ["null", {"type": "fixed", "name": "f", "size": %d, "logicalType": "decimal", "precision": 2, "scale": 0}], `+
			`"default": null, "field-id": 1000}`, size)
	}
	m.List("list.avro",
		m.Manifest("m.avro", kindOf(0, "data", partition(1), 1), m.Added("a.parquet", object{"partition": object{"c": []byte{0xfe}}})),
		m.Manifest("d.avro", kindOf(0, "deletes", partition(2), 2), m.Added("d", object{"content": 1, "partition": object{"c": []byte{0xff, 0xfe}}})),
		m.Manifest("e.avro", kindOf(0, "deletes", partition(2), 2), m.Added("e", object{"content": 1, "partition": object{"c": []byte{0, 0xfe}}})))
	other := column("decimal(4, 0)", nil)
	other["partition-specs"] = []object{{"spec-id": 0, "fields": []object{{"source-id": 2, "field-id": 1000, "name": "c", "transform": "identity"}}}}
	m.Metadata("v1.metadata.json", other)
	snapshot, err := iceberg.Open(t.Context(), m.Folder, iceberg.Latest())
	require.NoError(t, err)
	file := filesOf(t, snapshot)[0]
	assert.Equal(t, "-2", *file.Partition[0])
	require.Len(t, file.PositionDeletes, 1)
	assert.Equal(t, "d", path.Base(file.PositionDeletes[0].URI))
}

func TestSequenceNumbersOfEntries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status   int
		own      any
		manifest int
		deletes  bool // whether values of sequence number 5 delete rows
	}{
		"added":          {1, nil, 4, true},
		"added later":    {1, nil, 5, false},
		"existing":       {0, int64(4), 9, true},
		"existing later": {0, int64(5), 9, false},
		"of version 1":   {0, nil, 0, true},
	} {
		m := newMaker(t)
		entry := icebergtest.With(m.Added("a.parquet", nil), object{"status": c.status, "sequence_number": c.own})
		m.List("list.avro", m.Manifest("data.avro", kindOf(0, "data", "", c.manifest), entry),
			m.Manifest("deletes.avro", kindOf(0, "deletes", "", 5), m.Added("d", object{"content": 2, "equality_ids": []int32{1}})))
		m.Metadata("v1.metadata.json", nil)
		snapshot, err := iceberg.Open(t.Context(), m.Folder, iceberg.Latest())
		require.NoError(t, err)
		assert.Equal(t, c.deletes, filesOf(t, snapshot)[0].HasDeletes(), name)
	}
}

// The lists of many data files share their memory.
func TestListsOfEqualityDeletesAreShared(t *testing.T) {
	t.Parallel()
	m := newMaker(t)
	var list []object
	for i := range 10 {
		list = append(list, m.Manifest(fmt.Sprint("a", i, ".avro"), kindOf(0, "data", "", i), m.Added(fmt.Sprint("a", i), nil)),
			m.Manifest(fmt.Sprint("d", i, ".avro"), kindOf(0, "deletes", "", i), m.Added(fmt.Sprint("d", i), object{"content": 2, "equality_ids": []int32{1}})))
	}
	m.List("list.avro", list...)
	m.Metadata("v1.metadata.json", nil)
	snapshot, err := iceberg.Open(t.Context(), m.Folder, iceberg.Latest())
	require.NoError(t, err)
	var last *lake.DeleteFile
	for i, file := range filesOf(t, snapshot) {
		require.Len(t, file.EqualityDeletes, 9-i, file.URI)
		if i == 9 {
			break
		}
		end := &file.EqualityDeletes[8-i]
		assert.Equal(t, m.Path("d9"), end.URI)
		if last != nil {
			assert.Same(t, last, end)
		}
		last = end
	}
}
