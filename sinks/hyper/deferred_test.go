package hyper

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// deferredDays is the rows of days as a file.
func deferredDays(t testing.TB, table int, first int64, rows int, date arrow.Date32, conditions batch.Conditions) batch.Batch {
	return deferredColumns(t, days(table, first, rows, date), 2, conditions)
}

// deferredColumns is the first columns of a batch as a file.
func deferredColumns(t testing.TB, b batch.Batch, columns int, conditions batch.Conditions) batch.Batch {
	first := b.Record.Column(0).(*array.Int64).Value(0)
	schema := arrow.NewSchema(b.Record.Schema().Fields()[:columns], nil)
	record := array.NewRecord(schema, b.Record.Columns()[:columns], b.Record.NumRows())
	path := filepath.Join(t.TempDir(), fmt.Sprintf("file%d.parquet", first))
	file, err := os.Create(path)
	require.NoError(t, err)
	w, err := pqarrow.NewFileWriter(schema, file, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(record))
	require.NoError(t, w.Close())
	info, err := storage.Local{}.Stat(t.Context(), path)
	require.NoError(t, err)
	b.Record, b.Origin = nil, batch.Origin{File: path}
	b.Deferred = &batch.Deferred{
		File:       batch.FileRef{Info: info, RowGroups: []batch.RowGroup{{Rows: record.NumRows(), Bytes: info.Size}}, Deferred: true},
		Conditions: conditions,
	}
	return b
}

var (
	everything = batch.Conditions{Selected: "TRUE", Kept: "TRUE", Sound: "TRUE"}
	someRows   = batch.Conditions{Selected: "n > 2", Kept: "n > 2 AND n <> 5", Sound: "n > 2 AND n <> 5 AND n <> 7"}
)

func namesOf(d Judged) []string {
	var names []string
	for _, file := range d.Files {
		names = append(names, filepath.Base(file.Info.URI))
	}
	return names
}

func TestLargeFilesAreJudgedAlone(t *testing.T) {
	l, _ := startLoader(t, twoTables(t))
	for _, first := range []int64{4, 5, 6, 1_000_000, 7} {
		require.NoError(t, l.add(deferredDays(t, 0, first, judgedRows, aDate, someRows)))
	}
	file, err := complete(t.Context(), l)
	require.NoError(t, err)
	assert.Equal(t, batch.Tally{Read: 5 * judgedRows, Rejected: 2, Doubtful: 1}, file.Tables[0].Tally)
	require.Len(t, l.session.doubtful, 1)
	var doubtful []string
	for _, part := range l.session.doubtful[0].Parts {
		doubtful = append(doubtful, fmt.Sprint(namesOf(part), part.Filtered, part.Rejected))
	}
	assert.Equal(t, []string{"[file4.parquet] 0 1", "[file5.parquet] 0 1", "[file6.parquet] 0 0", "[file7.parquet] 0 0"}, doubtful,
		"a rule that only warns is explained, too")
}

func TestConstantsOfFiles(t *testing.T) {
	l, path := startLoader(t, twoTables(t))
	for i, day := range []string{"2001-01-01", "2001-01-01", "2002-02-02"} {
		b := deferredColumns(t, days(0, int64(10*i), 10, aDate), 1, batch.Conditions{
			Selected: "d >= DATE '2002-01-01'", Kept: "d >= DATE '2002-01-01' AND n <> 25", Sound: "d >= DATE '2002-01-01' AND n <> 25",
		})
		b.Deferred.Constants = []batch.Constant{{Column: "d", SQL: "DATE '" + day + "'"}}
		require.NoError(t, l.add(b))
	}
	file, err := complete(t.Context(), l)
	require.NoError(t, err)
	assert.Equal(t, batch.Tally{Read: 30, Filtered: 20, Rejected: 1, Doubtful: 1}, file.Tables[0].Tally)
	assert.Equal(t, "9 2002-02-02", value(t, path, `SELECT count(*) || ' ' || min(d) FROM x."Extract"."Extract"`))
}

func TestDeferredFilesAreLoadedAndCounted(t *testing.T) {
	l, path := startLoader(t, twoTables(t))
	for _, b := range []batch.Batch{
		deferredDays(t, 0, 0, 10, aDate, someRows), days(0, 100, 5, aDate), deferredDays(t, 1, 0, 4, aDate, everything),
		deferredDays(t, 0, 20, 10, aDate, someRows), deferredDays(t, 0, 7, 1, aDate, someRows),
	} {
		require.NoError(t, l.add(b))
	}
	file, err := complete(t.Context(), l)
	require.NoError(t, err)
	assert.Equal(t, Contents{Rows: 6 + 5 + 10 + 1, Tally: batch.Tally{Read: 26, Filtered: 3, Rejected: 1, Doubtful: 2}}, file.Tables[0])
	assert.Equal(t, Contents{Rows: 4, Tally: batch.Tally{Read: 4}}, file.Tables[1])
	var doubtful []string
	for _, d := range l.session.doubtful {
		for _, part := range d.Parts {
			doubtful = append(doubtful, fmt.Sprint(namesOf(part), part.Filtered, part.Rejected, d.Refused))
		}
	}
	assert.Equal(t, []string{"[file0.parquet] 3 1", "[file20.parquet file7.parquet] 0 0"}, doubtful, "small files that follow each other are judged together")
	assert.Equal(t, "6", value(t, path, `SELECT count(*) FROM x."Extract"."Extract" WHERE n < 10 AND n <> 5 AND n > 3`))
}

func TestOneRefusedFileDoesNotStopTheOthers(t *testing.T) {
	l, path := startLoader(t, twoTables(t))
	good, bad := deferredDays(t, 0, 0, 10, aDate, everything), deferredDays(t, 0, 50, 10, tooLate, everything)
	for _, b := range []batch.Batch{good, bad, deferredDays(t, 0, 20, 10, aDate, everything)} {
		require.NoError(t, l.add(b))
	}
	file, err := complete(t.Context(), l)
	require.NoError(t, err)
	assert.Equal(t, Contents{Rows: 20, Tally: batch.Tally{Read: 20}}, file.Tables[0], "the refused file is nobody's yet")
	require.Len(t, l.session.doubtful, 1)
	assert.Equal(t, bad.Deferred.File.Info.URI, l.session.doubtful[0].Parts[0].Files[0].Info.URI)
	assert.Contains(t, l.session.doubtful[0].Refused, "Date value out of bounds")
	assert.Equal(t, "20", value(t, path, `SELECT count(*) FROM x."Extract"."Extract"`))
}

func TestDeferredFailures(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, b *batch.Batch)
		says   string
		kind   failure.Kind
	}{
		"the file changed": {func(_ *testing.T, b *batch.Batch) {
			b.Deferred.File.Info.Size++
		}, "changed", failure.Source},
		"the footer has other rows": {func(_ *testing.T, b *batch.Batch) {
			b.Deferred.File.RowGroups[0].Rows++
		}, "hyperd counts 10 rows", failure.Hyperd},
		"hyperd is killed": {func(t *testing.T, _ *batch.Batch) { killHyperd(t) }, "hyperd ended unexpectedly", failure.Hyperd},
	} {
		t.Run(name, func(t *testing.T) {
			l, path := startLoader(t, twoTables(t))
			b := deferredDays(t, 0, 0, 10, aDate, everything)
			c.change(t, &b)
			require.NoError(t, l.add(b))
			_, err := complete(t.Context(), l)
			require.ErrorContains(t, err, c.says)
			assert.Equal(t, c.kind, failure.Of(err, failure.Engine).Kind)
			l.abandon()
			assert.NoFileExists(t, path)
		})
	}
}

func TestGroupsAreBounded(t *testing.T) {
	b := batch.Batch{Table: 1, Deferred: &batch.Deferred{File: batch.FileRef{RowGroups: []batch.RowGroup{{Bytes: groupBytes / 2}}}, Conditions: everything}}
	g := fileGroup{table: 1, files: []deferredFile{{Deferred: *b.Deferred}}, bytes: groupBytes / 2}
	assert.True(t, g.hasRoom(b, 1<<30))
	g.bytes++
	assert.False(t, g.hasRoom(b, 1<<30), "bytes")
	g.bytes = 0
	g.files = make([]deferredFile, groupFiles)
	g.files[0].Deferred = *b.Deferred
	assert.False(t, g.hasRoom(b, 1<<30), "files")
	g.files = g.files[:1]
	b.Table = 0
	assert.False(t, g.hasRoom(b, 1<<30), "another table")
	b.Table = 1
	b.Deferred.Conditions = someRows
	assert.False(t, g.hasRoom(b, 1<<30), "other conditions")
}
