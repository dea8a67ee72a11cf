package delta_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
	"hyperlake/internal/lake/delta"
	"hyperlake/internal/storage"
)

// structOf is a nullable column of a checkpoint.
func structOf(name string, fields ...arrow.Field) arrow.Field {
	for i := range fields {
		fields[i].Nullable = true
	}
	return arrow.Field{Name: name, Type: arrow.StructOf(fields...), Nullable: true}
}

var (
	textMap   = arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.String)
	text      = arrow.BinaryTypes.String
	long      = arrow.PrimitiveTypes.Int64
	addFields = []arrow.Field{
		{Name: "path", Type: text}, {Name: "partitionValues", Type: textMap}, {Name: "size", Type: long}, {Name: "modificationTime", Type: long},
		{Name: "dataChange", Type: arrow.FixedWidthTypes.Boolean}, {Name: "stats", Type: text},
	}
	checkpointSchema = arrow.NewSchema([]arrow.Field{
		structOf("txn", arrow.Field{Name: "appId", Type: text}),
		structOf("add", append(addFields, structOf("deletionVector",
			arrow.Field{Name: "storageType", Type: text}, arrow.Field{Name: "pathOrInlineDv", Type: text},
			arrow.Field{Name: "offset", Type: arrow.PrimitiveTypes.Int32}, arrow.Field{Name: "sizeInBytes", Type: arrow.PrimitiveTypes.Int32},
			arrow.Field{Name: "cardinality", Type: long}))...),
		structOf("remove", arrow.Field{Name: "path", Type: text}),
		structOf("metaData", arrow.Field{Name: "id", Type: text}, structOf("format", arrow.Field{Name: "provider", Type: text}),
			arrow.Field{Name: "schemaString", Type: text}, arrow.Field{Name: "partitionColumns", Type: arrow.ListOf(text)}, arrow.Field{Name: "configuration", Type: textMap}),
		structOf("protocol", arrow.Field{Name: "minReaderVersion", Type: arrow.PrimitiveTypes.Int32}, arrow.Field{Name: "readerFeatures", Type: arrow.ListOf(text)}),
		structOf("sidecar", arrow.Field{Name: "path", Type: text}, arrow.Field{Name: "sizeInBytes", Type: long}),
	}, nil)
)

// checkpointOf is a checkpoint in Parquet, of actions in JSON in which maps are lists of keys and values.
func checkpointOf(t testing.TB, actions ...string) string {
	t.Helper()
	record, _, err := array.RecordFromJSON(memory.DefaultAllocator, checkpointSchema, strings.NewReader("["+strings.Join(actions, ",")+"]"))
	require.NoError(t, err)
	var out strings.Builder
	w, err := pqarrow.NewFileWriter(checkpointSchema, &out, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(record))
	require.NoError(t, w.Close())
	return out.String()
}

var (
	metadataRow = fmt.Sprintf(`{"metaData":{"id":"x","format":{"provider":"parquet"},"schemaString":%q,"partitionColumns":[],"configuration":[{"key":"a","value":"b"}]}}`, oneColumn)
	protocolRow = `{"protocol":{"minReaderVersion":3,"readerFeatures":["v2Checkpoint","deletionVectors"]}}`
)

func addRow(path string) string {
	return fmt.Sprintf(`{"add":{"path":%q,"partitionValues":[],"size":1,"modificationTime":1,"stats":"{\"numRecords\":7}"}}`, path)
}

const classic = "00000000000000000003.checkpoint.parquet"

// part is the name of a part of a checkpoint.
func part(of, parts int) string {
	return fmt.Sprintf("00000000000000000003.checkpoint.%010d.%010d.parquet", of, parts)
}

func TestCheckpoints(t *testing.T) {
	t.Parallel()
	whole := checkpointOf(t, protocolRow, metadataRow, addRow("a"), `{"remove":{"path":"b"}}`, `{"txn":{"appId":"x"}}`, addRow("c%20d"))
	withVectors := checkpointOf(t, protocolRow, metadataRow, addRow("a"),
		`{"add":{"path":"b","size":1,"deletionVector":{"storageType":"u","pathOrInlineDv":"ab^-aqEH.-t@S}K{vb[*k^","offset":1,"sizeInBytes":40,"cardinality":6}}}`)
	sidecar := checkpointOf(t, addRow("in a sidecar"), addRow("removed"))
	named := fmt.Sprintf(`{"sidecar":{"path":"s%%201.parquet","sizeInBytes":%d,"modificationTime":1}}`, len(sidecar))
	head := lines(`{"checkpointMetadata":{"version":3}}`, `{"protocol":{"minReaderVersion":3,"readerFeatures":["v2Checkpoint"]}}`, metadataOf(oneColumn, "", ""))
	manifest := "00000000000000000003.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11"
	cases := map[string]struct {
		log  map[string]string
		want []string
	}{
		"classic":           {map[string]string{classic: whole}, []string{"a", "c d"}},
		"and commits":       {map[string]string{classic: whole, commit(4): lines(removeOf("c d"), addOf("e")), commit(5): removeOf("e")}, []string{"a"}},
		"added once more":   {map[string]string{classic: whole, commit(4): addOf("a")}, []string{"a", "c d"}},
		"commits before":    {map[string]string{classic: whole, commit(1): "damaged", commit(3): "damaged"}, []string{"a", "c d"}},
		"with vectors":      {map[string]string{classic: withVectors}, []string{"a", "b -6@1"}},
		"a vector replaced": {map[string]string{classic: withVectors, commit(4): lines(withVector("remove", "b", vectorOf(1)), withVector("add", "b", vectorOf(9)))}, []string{"a", "b -6@9"}},
		"parts":             {map[string]string{part(1, 2): checkpointOf(t, protocolRow, addRow("a")), part(2, 2): checkpointOf(t, metadataRow, addRow("b"))}, []string{"a", "b"}},
		"a part is missing": {
			map[string]string{commit(0): lines(first, addOf("0")), commit(1): addOf("1"), commit(2): addOf("2"), commit(3): addOf("3"), part(1, 3): "x", part(3, 3): "x", part(1, 1): whole},
			[]string{"a", "c d"},
		},
		"parts of two": {
			map[string]string{commit(0): lines(first, addOf("0")), commit(1): addOf("1"), commit(2): addOf("2"), commit(3): addOf("3"), part(1, 3): "x", part(2, 2): "x"},
			[]string{"0", "1", "2", "3"},
		},
		"the same file twice": {map[string]string{classic: checkpointOf(t, protocolRow, metadataRow, addRow("a"), addRow("a"))}, []string{"a"}},
		"older ones":          {map[string]string{classic: whole, "00000000000000000001.checkpoint.parquet": "damaged", commit(2): "damaged"}, []string{"a", "c d"}},
		"V2 in JSON": {
			map[string]string{manifest + ".json": head + named, "_sidecars/s 1.parquet": sidecar, "_sidecars/of others.parquet": "x", commit(4): removeOf("removed")},
			[]string{"in a sidecar"},
		},
		"V2 in JSON, without sidecars": {
			map[string]string{manifest + ".json": head + lines(addOf("in the manifest"), `{"add":{"path":"b"},"commitInfo":null,"remove":null}`)}, []string{"b", "in the manifest"},
		},
		"V2 in Parquet": {
			map[string]string{manifest + ".parquet": checkpointOf(t, protocolRow, metadataRow, named), "_sidecars/s 1.parquet": sidecar},
			[]string{"in a sidecar", "removed"},
		},
		"V2 under a classic name": {
			map[string]string{classic: checkpointOf(t, protocolRow, metadataRow, named), "_sidecars/s 1.parquet": sidecar}, []string{"in a sidecar", "removed"},
		},
		"several of one version": {map[string]string{classic: whole, manifest + ".json": "damaged", part(1, 2): "x", part(2, 2): "x"}, []string{"a", "c d"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, found, err := openAt(t, tableOf(t, c.log), delta.Latest())
			require.NoError(t, err)
			assert.Equal(t, c.want, found)
		})
	}
}

func TestDamagedCheckpoints(t *testing.T) {
	t.Parallel()
	manifest := "00000000000000000003.checkpoint.x.json"
	head := lines(`{"protocol":{"minReaderVersion":1}}`, metadataOf(oneColumn, "", ""))
	twoVectors := checkpointOf(t, protocolRow, metadataRow, addRow("a"),
		`{"add":{"path":"a","deletionVector":{"storageType":"u","pathOrInlineDv":"ab^-aqEH.-t@S}K{vb[*k^","offset":1,"sizeInBytes":40,"cardinality":6}}}`)
	cases := map[string]struct {
		log       map[string]string
		want      string
		isMissing bool // which may pass
	}{
		"no Parquet":               {map[string]string{classic: "no Parquet, for sure"}, classic, false},
		"empty":                    {map[string]string{classic: ""}, classic, false},
		"no protocol":              {map[string]string{classic: checkpointOf(t, metadataRow)}, "has a protocol", false},
		"a gap behind it":          {map[string]string{classic: checkpointOf(t, protocolRow, metadataRow), commit(5): addOf("a")}, commit(4) + " is missing", false},
		"one file with two sets":   {map[string]string{classic: twoVectors}, "is in the table twice", false},
		"a path that is none":      {map[string]string{classic: checkpointOf(t, protocolRow, metadataRow, addRow("%"))}, `"%" is no path`, false},
		"a manifest that is cut":   {map[string]string{manifest: head[:20]}, manifest + ": line 1", false},
		"a sidecar that is gone":   {map[string]string{manifest: head + `{"sidecar":{"path":"s.parquet","sizeInBytes":1}}`}, "s.parquet", true},
		"a sidecar of other size":  {map[string]string{manifest: head + `{"sidecar":{"path":"s.parquet","sizeInBytes":1}}`, "_sidecars/s.parquet": "xx"}, "2 bytes, not the 1", false},
		"a sidecar somewhere else": {map[string]string{manifest: head + `{"sidecar":{"path":"../s.parquet"}}`}, "is in another folder", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := openAt(t, tableOf(t, c.log), delta.Latest())
			failed := failureOf(t, err)
			assert.Contains(t, failed.Message, c.want)
			assert.False(t, failed.Early)
			assert.Equal(t, c.isMissing, failed.Retry)
		})
	}
}

// TestCheckpointsOfOtherTypes has columns that cannot be what they are named after.
func TestCheckpointsOfOtherTypes(t *testing.T) {
	t.Parallel()
	for want, field := range map[string]arrow.Field{
		`its column "add" is utf8`:         {Name: "add", Type: text},
		`its column "add.path" is int64`:   structOf("add", arrow.Field{Name: "path", Type: long}),
		`its column "add.size" is utf8`:    structOf("add", arrow.Field{Name: "size", Type: text}),
		`its column "add.partitionValues"`: structOf("add", arrow.Field{Name: "partitionValues", Type: text}),
		`its column "add.deletionVector"`:  structOf("add", arrow.Field{Name: "deletionVector", Type: text}),
	} {
		read := func(_ context.Context, _ storage.Info, columns []string, emit func(arrow.Record) error) error {
			if columns[0] != "add" {
				record, _, err := array.RecordFromJSON(memory.DefaultAllocator, checkpointSchema, strings.NewReader("["+protocolRow+","+metadataRow+"]"))
				require.NoError(t, err)
				return emit(record)
			}
			builder := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{field}, nil))
			if outer, ok := builder.Field(0).(*array.StructBuilder); ok {
				outer.Append(true)
				require.NoError(t, appendOne(outer.FieldBuilder(0)))
			} else {
				require.NoError(t, appendOne(builder.Field(0)))
			}
			return emit(builder.NewRecord())
		}
		snapshot, err := delta.Open(t.Context(), tableOf(t, map[string]string{classic: "x"}), delta.Latest(), read)
		require.NoError(t, err)
		err = snapshot.Files(t.Context(), nil, func(lake.File) error { return nil })
		assert.Contains(t, failureOf(t, err).Message, want)
	}
}

func appendOne(builder array.Builder) error { return builder.AppendValueFromString("1") }

func TestVersionsOfACleanedUpLog(t *testing.T) {
	t.Parallel()
	whole := checkpointOf(t, protocolRow, metadataRow, addRow("a"))
	folder := tableOf(t, map[string]string{
		"00000000000000000010.checkpoint.parquet": whole, commit(10): lines(`{"commitInfo":{"operation":"OPTIMIZE"}}`, "damaged"), commit(11): addOf("b"), commit(12): addOf("c"),
		"00000000000000000020.checkpoint.parquet": whole, commit(21): addOf("d"),
	})
	for version, want := range map[int64][]string{10: {"a"}, 12: {"a", "b", "c"}, 20: {"a"}, 21: {"a", "d"}} {
		snapshot, found, err := openAt(t, folder, delta.Number(version))
		require.NoError(t, err)
		assert.Equal(t, want, found)
		assert.Equal(t, version == 20, snapshot.Time.IsZero())
		assert.Equal(t, version == 10, snapshot.Operation == "OPTIMIZE")
	}
	_, _, err := openAt(t, folder, delta.Number(9))
	failed := failureOf(t, err)
	assert.Contains(t, failed.Message, "cannot be made any more")
	assert.Equal(t, "versions that can be read: 10 to 12, 20 to 21", failed.Hint)
	assert.True(t, failed.Early)
	_, _, err = openAt(t, folder, delta.Number(15))
	failed = failureOf(t, err)
	assert.Contains(t, failed.Message, commit(13)+" is missing")
	assert.Contains(t, failed.Hint, "10 to 12, 20 to 21")
}

func writeFile(t testing.TB, folder, name string, data []byte) {
	t.Helper()
	path := filepath.Join(folder, "_delta_log", name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, data, 0o600))
}

// manyFiles makes a table whose checkpoint has that many files, with statistics as Spark writes them.
func manyFiles(t testing.TB, count int) string {
	t.Helper()
	folder := tableOf(t, nil)
	var out strings.Builder
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy), parquet.WithMaxRowGroupLength(100_000))
	w, err := pqarrow.NewFileWriter(checkpointSchema, &out, properties, pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	head, _, err := array.RecordFromJSON(memory.DefaultAllocator, checkpointSchema, strings.NewReader("["+protocolRow+","+metadataRow+"]"))
	require.NoError(t, err)
	require.NoError(t, w.WriteBuffered(head))
	for from := 0; from < count; from += 10_000 {
		b := array.NewRecordBuilder(memory.DefaultAllocator, checkpointSchema)
		for i := from; i < min(from+10_000, count); i++ {
			for column := range b.Fields() {
				if column != 1 {
					b.Field(column).AppendNull()
				}
			}
			appendAdd(b.Field(1).(*array.StructBuilder), i)
		}
		require.NoError(t, w.WriteBuffered(b.NewRecord()))
	}
	require.NoError(t, w.Close())
	writeFile(t, folder, classic, []byte(out.String()))
	writeFile(t, folder, commit(4), []byte(addOf("one more")))
	return folder
}

// appendAdd appends the file of that number.
func appendAdd(add *array.StructBuilder, i int) {
	add.Append(true)
	add.FieldBuilder(0).(*array.StringBuilder).Append(fmt.Sprintf("day=%d/part-%05d-3935a07c-416b-4344-ad97-2a38342ee2fc.c000.snappy.parquet", i%365, i))
	values := add.FieldBuilder(1).(*array.MapBuilder)
	values.Append(true)
	values.KeyBuilder().(*array.StringBuilder).Append("day")
	values.ItemBuilder().(*array.StringBuilder).Append(strconv.Itoa(i % 365))
	add.FieldBuilder(2).(*array.Int64Builder).Append(1_000_000)
	add.FieldBuilder(3).(*array.Int64Builder).Append(1_700_000_000_000)
	add.FieldBuilder(4).(*array.BooleanBuilder).Append(true)
	add.FieldBuilder(5).(*array.StringBuilder).Append(fmt.Sprintf(`{"numRecords":1000,"minValues":{"id":%d,%s},"maxValues":{"id":%d,%s},"nullCount":{"id":0,%s}}`,
		i*1000, otherColumns, i*1000+999, otherColumns, otherColumns))
	add.FieldBuilder(6).AppendNull()
}

// otherColumns are values of 14 more columns.
var otherColumns = func() string {
	var columns []string
	for i := range 14 {
		columns = append(columns, fmt.Sprintf(`"column_%d":%d`, i, i*123456))
	}
	return strings.Join(columns, ",")
}()
