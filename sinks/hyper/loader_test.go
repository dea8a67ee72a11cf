package hyper

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/internal/wire"
)

// dayFields is the schema of the batches in these tests: a number and a date.
var dayFields = []arrow.Field{
	{Name: "n", Type: arrow.PrimitiveTypes.Int64},
	{Name: "d", Type: arrow.FixedWidthTypes.Date32, Nullable: true},
}

func packed(params Params) paramsFn { return paramsFn{Params: wire.Pack(params)} }

// twoTables is a layout with two tables of such rows.
func twoTables(t testing.TB) Layout {
	var columns []Column
	for _, field := range dayFields {
		column, err := MapField(field, FormatChoice{})
		require.NoError(t, err)
		columns = append(columns, column)
	}
	return Layout{Version: MinVersion, Tables: []Table{
		{Schema: "Extract", Name: "Extract", Columns: columns},
		{Schema: "Extract", Name: `odd "name'`, Columns: columns},
	}}
}

// days is a batch with rows n = first, first+1, … and the given date in all of them.
func days(table int, first int64, rows int, date arrow.Date32) batch.Batch {
	numbers, dates := array.NewInt64Builder(memory.DefaultAllocator), array.NewDate32Builder(memory.DefaultAllocator)
	for i := range rows {
		numbers.Append(first + int64(i))
		dates.Append(date)
	}
	record := array.NewRecord(arrow.NewSchema(dayFields, nil), []arrow.Array{numbers.NewArray(), dates.NewArray()}, int64(rows))
	return batch.Batch{
		Table:  table,
		Origin: batch.Origin{File: fmt.Sprintf("file%d.parquet", first), RowGroup: 3},
		Tally:  batch.Tally{Read: int64(rows)},
		Record: record,
	}
}

const (
	aDate   = arrow.Date32(20000)
	tooLate = arrow.Date32(2_000_000_000) // hyperd refuses it
)

// complete ends the loading as a bundle does.
func complete(ctx context.Context, l *loader) (File, error) {
	if err := l.wait(); err != nil {
		return File{}, err
	}
	return l.finish(ctx)
}

func startLoader(t testing.TB, layout Layout) (*loader, string) {
	lease, err := hyperd.Acquire(t.Context(), hyperd.Config{})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "partial.hyper")
	l, err := newLoader(layout, SpoolConfig{}, nil, lease, path)
	require.NoError(t, err)
	t.Cleanup(l.abandon)
	return l, path
}

// partial makes a finished partial of batches.
func partial(t testing.TB, layout Layout, batches ...batch.Batch) File {
	l, _ := startLoader(t, layout)
	for _, b := range batches {
		require.NoError(t, l.add(b))
	}
	file, err := complete(t.Context(), l)
	require.NoError(t, err)
	return file
}

// value runs a query of one value on a file, attached as x.
func value(t testing.TB, path, sql string) string {
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	require.NoError(t, conn.Attach(t.Context(), path, "x"))
	got, err := conn.QueryValue(t.Context(), sql)
	require.NoError(t, err)
	require.NoError(t, conn.Detach(t.Context(), "x"))
	return got
}

func TestLoaderLoadsTablesInTurn(t *testing.T) {
	rejected := days(0, 500, 0, aDate)
	rejected.Tally = batch.Tally{Read: 10, Rejected: 10, Failed: []int64{10}}
	file := partial(t, twoTables(t), days(0, 0, 100, aDate), days(1, 0, 7, aDate), days(0, 100, 100, aDate), rejected)

	assert.EqualValues(t, 200, file.Tables[0].Rows)
	assert.Equal(t, batch.Tally{Read: 210, Rejected: 10, Failed: []int64{10}}, file.Tables[0].Tally)
	assert.EqualValues(t, 7, file.Tables[1].Rows)
	assert.Equal(t, "19900", value(t, file.Path, `SELECT sum(n) FROM x."Extract"."Extract"`))
	assert.Equal(t, "21", value(t, file.Path, `SELECT sum(n) FROM x."Extract"."odd ""name'"`))
	assert.Equal(t, "2024-10-04", value(t, file.Path, `SELECT min(d) FROM x."Extract"."Extract"`))
	stat, err := os.Stat(file.Path)
	require.NoError(t, err)
	assert.Equal(t, stat.Size(), file.Bytes)
	assert.Empty(t, file.SHA256, "nobody copies it")
}

func TestLoaderSplitsLongRunsIntoSegments(t *testing.T) {
	layout := twoTables(t)
	const batches = 80 // of 768 KiB each: about 60 MB in all
	l, _ := startLoader(t, layout)
	for i := range batches {
		require.NoError(t, l.add(days(0, int64(i*batch.MaxRows), batch.MaxRows, aDate)))
	}
	file, err := complete(t.Context(), l)
	require.NoError(t, err)
	assert.EqualValues(t, batches*batch.MaxRows, file.Tables[0].Rows)
	assert.Equal(t, fmt.Sprint(batches*batch.MaxRows), value(t, file.Path, `SELECT count(DISTINCT n) FROM x."Extract"."Extract"`))
}

// A COPY that fails must fail the bundle, wherever it stands, and leave no partial.
func TestLoaderFailures(t *testing.T) {
	feed := func(l *loader, batches ...batch.Batch) error {
		for _, b := range batches {
			if err := l.add(b); err != nil {
				return err
			}
			if err := l.flush(); err != nil { // a segment each
				return err
			}
		}
		_, err := complete(context.Background(), l)
		return err
	}
	cases := []struct {
		name string
		fail func(t *testing.T, l *loader) error
		says []string
	}{
		{"at the start", func(_ *testing.T, l *loader) error {
			return feed(l, days(0, 1, 10, tooLate), days(0, 2, 10, aDate), days(0, 3, 10, aDate))
		}, []string{"Extract.Extract", "file1.parquet", "row group 3", "date too big"}},
		{"in the middle", func(_ *testing.T, l *loader) error {
			return feed(l, days(0, 1, 10, aDate), days(0, 2, 10, tooLate), days(0, 3, 10, aDate), days(1, 4, 10, aDate))
		}, []string{"Extract.Extract", "file2.parquet", "date too big"}},
		{"at the end", func(_ *testing.T, l *loader) error {
			return feed(l, days(0, 1, 10, aDate), days(1, 2, 10, tooLate))
		}, []string{`odd "name'`, "file2.parquet", "date too big"}},
		{"hyperd loses rows", func(t *testing.T, l *loader) error {
			require.NoError(t, l.add(days(0, 1, 10, aDate)))
			l.tallies[0].Read++ // as if one more had been handed over
			_, err := complete(t.Context(), l)
			return err
		}, []string{"holds 10 rows", "11"}},
		{"hyperd is killed before the end", func(t *testing.T, l *loader) error {
			require.NoError(t, l.add(days(0, 1, 10, aDate)))
			require.NoError(t, l.flush())
			killHyperd(t)
			_, err := complete(t.Context(), l)
			return err
		}, []string{"hyperd ended unexpectedly", "killed"}},
		{"hyperd is killed in the middle", func(t *testing.T, l *loader) error {
			require.NoError(t, l.add(days(0, 1, 10, aDate)))
			killHyperd(t)
			for i := range 1000 {
				if err := feed(l, days(0, int64(i), 1000, aDate)); err != nil {
					return err
				}
			}
			return nil
		}, []string{"hyperd ended unexpectedly", "killed"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l, path := startLoader(t, twoTables(t))
			err := c.fail(t, l)
			require.Error(t, err)
			for _, words := range c.says {
				assert.ErrorContains(t, err, words)
			}
			assert.Equal(t, failure.Hyperd, failure.Of(err, failure.Engine).Kind)
			l.abandon()
			assert.NoFileExists(t, path)
		})
	}
}

func killHyperd(t *testing.T) {
	process, err := os.FindProcess(hyperdtest.Acquire(t).PID())
	require.NoError(t, err)
	require.NoError(t, process.Kill())
}

func TestALostLoaderIsCollected(t *testing.T) {
	lease, err := hyperd.Acquire(t.Context(), hyperd.Config{})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "partial.hyper")
	l, err := newLoader(twoTables(t), SpoolConfig{}, nil, lease, path)
	require.NoError(t, err)
	require.NoError(t, l.add(days(0, 1, 10, aDate)))
	ended := l.session.done
	l = nil

	require.Eventually(t, func() bool {
		runtime.GC()
		select {
		case <-ended:
			_, err := os.Stat(path)
			return os.IsNotExist(err)
		default:
			return false
		}
	}, time.Minute, 10*time.Millisecond)
}

func TestAFinishedPartialSurvivesItsLoader(t *testing.T) {
	file := partial(t, twoTables(t), days(0, 1, 10, aDate))
	for range 5 {
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	assert.FileExists(t, file.Path)
}

func TestAFailedBundleLeavesNothingForTheNext(t *testing.T) {
	staging := t.TempDir()
	fn := &writeFn{paramsFn: packed(Params{Layout: twoTables(t), Staging: staging})}
	require.NoError(t, fn.Setup())
	var emitted []File
	emit := func(_ int, f File) { emitted = append(emitted, f) }
	doubt := func(d Doubtful) { t.Errorf("doubtful: %v", d) }

	require.NoError(t, fn.FinishBundle(t.Context(), emit, doubt))
	assert.Empty(t, emitted, "a bundle without input has no partial")

	fn.StartBundle(t.Context(), emit, doubt)
	require.NoError(t, fn.ProcessElement(t.Context(), days(0, 1, 10, aDate), emit, doubt))
	// The runner dropped this bundle; the instance is used again.
	fn.StartBundle(t.Context(), emit, doubt)
	require.NoError(t, fn.ProcessElement(t.Context(), days(0, 2, 5, aDate), emit, doubt))
	require.NoError(t, fn.FinishBundle(t.Context(), emit, doubt))

	require.Len(t, emitted, 1)
	assert.EqualValues(t, 5, emitted[0].Tables[0].Rows)
	left, err := filepath.Glob(filepath.Join(staging, "partials", "*"))
	require.NoError(t, err)
	assert.Equal(t, []string{emitted[0].Path}, left)
}

func TestAFailedElementFailsTheBundle(t *testing.T) {
	staging := t.TempDir()
	fn := &writeFn{paramsFn: packed(Params{Layout: twoTables(t), Staging: staging})}
	require.NoError(t, fn.Setup())
	emit := func(_ int, f File) { t.Errorf("emitted %v", f) }
	doubt := func(d Doubtful) { t.Errorf("doubtful: %v", d) }
	fn.StartBundle(t.Context(), emit, doubt)
	require.NoError(t, fn.ProcessElement(t.Context(), days(0, 1, 10, tooLate), emit, doubt))
	err := fn.FinishBundle(t.Context(), emit, doubt)
	require.Error(t, err)
	failed, ok := failure.Decode(err.Error())
	require.True(t, ok)
	assert.Contains(t, failed.Message, "date too big")
	left, err := filepath.Glob(filepath.Join(staging, "partials", "*"))
	require.NoError(t, err)
	assert.Empty(t, left)
}
