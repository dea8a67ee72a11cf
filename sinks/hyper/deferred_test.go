package hyper

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
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
	b := days(table, first, rows, date)
	path := filepath.Join(t.TempDir(), fmt.Sprintf("file%d.parquet", first))
	file, err := os.Create(path)
	require.NoError(t, err)
	w, err := pqarrow.NewFileWriter(b.Record.Schema(), file, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(b.Record))
	require.NoError(t, w.Close())
	info, err := storage.Local{}.Stat(t.Context(), path)
	require.NoError(t, err)
	b.Record, b.Origin = nil, batch.Origin{File: path}
	b.Deferred = &batch.Deferred{
		File:       batch.FileRef{Info: info, RowGroups: []batch.RowGroup{{Rows: int64(rows), Bytes: info.Size}}, Deferred: true},
		Conditions: conditions,
	}
	return b
}

var (
	everything = batch.Conditions{Selected: "TRUE", Kept: "TRUE", Sound: "TRUE"}
	someRows   = batch.Conditions{Selected: "n > 2", Kept: "n > 2 AND n <> 5", Sound: "n > 2 AND n <> 5 AND n <> 7"}
)

func TestDeferredFilesAreLoadedAndCounted(t *testing.T) {
	l, path := startLoader(t, twoTables(t))
	for _, b := range []batch.Batch{
		deferredDays(t, 0, 0, 10, aDate, someRows), days(0, 100, 5, aDate), deferredDays(t, 1, 0, 4, aDate, everything),
		deferredDays(t, 0, 20, 10, aDate, someRows), deferredDays(t, 0, 7, 1, aDate, someRows),
	} {
		require.NoError(t, l.add(b))
	}
	file, err := l.finish(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Contents{Rows: 6 + 5 + 10 + 1, Tally: batch.Tally{Read: 26, Filtered: 3, Rejected: 1}}, file.Tables[0])
	assert.Equal(t, Contents{Rows: 4, Tally: batch.Tally{Read: 4}}, file.Tables[1])
	var doubtful []string
	for _, d := range l.session.doubtful {
		doubtful = append(doubtful, fmt.Sprint(filepath.Base(d.File.Info.URI), " ", d.Filtered, " ", d.Rejected, " ", d.Refused))
	}
	assert.Equal(t, []string{"file0.parquet 3 1 ", "file7.parquet 0 0 "}, doubtful, "a rule that only warns is explained, too")
	assert.Equal(t, "6", value(t, path, `SELECT count(*) FROM x."Extract"."Extract" WHERE n < 10 AND n <> 5 AND n > 3`))
}

func TestOneRefusedFileDoesNotStopTheOthers(t *testing.T) {
	l, path := startLoader(t, twoTables(t))
	good, bad := deferredDays(t, 0, 0, 10, aDate, everything), deferredDays(t, 0, 50, 10, tooLate, everything)
	for _, b := range []batch.Batch{good, bad, deferredDays(t, 0, 20, 10, aDate, everything)} {
		require.NoError(t, l.add(b))
	}
	file, err := l.finish(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Contents{Rows: 20, Tally: batch.Tally{Read: 20}}, file.Tables[0], "the refused file is nobody's yet")
	require.Len(t, l.session.doubtful, 1)
	assert.Equal(t, bad.Deferred.File.Info.URI, l.session.doubtful[0].File.Info.URI)
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
		"a file that hyperd cannot reach": {func(_ *testing.T, b *batch.Batch) {
			b.Deferred.File.Info.URI = "gs://bucket/file.parquet"
		}, "hyperd cannot reach it", failure.Engine},
	} {
		t.Run(name, func(t *testing.T) {
			l, path := startLoader(t, twoTables(t))
			b := deferredDays(t, 0, 0, 10, aDate, everything)
			c.change(t, &b)
			require.NoError(t, l.add(b))
			_, err := l.finish(t.Context())
			require.ErrorContains(t, err, c.says)
			assert.Equal(t, c.kind, failure.Of(err, failure.Engine).Kind)
			l.abandon()
			assert.NoFileExists(t, path)
		})
	}
}

func TestGroupsAreBounded(t *testing.T) {
	b := batch.Batch{Table: 1, Deferred: &batch.Deferred{File: batch.FileRef{RowGroups: []batch.RowGroup{{Bytes: groupBytes / 2}}}, Conditions: everything}}
	g := fileGroup{table: 1, files: []batch.Deferred{*b.Deferred}, bytes: groupBytes / 2}
	assert.True(t, g.hasRoom(b))
	g.bytes++
	assert.False(t, g.hasRoom(b), "bytes")
	g.bytes = 0
	g.files = make([]batch.Deferred, groupFiles)
	g.files[0] = *b.Deferred
	assert.False(t, g.hasRoom(b), "files")
	g.files = g.files[:1]
	b.Table = 0
	assert.False(t, g.hasRoom(b), "another table")
	b.Table = 1
	b.Deferred.Conditions = someRows
	assert.False(t, g.hasRoom(b), "other conditions")
}
