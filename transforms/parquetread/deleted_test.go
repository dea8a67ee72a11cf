package parquetread_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/lake/vector"
	"hyperlake/transforms/parquetread"
)

// deleting makes a vector of rows as Delta stores it in its log.
func deleting(t testing.TB, rows *roaring64.Bitmap) *vector.Vector {
	raw := bytes.NewBuffer(binary.LittleEndian.AppendUint32(nil, 1681511377))
	_, err := rows.WriteTo(raw)
	require.NoError(t, err)
	return &vector.Vector{Inline: raw.Bytes(), Size: int64(raw.Len()), Cardinality: int64(rows.GetCardinality())}
}

// withNested adds nested columns to a record.
func withNested(t testing.TB, random *rand.Rand, flat arrow.Record) arrow.Record {
	pair := arrow.StructOf(
		arrow.Field{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		arrow.Field{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
	)
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "pair", Type: pair, Nullable: true},
		{Name: "lists", Type: arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int32)), Nullable: true},
		{Name: "pairs", Type: arrow.ListOf(pair), Nullable: true},
		{Name: "map", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64), Nullable: true},
	}, nil))
	text := func(format string, args ...any) string { return fmt.Sprintf(format, args...) }
	for row := range flat.NumRows() {
		n := random.IntN(1000)
		values := []string{
			text(`{"n": %d, "s": "row %d"}`, n, row), text(`[[%d], [], null, [1, null, %d]]`, n, row),
			text(`[{"n": %d, "s": null}, null, {"n": null, "s": "x%d"}]`, row, n), text(`[{"key": "a", "value": %d}, {"key": "b%d", "value": null}]`, row, n),
		}
		for i, value := range values {
			switch random.IntN(4) {
			case 0:
				b.Field(i).AppendNull()
			case 1:
				if i > 0 {
					value = "[]"
				}
				fallthrough
			default:
				require.NoError(t, b.Field(i).AppendValueFromString(value))
			}
		}
	}
	nested := b.NewRecord()
	fields := slices.Concat(flat.Schema().Fields(), nested.Schema().Fields())
	return array.NewRecord(arrow.NewSchema(fields, nil), slices.Concat(flat.Columns(), nested.Columns()), flat.NumRows())
}

// someRows draws rows of a file: scattered, in runs, whole row groups, all, none.
func someRows(random *rand.Rand, rows, groupRows int64) *roaring64.Bitmap {
	deleted := roaring64.New()
	switch kind := random.IntN(6); kind {
	case 0, 1:
		share := []float64{0.001, 0.1, 0.5, 0.99}[random.IntN(4)]
		for row := range rows {
			if random.Float64() < share {
				deleted.Add(uint64(row))
			}
		}
	case 2:
		for range 1 + random.IntN(8) {
			first := random.Int64N(rows)
			deleted.AddRange(uint64(first), uint64(min(rows, first+1+random.Int64N(rows/2))))
		}
	case 3:
		for first := int64(0); first < rows; first += groupRows {
			if random.IntN(2) == 0 {
				deleted.AddRange(uint64(first), uint64(min(rows, first+groupRows)))
			}
		}
		deleted.CheckedAdd(uint64(random.Int64N(rows)))
	case 4:
		deleted.AddRange(0, uint64(rows))
	}
	return deleted
}

// requireWithout compares batches with the rows of a record that are neither deleted nor left unread, and their numbers.
func requireWithout(t *testing.T, all arrow.Record, deleted, unread *roaring64.Bitmap, batches []batch.Batch) {
	t.Helper()
	var tally batch.Tally
	var numbers []int64
	for _, b := range batches {
		tally.Add(b.Tally)
		require.Equal(t, b.Record.NumRows(), b.Tally.Read)
		if b.Rows != nil {
			require.Len(t, b.Rows, int(b.Record.NumRows()))
			require.Equal(t, b.Origin.FirstRow, b.Rows[0])
			require.Greater(t, b.Rows[len(b.Rows)-1]-b.Rows[0], int64(len(b.Rows)-1), "only where they do not follow each other")
		}
		columns := make([][]arrow.Array, b.Record.NumCols())
		for i := range int(b.Record.NumRows()) {
			n := b.Number(i)
			numbers = append(numbers, n)
			for c := range columns {
				columns[c] = append(columns[c], array.NewSlice(all.Column(c), n, n+1))
			}
		}
		for c, parts := range columns {
			if len(parts) > 0 {
				want, err := array.Concatenate(parts, memory.DefaultAllocator)
				require.NoError(t, err)
				require.True(t, array.Equal(want, b.Record.Column(c)), "column %s of %v", b.Record.ColumnName(c), b.Origin)
			}
		}
	}
	var want []int64
	for row := range all.NumRows() {
		if !deleted.Contains(uint64(row)) && !unread.Contains(uint64(row)) {
			want = append(want, row)
		}
	}
	require.Equal(t, want, numbers)
	require.EqualValues(t, len(want), tally.Read)
	require.EqualValues(t, roaring64.AndNot(deleted, unread).GetCardinality(), tally.Deleted)
}

// TestDeletedRowsAreLeftOut draws files, of flat and nested columns in several row groups and small pages, and rows that
// are deleted in them, and reads them in batches of few rows and of many, all row groups together and one by one, whole or their
// first rows alone, and in little memory.
func TestDeletedRowsAreLeftOut(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	const rows = 700
	for range 8 {
		record := withNested(t, random, randomRecord(t, random, rows))
		groupRows := 1 + random.Int64N(rows)
		path := writeRecord(t, record, parquet.NewWriterProperties(
			parquet.WithMaxRowGroupLength(groupRows), parquet.WithDataPageSize(1<<(6+random.IntN(8))), parquet.WithBatchSize(1+random.Int64N(100)),
			parquet.WithDictionaryDefault(random.IntN(2) == 0),
		))
		shard, table := allOf(t, path)
		for range 12 {
			deleted := someRows(random, rows, groupRows)
			file := shard.Files[0]
			file.Deletes = deleting(t, deleted)
			unread := roaring64.New()
			if random.IntN(2) == 0 {
				file.RowGroups = firstRows(random, file.RowGroups, unread)
			}
			shard.Files = []parquetread.FileRef{file}
			if random.IntN(2) == 0 {
				shard.Files = nil
				for _, group := range file.RowGroups {
					file.RowGroups = []parquetread.RowGroup{group}
					shard.Files = append(shard.Files, file)
				}
			}
			var batches []batch.Batch
			size, held := int64(1)<<(8+random.IntN(14)), []int64{64 << 20, 100 << 10}[random.IntN(2)]
			require.NoError(t, parquetread.ReadShardWithin(t.Context(), shard, table, held, size, func(b batch.Batch) error {
				batches = append(batches, b)
				return nil
			}))
			requireWithout(t, record, deleted, unread, batches)
			shard, table = allOf(t, path)
		}
	}
}

// firstRows cuts row groups to some of their first rows, and notes the others.
func firstRows(random *rand.Rand, groups []parquetread.RowGroup, unread *roaring64.Bitmap) []parquetread.RowGroup {
	cut := slices.Clone(groups)
	for i := range cut {
		if rows := cut[i].Rows; rows > 1 && random.IntN(2) == 0 {
			cut[i].Rows, cut[i].Of = 1+random.Int64N(rows-1), rows
			unread.AddRange(uint64(cut[i].FirstRow+cut[i].Rows), uint64(cut[i].FirstRow+rows))
		}
	}
	return cut
}

func TestRowGroupsWithoutRowsOfTheTableAreNotDecoded(t *testing.T) {
	t.Parallel()
	footer := footerOf(t, fixture("pages"))
	data := read(t, fixture("pages"))
	for i := range footer.RowGroups[0].Bytes {
		data[4+i] = 0xff
	}
	path := store(t, data)
	shard, table := allOf(t, path)
	deleted := roaring64.New()
	deleted.AddRange(0, uint64(footer.RowGroups[0].Rows))
	shard.Files[0].Deletes = deleting(t, deleted)
	batches, err := readAll(shard, table)
	require.NoError(t, err)
	require.Zero(t, batches[0].Record.NumRows())
	assert.Equal(t, batch.Tally{Deleted: 300}, batches[0].Tally)
	assert.True(t, table.Schema.Equal(batches[0].Record.Schema()))
	assert.EqualValues(t, footer.Rows-300, rowsOf(batches))
	assert.EqualValues(t, 300, batches[1].Origin.FirstRow)
	assert.Nil(t, batches[1].Rows)
}

// Of a run of deleted rows that is longer than a batch, the rest is not decoded in flat columns, whatever is there.
func TestRunsOfDeletedRowsAreNotDecoded(t *testing.T) {
	t.Parallel()
	b := array.NewInt64Builder(memory.DefaultAllocator)
	for i := range 10_000 {
		b.Append(int64(i))
	}
	record := array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil), []arrow.Array{b.NewArray()}, 10_000)
	data := read(t, writeRecord(t, record, parquet.NewWriterProperties(parquet.WithDictionaryDefault(false), parquet.WithDataPageSize(800), parquet.WithBatchSize(100))))
	for i := range 400 { // of the last pages
		data[4+80_000+i] = 0xff
	}
	shard, table := allOf(t, store(t, data))
	deleted := roaring64.New()
	deleted.AddRange(1000, 4000)
	deleted.AddRange(9000, 10_000)
	shard.Files[0].Deletes = deleting(t, deleted)
	var rows int64
	readFew := func() error {
		rows = 0
		return parquetread.ReadShardWithin(t.Context(), shard, table, 1<<20, 8000, func(b batch.Batch) error {
			rows += b.Record.NumRows()
			return nil
		})
	}
	require.NoError(t, readFew())
	assert.EqualValues(t, 6000, rows)

	shard.Files[0].Deletes = deleting(t, roaring64.BitmapOf(1))
	err := readFew()
	assertSourceError(t, err, `column "n"`)
}

func TestVectorsOfOtherFiles(t *testing.T) {
	t.Parallel()
	shard, table := allOf(t, fixture("pages"))
	shard.Files[0].Deletes = deleting(t, roaring64.BitmapOf(3, 1000))
	_, err := readAll(shard, table)
	assertSourceError(t, err, fixture("pages"), "row 1000", "the file has 1000 rows")

	shard.Files[0].Deletes.Cardinality++
	_, err = readAll(shard, table)
	assertSourceError(t, err, "the deletion vector in the log", "2 rows, not the 3")
	assert.ErrorContains(t, err, fixture("pages"))

	shard.Files[0].Deletes = &vector.Vector{URI: filepath.Join(t.TempDir(), "gone.bin"), Size: 20, Cardinality: 1}
	_, err = readAll(shard, table)
	assertSourceError(t, err, fixture("pages"), "gone.bin")
	assert.True(t, failure.Of(err, failure.Engine).Retry)
}

func TestFilesWithDeletedRowsAreNotDeferred(t *testing.T) {
	t.Parallel()
	shard, table := allOf(t, fixture("pages"))
	shard.Files[0].Deferred, shard.Files[0].Deletes = true, deleting(t, roaring64.BitmapOf(3))
	batches, err := readAll(shard, table)
	require.NoError(t, err)
	assert.EqualValues(t, 999, rowsOf(batches))
}

func TestDeletedRowsAreNotPicked(t *testing.T) {
	t.Parallel()
	shard, table := allOf(t, fixture("pages"))
	shard.Files[0].Deletes = deleting(t, roaring64.BitmapOf(3, 7, 310, 999))
	var numbers []int64
	require.NoError(t, parquetread.ReadRows(t.Context(), 0, shard.Files[0], table, []int64{2, 3, 7, 310, 998, 999}, func(b batch.Batch) error {
		for i := range int(b.Record.NumRows()) {
			numbers = append(numbers, b.Number(i))
		}
		return nil
	}))
	assert.Equal(t, []int64{2, 998}, numbers)
}

func TestMisplacedRowsBesideDeletedOnes(t *testing.T) {
	t.Parallel()
	shard, table := allOf(t, fixture("pages"))
	id := "0"
	shard.Files[0].Folders = []parquetread.FolderValue{{Column: "id", Text: &id}}
	shard.Files[0].Deletes = deleting(t, roaring64.BitmapOf(0, 1, 3))
	_, err := readAll(shard, table)
	var failed *failure.Error
	require.ErrorAs(t, err, &failed)
	assert.Contains(t, failed.Message, "row 2: ", "rows 0 and 1 are not the table's")
}

func TestDeletedRowsInPipelines(t *testing.T) {
	t.Parallel()
	pages := footerOf(t, fixture("pages"))
	deleted := roaring64.BitmapOf(301, 310)
	deleted.AddRange(900, 990)
	shard := parquetread.Shard{Files: []parquetread.FileRef{{Info: pages.Info, RowGroups: pages.RowGroups, Deletes: deleting(t, deleted)}}}
	result, err := runRead(t, []parquetread.Shard{shard}, []parquetread.Projection{tableOf(pages, "id")})
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{
		"file " + fixture("pages") + ", row group 0, row 0: 0 to 299",
		"file " + fixture("pages") + ", row group 1, row 300: 300 to 599",
		"file " + fixture("pages") + ", row group 2, row 600: 600 to 899",
		"file " + fixture("pages") + ", row group 3, row 990: 990 to 999",
	}, result.Lines[0])
	assert.EqualValues(t, 1000-92, result.Counts["rows_read"])
}
