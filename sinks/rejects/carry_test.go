package rejects_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/sinks/rejects"
	"hyperlake/transforms/parquetread"
)

// originsIn are the origins of the rows of reject files, with the numbers of the rows.
func originsIn(t *testing.T, files []rejects.File) []string {
	t.Helper()
	var found []string
	for _, file := range files {
		records := readBack(t, file.URI)
		require.Equal(t, file.Rows, rowCount(records), file.URI)
		for _, record := range records {
			origins := record.Column(record.Schema().FieldIndices("_file")[0]).(*array.String)
			rows := record.Column(record.Schema().FieldIndices("_row")[0]).(*array.Int64)
			for i := range origins.Len() {
				found = append(found, fmt.Sprintf("%s %d", origins.Value(i), rows.Value(i)))
			}
		}
	}
	return found
}

// written writes rejects to files of some rows each.
func written(t *testing.T, staging string, fileRows int64, all ...batch.Rejects) []rejects.File {
	t.Helper()
	account, err := rejects.WriteLimited(t.Context(), staging, rejects.Keep{Rules: ruleNames, Write: true}, 2, math.MaxInt64, fileRows, math.MaxInt64, all)
	require.NoError(t, err)
	return account.Files
}

func carry(t *testing.T, files []rejects.File, staging string, gone ...string) []rejects.File {
	t.Helper()
	goes := func(origin string) bool { return slices.Contains(gone, origin) }
	carried, err := rejects.Carry(t.Context(), files, staging, goes, parquetread.ReadColumns)
	require.NoError(t, err)
	return carried
}

// One file has rows that go and others, one only rows that stay, one only rows that go.
func TestCarry(t *testing.T) {
	places(t, func(t *testing.T, staging, state string) {
		files := slices.Concat(
			written(t, staging, 100, rejectsOf("a", 1, 3), rejectsOf("b", 7), rejectsOf("a", 5), rejectsOf("c", 8, 9)),
			written(t, staging, 100, rejectsOf("b", 20, 21)), written(t, staging, 100, rejectsOf("a", 30)))
		saved, err := rejects.Save(t.Context(), files, state, "run1")
		require.NoError(t, err)
		require.Len(t, saved, 3)
		assert.ElementsMatch(t, originsIn(t, files), originsIn(t, saved))

		carried := carry(t, saved, staging, "a", "unknown")
		assert.ElementsMatch(t, []string{"b 7", "c 8", "c 9", "b 20", "b 21"}, originsIn(t, carried))
		require.Len(t, carried, 2)
		assert.Contains(t, saved, carried[0], "it is passed on as it is")
		assert.Equal(t, []string{"b 7", "c 8", "c 9"}, originsIn(t, carried[1:]))

		assert.Equal(t, saved, carry(t, saved, staging))
		assert.Empty(t, carry(t, saved, staging, "a", "b", "c"))
		assert.Empty(t, carry(t, nil, staging, "a"))

		again, err := rejects.Save(t.Context(), carried, state+"2", "run2")
		require.NoError(t, err)
		assert.ElementsMatch(t, originsIn(t, carried), originsIn(t, carry(t, again, staging)))
		assert.Len(t, namesIn(t, state), 3, "what was saved before stays")
	})
}

// Files of all types that the tests of the reader have keep columns, with what is known of them, and values.
func TestCarryKeepsColumnsAndValues(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../transforms/parquetread/testdata/*.parquet")
	require.NoError(t, err)
	require.Greater(t, len(paths), 30)
	for _, path := range paths {
		records := readBack(t, path)
		if rowCount(records) == 0 {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			var all []batch.Rejects
			for _, record := range records {
				all = append(all, rejectsFrom(record)...)
			}
			staging := t.TempDir()
			files := written(t, staging, math.MaxInt64, all...)
			carried := carry(t, files, staging, "goes")
			var stay []batch.Rejects
			for _, r := range all {
				if r.Origin.File != "goes" {
					stay = append(stay, r)
				}
			}
			want := readBack(t, urisOf(written(t, staging, math.MaxInt64, stay...))...)
			got := readBack(t, urisOf(carried)...)
			require.Equal(t, rowCount(want), rowCount(got))
			require.True(t, want[0].Schema().Equal(got[0].Schema()))
			require.Equal(t, fmt.Sprint(want[0].Schema()), fmt.Sprint(got[0].Schema()))
			require.Equal(t, textOf(want), textOf(got))
		})
	}
}

// rejectsFrom makes rejects of all rows of a record, every second of which goes.
func rejectsFrom(record arrow.Record) []batch.Rejects {
	var all []batch.Rejects
	for row := range record.NumRows() {
		file := "stays"
		if row%2 == 1 {
			file = "goes"
		}
		all = append(all, batch.Rejects{
			Origin: batch.Origin{File: file}, Record: record.NewSlice(row, row+1), Rows: []int64{row},
			Rules: [][]int{{0}}, Reasons: [][]string{{"found \xff"}},
		})
	}
	return all
}

// textOf writes all values out.
func textOf(records []arrow.Record) []string {
	var rows []string
	for _, record := range records {
		for row := range int(record.NumRows()) {
			text := ""
			for _, column := range record.Columns() {
				text += fmt.Sprintf("%q|", column.ValueStr(row))
			}
			rows = append(rows, text)
		}
	}
	return rows
}

// Drawn rejects, of two kinds of columns, over several nights.
func TestCarryOverNights(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(17, 4))
	staging := t.TempDir()
	var files []rejects.File
	model := map[string][]string{}
	for range 12 {
		gone := fmt.Sprint("file ", random.IntN(4))
		delete(model, gone)
		var come []batch.Rejects
		for range 1 + random.IntN(5) {
			r := rejectsOf(gone, int64(random.IntN(1000)), 1000+int64(random.IntN(1000)))
			if random.IntN(3) == 0 {
				r.Record = array.NewRecord(arrow.NewSchema(source.Fields()[:1], nil), r.Record.Columns()[:1], 2)
			}
			come = append(come, r)
			for _, row := range r.Rows {
				model[gone] = append(model[gone], fmt.Sprintf("%s %d", gone, row))
			}
		}
		files = append(carry(t, files, staging, gone), written(t, staging, 1+random.Int64N(6), come...)...)
		assert.ElementsMatch(t, slices.Concat(slices.Collect(maps.Values(model))...), originsIn(t, files))
	}
}

func TestCarryOfSpoiledFiles(t *testing.T) {
	staging := t.TempDir()
	fresh := func() rejects.File { return written(t, staging, 100, rejectsOf("a", 1), rejectsOf("b", 2))[0] }
	notRejects := func() rejects.File {
		path := filepath.Join(t.TempDir(), "other.parquet")
		content, err := os.ReadFile("../../transforms/parquetread/testdata/int96.parquet")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		sum, bytes, err := storage.SHA256(t.Context(), path)
		require.NoError(t, err)
		return rejects.File{URI: path, Bytes: bytes, SHA256: sum, Rows: 3}
	}
	cases := map[string]struct {
		spoil func(file *rejects.File)
		says  string
	}{
		"gone":              {func(f *rejects.File) { require.NoError(t, os.Remove(f.URI)) }, "no such file"},
		"a byte":            {func(f *rejects.File) { flip(t, f.URI) }, "changed after it was listed"},
		"cut off":           {func(f *rejects.File) { require.NoError(t, os.Truncate(f.URI, f.Bytes-1)) }, "changed after it was listed"},
		"another count":     {func(f *rejects.File) { f.Rows++ }, "holds 2 rows instead of 3"},
		"a file of others":  {func(f *rejects.File) { *f = notRejects() }, "holds 0 rows instead of 3"},
		"an object is gone": {func(f *rejects.File) { bucket, _ := storagetest.FakeGCS(t); f.URI = bucket + "/gone.parquet" }, "gone.parquet"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			file := fresh()
			c.spoil(&file)
			_, err := rejects.Carry(t.Context(), []rejects.File{fresh(), file}, staging, isA, parquetread.ReadColumns)
			assertKind(t, err, failure.Storage, c.says)
			require.ErrorIs(t, err, rejects.ErrKept)
			assert.ErrorContains(t, err, file.URI)
			assert.Equal(t, "build the extract in full", failure.Of(err, "").Hint)
		})
	}
}

func isA(origin string) bool { return origin == "a" }

func flip(t *testing.T, path string) {
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	content[len(content)/2] ^= 1
	require.NoError(t, os.WriteFile(path, content, 0o600))
}

// What is no fault of the files is told from that.
func TestCarryFails(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	files := written(t, bucket+"/staging", 100, rejectsOf("a", 1), rejectsOf("b", 2))
	cancelled, cancel := context.WithCancel(t.Context())
	cancelling := func(ctx context.Context, file storage.Info, columns []string, emit func(arrow.Record) error) error {
		return parquetread.ReadColumns(ctx, file, columns, func(record arrow.Record) error {
			cancel()
			return errors.Join(emit(record), ctx.Err())
		})
	}
	cases := []struct {
		name  string
		fault storagetest.Fault
		ctx   context.Context
		read  rejects.Reader
		says  string
	}{
		{"reading is refused", storagetest.Fault{On: storagetest.Read, Status: http.StatusForbidden}, t.Context(), parquetread.ReadColumns, "403"},
		{"writing is refused", storagetest.Fault{On: storagetest.Write, Status: http.StatusForbidden}, t.Context(), parquetread.ReadColumns, "403"},
		{"an interrupt", storagetest.Fault{}, cancelled, cancelling, "context canceled"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.fault.On != "" {
				faults.Inject(c.fault)
			}
			defer faults.Heal()
			_, err := rejects.Carry(c.ctx, files, bucket+"/staging", isA, c.read)
			assertKind(t, err, failure.Storage, c.says)
			assert.NotErrorIs(t, err, rejects.ErrKept)
			assert.Len(t, namesIn(t, bucket+"/staging"), 1, "nothing new is visible")
		})
	}
}

func TestSaveKeepsOthersOut(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "rejects")
	staging := t.TempDir()
	files := append(written(t, staging, 100, rejectsOf("a", 1)), written(t, staging, 100, rejectsOf("b", 2))...)
	saved, err := rejects.Save(t.Context(), files, state, "run1")
	require.NoError(t, err)
	for _, path := range append(urisOf(saved), state) {
		stat, err := os.Stat(path)
		require.NoError(t, err)
		assert.Zero(t, stat.Mode().Perm()&0o077, path)
	}
	flip(t, files[1].URI)
	_, err = rejects.Save(t.Context(), files, state, "run2")
	assertKind(t, err, failure.Storage, "is not what was written there")
	assert.Len(t, namesIn(t, state), 2, "the old files are there")
	assert.ElementsMatch(t, []string{"a 1", "b 2"}, originsIn(t, saved))
}
