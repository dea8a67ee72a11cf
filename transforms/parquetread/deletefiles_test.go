package parquetread_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/transforms/parquetread"
)

// identified is a column of a file with a field id.
func identified(name string, of arrow.DataType, id int) arrow.Field {
	return arrow.Field{Name: name, Type: of, Nullable: true, Metadata: arrow.NewMetadata([]string{"PARQUET:field_id"}, []string{fmt.Sprint(id)})}
}

// rowsFile writes a file of rows, given as JSON, in row groups of two.
func rowsFile(t testing.TB, rows string, fields ...arrow.Field) string {
	t.Helper()
	record, _, err := array.RecordFromJSON(memory.DefaultAllocator, arrow.NewSchema(fields, nil), strings.NewReader(rows))
	require.NoError(t, err)
	return writeRecord(t, record, parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(2)))
}

var (
	int32Type, int64Type = arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64
	textType             = arrow.BinaryTypes.String
)

// comparing is a table of one column, n, which is field 2, whose equality deletes compare the fields 1, a number, and 3, a text.
func comparing() parquetread.Projection {
	keys := []arrow.Field{{Name: "k", Type: int64Type, Nullable: true}, {Name: "w", Type: textType, Nullable: true}}
	return parquetread.Projection{
		Schema:  batch.Schema{Schema: arrow.NewSchema([]arrow.Field{{Name: "n", Type: int64Type, Nullable: true}}, nil)},
		Mapping: &parquetread.Mapping{ByID: true, Columns: []parquetread.MappedColumn{{Name: "n", ID: 2}}},
		Keys: &parquetread.Projection{
			Schema:  batch.Schema{Schema: arrow.NewSchema(keys, nil)},
			Mapping: &parquetread.Mapping{ByID: true, Columns: []parquetread.MappedColumn{{Name: "k", ID: 1}, {Name: "w", ID: 3}}},
		},
	}
}

// comparedFile is a file of such a table, of five rows, in which the columns have other names and types.
func comparedFile(t testing.TB) parquetread.FileRef {
	path := rowsFile(t, `[{"a":1,"b":10,"c":"x"},{"a":2,"b":20,"c":"x"},{"a":null,"b":30,"c":"y"},{"a":2,"b":40,"c":null},{"a":5,"b":50,"c":"x"}]`,
		identified("a", int32Type, 1), identified("b", int64Type, 2), identified("c", textType, 3))
	footer := footerOf(t, path)
	return parquetread.FileRef{Info: footer.Info, RowGroups: footer.RowGroups}
}

// numbersOf are the values of the only column of some batches, and how many rows they say are deleted.
func numbersOf(batches []batch.Batch) (numbers []int64, deleted int64) {
	for _, b := range batches {
		numbers = append(numbers, b.Record.Column(0).(*array.Int64).Int64Values()...)
		deleted += b.Tally.Deleted
	}
	return numbers, deleted
}

func TestRowsThatAreEqualAreLeftOut(t *testing.T) {
	t.Parallel()
	k, w := identified("whatever", int32Type, 1), identified("x", textType, 3)
	long := identified("k", int64Type, 1)
	for name, c := range map[string]struct {
		deletes []lake.DeleteFile
		want    []int64
	}{
		"a value":          {[]lake.DeleteFile{deletesOf(t, 1, []int32{1}, `[{"whatever":2}]`, k)}, []int64{10, 30, 50}},
		"a promoted one":   {[]lake.DeleteFile{deletesOf(t, 2, []int32{1}, `[{"k":2},{"k":4294967297}]`, long)}, []int64{10, 30, 50}},
		"NULL":             {[]lake.DeleteFile{deletesOf(t, 1, []int32{1}, `[{"whatever":null}]`, k)}, []int64{10, 20, 40, 50}},
		"two columns":      {[]lake.DeleteFile{deletesOf(t, 2, []int32{3, 1}, `[{"whatever":2,"x":null},{"whatever":5,"x":"y"}]`, k, w)}, []int64{10, 20, 30, 50}},
		"in another order": {[]lake.DeleteFile{deletesOf(t, 1, []int32{1, 3}, `[{"x":"x","whatever":2}]`, w, k)}, []int64{10, 30, 40, 50}},
		"more than counts": {[]lake.DeleteFile{deletesOf(t, 1, []int32{3}, `[{"whatever":7,"x":"y"}]`, k, w)}, []int64{10, 20, 40, 50}},
		"several": {[]lake.DeleteFile{
			deletesOf(t, 1, []int32{1}, `[{"whatever":1}]`, k), deletesOf(t, 1, []int32{3}, `[{"x":"y"}]`, w), deletesOf(t, 1, []int32{1}, `[{"whatever":5}]`, k),
		}, []int64{20, 40}},
		"nothing": {[]lake.DeleteFile{deletesOf(t, 0, []int32{1}, `[]`, k), deletesOf(t, 1, []int32{1}, `[{"whatever":77}]`, k)}, []int64{10, 20, 30, 40, 50}},
		"all":     {[]lake.DeleteFile{deletesOf(t, 3, []int32{3}, `[{"x":"x"},{"x":"y"},{"x":null}]`, w)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := comparedFile(t)
			file.EqualityDeletes = c.deletes
			file.Deferred = true // which it must not be, whatever was planned
			batches, err := readAll(parquetread.Shard{Files: []parquetread.FileRef{file}}, comparing())
			require.NoError(t, err)
			numbers, deleted := numbersOf(batches)
			assert.Equal(t, c.want, numbers)
			assert.EqualValues(t, 5-len(c.want), deleted)
		})
	}
}

// deletesOf is a file of equality deletes of which a table says that it has so many rows.
func deletesOf(t testing.TB, rows int64, fields []int32, values string, columns ...arrow.Field) lake.DeleteFile {
	return lake.DeleteFile{URI: rowsFile(t, values, columns...), Rows: rows, Fields: fields}
}

// Only row groups that are read are compared, and rows keep their numbers.
func TestRowGroupsAreComparedThatAreRead(t *testing.T) {
	t.Parallel()
	file := comparedFile(t)
	file.EqualityDeletes = []lake.DeleteFile{deletesOf(t, 1, []int32{1}, `[{"k":2}]`, identified("k", int64Type, 1))}
	file.RowGroups = file.RowGroups[1:]
	batches, err := readAll(parquetread.Shard{Files: []parquetread.FileRef{file}}, comparing())
	require.NoError(t, err)
	numbers, deleted := numbersOf(batches)
	assert.Equal(t, []int64{30, 50}, numbers)
	assert.EqualValues(t, 1, deleted)
	assert.EqualValues(t, 2, batches[0].Number(0))
	var picked []int64
	require.NoError(t, parquetread.ReadRows(t.Context(), 0, file, comparing(), []int64{2, 3, 4}, func(b batch.Batch) error {
		picked = append(picked, b.Record.Column(0).(*array.Int64).Int64Values()...)
		return nil
	}))
	assert.Equal(t, []int64{30, 50}, picked)
}

// What a file lacks has the value that its table says, or NULL.
func TestComparedColumnsThatFilesLack(t *testing.T) {
	t.Parallel()
	footer := footerOf(t, rowsFile(t, `[{"b":10},{"b":20}]`, identified("b", int64Type, 2)))
	lacking := parquetread.FileRef{Info: footer.Info, RowGroups: footer.RowGroups}
	lacking.EqualityDeletes = []lake.DeleteFile{deletesOf(t, 1, []int32{1}, `[{"k":null}]`, identified("k", int64Type, 1))}
	left := func(file parquetread.FileRef, table parquetread.Projection) []int64 {
		batches, err := readAll(parquetread.Shard{Files: []parquetread.FileRef{file}}, table)
		require.NoError(t, err)
		numbers, _ := numbersOf(batches)
		return numbers
	}
	assert.Empty(t, left(lacking, comparing()))
	seven := "7"
	lacking.Keys = &batch.KeyValues{Constants: []batch.FolderValue{{Column: "k", Text: &seven}}}
	assert.Equal(t, []int64{10, 20}, left(lacking, comparing()))
	having := comparedFile(t)
	having.EqualityDeletes, having.Keys = []lake.DeleteFile{deletesOf(t, 2, []int32{1}, `[{"k":2},{"k":7}]`, identified("k", int64Type, 1))}, lacking.Keys
	assert.Equal(t, []int64{10, 30, 50}, left(having, comparing()), "what the file has counts")
	partitioned := comparing()
	partitioned.Keys.Partitions = []string{"k"}
	having.Keys = &batch.KeyValues{Partitions: []*string{&seven}}
	assert.Empty(t, left(having, partitioned), "the value of the partition counts")
}

func TestEqualityDeletesThatAreNotAsTheyShouldBe(t *testing.T) {
	t.Parallel()
	k := identified("k", int64Type, 1)
	damaged := rowsFile(t, `[{"k":1}]`, k)
	require.NoError(t, os.WriteFile(damaged, []byte("PAR1 but no more"), 0o600))
	for name, c := range map[string]struct {
		deletes lake.DeleteFile
		want    string
	}{
		"fewer rows":   {deletesOf(t, 3, []int32{1}, `[{"k":1},{"k":2}]`, k), "there are 2, and not the 3 that the table says"},
		"more rows":    {deletesOf(t, 1, []int32{1}, `[{"k":1},{"k":2}]`, k), "there are 2 and more, and not the 1 that the table says"},
		"no field":     {deletesOf(t, 1, []int32{1, 3}, `[{"k":1}]`, k), "it lacks the field 3 (w), by which it deletes rows"},
		"no ids":       {deletesOf(t, 1, []int32{1}, `[{"k":1}]`, arrow.Field{Name: "k", Type: int64Type}), "no field ids"},
		"another type": {deletesOf(t, 1, []int32{1}, `[{"k":"1"}]`, identified("k", textType, 1)), `column "k" is utf8 there`},
		"unplanned":    {deletesOf(t, 1, []int32{9}, `[{"k":1}]`, k), "the field 9, which was not planned for"},
		"damaged":      {lake.DeleteFile{URI: damaged, Rows: 1, Fields: []int32{1}}, damaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := comparedFile(t)
			file.EqualityDeletes = []lake.DeleteFile{c.deletes}
			_, err := readAll(parquetread.Shard{Files: []parquetread.FileRef{file}}, comparing())
			assertSourceError(t, err, c.want, file.Info.URI)
			assert.False(t, failure.Of(err, failure.Engine).Retry)
		})
	}
	file := comparedFile(t)
	file.EqualityDeletes = []lake.DeleteFile{{URI: damaged + ".gone", Rows: 1, Fields: []int32{1}}}
	_, err := readAll(parquetread.Shard{Files: []parquetread.FileRef{file}}, comparing())
	assertSourceError(t, err, "the equality deletes in "+damaged+".gone", file.Info.URI)
	assert.True(t, failure.Of(err, failure.Engine).Retry, "the table may have forgotten the version")
}

// However many data files share files of deletes, each is read once in a shard.
func TestFilesOfDeletesAreReadOnce(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	put := func(path, name string) string {
		uri := storage.Join(bucket, name)
		_, err := storage.Upload(t.Context(), path, uri, storage.Any())
		require.NoError(t, err)
		return uri
	}
	file := comparedFile(t)
	key := identified("k", int64Type, 1)
	file.Path = "named"
	for i := range 3 {
		equal := put(rowsFile(t, fmt.Sprintf(`[{"k":%d}]`, i), key), fmt.Sprint("deletes-equal-", i))
		positions := put(rowsFile(t, fmt.Sprintf(`[{"file_path":"named","pos":%d}]`, i+2), identified("file_path", textType, 0), identified("pos", int64Type, 0)),
			fmt.Sprint("deletes-position-", i))
		file.EqualityDeletes = append(file.EqualityDeletes, lake.DeleteFile{URI: equal, Rows: 1, Fields: []int32{1}})
		file.PositionDeletes = append(file.PositionDeletes, lake.DeleteFile{URI: positions, Rows: 1})
	}
	var opened atomic.Int64
	faults.Inject(storagetest.Fault{On: storagetest.Stat, Name: "deletes-", Before: func() { opened.Add(1) }})
	shard := parquetread.Shard{Files: []parquetread.FileRef{file, file, file, file}}
	batches, err := readAll(shard, comparing())
	require.NoError(t, err)
	_, deleted := numbersOf(batches)
	assert.EqualValues(t, 4*5, deleted)
	assert.EqualValues(t, 6, opened.Load())
}

// A shard has every file of deletes once, and its files have spans of them.
func TestShardsOfManyDeletesTravel(t *testing.T) {
	t.Parallel()
	const files, all = 2000, 1000
	var deletes []lake.DeleteFile
	for i := range all {
		deletes = append(deletes, lake.DeleteFile{URI: fmt.Sprintf("gs://bucket/warehouse/sales/orders/data/day=2026-11-30/%036d-deletes.parquet", i), Size: 9000, Rows: 77, Fields: []int32{1, 2}})
	}
	var shard parquetread.Shard
	for i := range files {
		file := parquetread.FileRef{Info: storage.Info{URI: fmt.Sprint("f", i)}, RowGroups: []parquetread.RowGroup{{Rows: 1}}}
		file.EqualityDeletes = deletes[(files-i)*all/files:]
		if i%7 == 0 {
			file.PositionDeletes = []lake.DeleteFile{{URI: fmt.Sprint("gs://bucket/p", i), Rows: 1}, {URI: "gs://bucket/shared", Rows: 2}}
		}
		shard.Files = append(shard.Files, file)
	}
	raw, err := json.Marshal(shard)
	require.NoError(t, err)
	plain := 0
	for _, file := range shard.Files {
		file.EqualityDeletes, file.PositionDeletes = nil, nil
		one, err := json.Marshal(file)
		require.NoError(t, err)
		plain += len(one)
	}
	t.Logf("%d bytes, %d of them for the files alone", len(raw), plain)
	assert.Less(t, len(raw)-plain, 400<<10)
	var arrived parquetread.Shard
	require.NoError(t, json.Unmarshal(raw, &arrived))
	require.Len(t, arrived.Files, files)
	for i, file := range arrived.Files {
		require.Equal(t, urisOf(shard.Files[i].EqualityDeletes), urisOf(file.EqualityDeletes))
		require.Len(t, file.EqualityDeletes, len(shard.Files[i].EqualityDeletes))
		require.ElementsMatch(t, shard.Files[i].PositionDeletes, file.PositionDeletes)
	}
	require.Error(t, json.Unmarshal([]byte(`{"files":[{"position_deletes":[[0,1]]}]}`), &arrived))
	require.Error(t, json.Unmarshal([]byte(`{"files":[{"equality_deletes":[[1,0]]}],"equality_deletes":[{"uri":"a"}]}`), &arrived))
}

func urisOf(files []lake.DeleteFile) map[string]bool {
	uris := map[string]bool{}
	for _, file := range files {
		uris[file.URI] = true
	}
	return uris
}
