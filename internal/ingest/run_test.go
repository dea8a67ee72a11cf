package ingest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread"
)

// places are folders on every kind of storage that there is here: by name.
func places(t *testing.T) map[string]string {
	folders := map[string]string{"local": filepath.Join(t.TempDir(), "lake", "numbers")}
	for scheme, start := range stores {
		bucket, _ := start(t)
		folders[scheme] = bucket + "/lake/numbers"
	}
	return folders
}

// A run replaces what the one before left, and says what is there.
func TestRunReplaces(t *testing.T) {
	for place, folder := range places(t) {
		t.Run(place, func(t *testing.T) {
			for i, rows := range []int64{2500, 10} {
				run := []string{"run1", "run2"}[i]
				account, err := ingest.Run(t.Context(), entryOf(folder, run), &numbers{from: int64(i), rows: rows, readers: 4}, ingest.Surroundings{})
				require.NoError(t, err)
				assert.Equal(t, []int64{rows, 0, 1}, []int64{account.Rows, account.Rejected, int64(account.Parts)})
				assert.Equal(t, sequence(int64(i), rows), rowsIn(t, folder))
				found, err := lake.ReadIngested(t.Context(), folder)
				require.NoError(t, err)
				require.Len(t, found.Parts, 1)
				assert.Equal(t, []any{run, rows, account.Bytes, "the source itself"}, []any{found.RunID, found.Rows, found.Bytes, found.Said})
				part := storage.Join(folder, found.Parts[0].Name)
				path, err := storage.Fetch(t.Context(), part, filepath.Join(t.TempDir(), "part"))
				require.NoError(t, err)
				require.NoError(t, storage.VerifySHA256(t.Context(), path, found.Parts[0].Bytes, found.Parts[0].SHA256))
				assert.Len(t, namesIn(t, folder), 3, "a part, and two files that say what it is")
			}
			if place == "local" {
				entries, err := os.ReadDir(filepath.Dir(folder))
				require.NoError(t, err)
				assert.Len(t, entries, 1)
			}
		})
	}
}

// Where folders cannot be exchanged, readers go by what is said of the folder, and find the same.
func TestRunWithoutExchange(t *testing.T) {
	ingest.WithoutExchange(t)
	folder := filepath.Join(t.TempDir(), "numbers")
	for i, run := range []string{"run1", "run2", "run3"} {
		_, err := ingest.Run(t.Context(), entryOf(folder, run), &numbers{from: int64(i), rows: 5}, ingest.Surroundings{})
		require.NoError(t, err)
		assert.Equal(t, sequence(int64(i), 5), rowsIn(t, folder))
	}
}

// Whatever fails a run leaves the folder as it was, and nothing beside it.
func TestAFailedRunChangesNothing(t *testing.T) {
	few, ratio := 2, 0.1
	broken := errors.New("the connection was lost")
	for name, c := range map[string]struct {
		source numbers
		change func(*ingest.Entry)
		held   error
		kind   failure.Kind
		text   string
	}{
		"too few rows":     {source: numbers{rows: 10, lie: 3}, kind: failure.Source, text: "10 rows arrived (10 were written, 0 rejected), but by the source itself there are 13"},
		"too many rows":    {source: numbers{rows: 10, rejects: 1, lie: -1}, kind: failure.Source, text: "11 rows arrived"},
		"it breaks":        {source: numbers{rows: 10, err: broken}, kind: failure.Source, text: "the connection was lost"},
		"no rows":          {source: numbers{}, kind: failure.Data, text: "the source has no rows"},
		"only rejects":     {source: numbers{rejects: 2}, kind: failure.Data, text: "all 2 rows were rejected: id: type bigint (2)"},
		"max_rows":         {source: numbers{rows: 10, rejects: 3}, change: func(e *ingest.Entry) { e.Rejects.MaxRows = &few }, kind: failure.Data, text: "3 of 13 rows were rejected, more than max_rows: 2"},
		"max_ratio":        {source: numbers{rows: 10, rejects: 3}, change: func(e *ingest.Entry) { e.Rejects.MaxRatio = &ratio }, kind: failure.Data, text: "more than max_ratio: 0.1"},
		"the lock is lost": {source: numbers{rows: 10}, held: failure.New(failure.Storage, "the lock is lost"), kind: failure.Storage, text: "the lock is lost"},
		"drift":            {source: numbers{rows: 10, fields: usualFields[:1]}, kind: failure.Source, text: `column "text" is gone`},
	} {
		for place, folder := range places(t) {
			t.Run(name+", "+place, func(t *testing.T) {
				_, err := ingest.Run(t.Context(), entryOf(folder, "run1"), &numbers{rows: 7}, ingest.Surroundings{})
				require.NoError(t, err)
				before := namesIn(t, folder)
				entry := entryOf(folder, "run2")
				if c.change != nil {
					c.change(&entry)
				}
				source := c.source
				_, err = ingest.Run(t.Context(), entry, &source, ingest.Surroundings{Held: func() error { return c.held }})
				_ = requireKind(t, err, c.kind)
				require.ErrorContains(t, err, c.text)
				assert.Equal(t, sequence(0, 7), rowsIn(t, folder))
				if c.held == nil { // else others may write there
					assert.Equal(t, before, namesIn(t, folder))
				}
			})
		}
	}
}

// A first run that fails leaves no folder that is there for nothing.
func TestAFirstRunThatFails(t *testing.T) {
	for place, folder := range places(t) {
		t.Run(place, func(t *testing.T) {
			_, err := ingest.Run(t.Context(), entryOf(folder, "run1"), &numbers{rows: 5000, lie: 1}, ingest.Surroundings{})
			_ = requireKind(t, err, failure.Source)
			assert.Empty(t, namesIn(t, folder))
		})
	}
}

// Columns that come and go are taken as they are where that is asked for; older folders keep theirs.
func TestUnion(t *testing.T) {
	root := t.TempDir()
	entry := func(day, run string) ingest.Entry {
		e := entryOf(filepath.Join(root, "day="+day), run)
		e.Pinned, e.Union = root, true
		return e
	}
	extra := arrow.Field{Name: "extra", Type: arrow.PrimitiveTypes.Int32, Nullable: true}
	_, err := ingest.Run(t.Context(), entry("1", "run1"), &numbers{rows: 3}, ingest.Surroundings{})
	require.NoError(t, err)
	account, err := ingest.Run(t.Context(), entry("2", "run2"), &numbers{rows: 3, fields: []arrow.Field{usualFields[0], extra}}, ingest.Surroundings{})
	require.NoError(t, err)
	assert.Equal(t, []string{`column "text" is gone`, `column "extra" is new (integer)`}, account.Schema.Drift)
	account, err = ingest.Run(t.Context(), entry("3", "run3"), &numbers{rows: 3, fields: append(usualFields[:2:2], extra)}, ingest.Surroundings{})
	require.NoError(t, err)
	assert.Empty(t, account.Schema.Drift)
	assert.Equal(t, []ingest.Column{{Name: "id", Type: "bigint"}, {Name: "text", Type: "text"}, {Name: "extra", Type: "integer"}}, account.Schema.Columns)
	found, err := lake.ReadIngested(t.Context(), filepath.Join(root, "day=2"))
	require.NoError(t, err)
	info, err := storage.Stat(t.Context(), filepath.Join(root, "day=2", found.Parts[0].Name))
	require.NoError(t, err)
	require.NoError(t, parquetread.ReadColumns(t.Context(), info, nil, func(rows arrow.Record) error {
		assert.Equal(t, []string{"id", "text", "extra"}, []string{rows.ColumnName(0), rows.ColumnName(1), rows.ColumnName(2)})
		assert.Equal(t, 3, rows.Column(1).NullN())
		return nil
	}))
	assert.Equal(t, sequence(0, 3), rowsIn(t, filepath.Join(root, "day=3")))
}

// Rejects are files with where the row stands and why, whether they are too many or not.
func TestRejects(t *testing.T) {
	for _, most := range []int{0, 100} {
		var got []string
		place := func(ctx context.Context, files []ingest.RejectFile) error {
			for _, file := range files {
				require.NoError(t, storage.VerifySHA256(ctx, file.URI, file.Bytes, file.SHA256))
				info, err := storage.Stat(ctx, file.URI)
				require.NoError(t, err)
				require.NoError(t, parquetread.ReadColumns(ctx, info, nil, func(rows arrow.Record) error {
					for row := range int(rows.NumRows()) {
						text := ""
						for _, column := range rows.Columns() {
							text += column.ValueStr(row) + "|"
						}
						got = append(got, text)
					}
					return nil
				}))
			}
			return nil
		}
		entry := entryOf(filepath.Join(t.TempDir(), "numbers"), "run1")
		entry.Rejects.MaxRows = &most
		account, err := ingest.Run(t.Context(), entry, &numbers{rows: 5, rejects: 2}, ingest.Surroundings{PlaceRejects: place})
		if most == 0 {
			_ = requireKind(t, err, failure.Data)
		} else {
			require.NoError(t, err)
		}
		assert.Equal(t, int64(2), account.Rejected)
		assert.Equal(t, []ingest.RuleCount{{Rule: "type bigint", Column: "id", Rows: 2}}, account.Rules)
		require.Len(t, got, 2)
		assert.Contains(t, got[1], "\ufffdx|"+array.NullValueStr+"|numbers.csv|2|"+array.NullValueStr+"|"+array.NullValueStr+`|["id: type bigint"]|["is no whole number"]|`)
	}
}

// A folder that holds what no ingest wrote is not replaced.
func TestForeignFiles(t *testing.T) {
	for place, folder := range places(t) {
		t.Run(place, func(t *testing.T) {
			require.NoError(t, storage.Put(t.Context(), storage.Join(folder, "sub", "a.parquet"), []byte("theirs")))
			_, err := ingest.Run(t.Context(), entryOf(folder, "run1"), &numbers{rows: 1}, ingest.Surroundings{})
			assert.True(t, requireKind(t, err, failure.Storage).Early)
			require.ErrorContains(t, err, "sub")
			assert.Len(t, namesIn(t, folder), 1)
		})
	}
}

// The rows of a large source become several parts, within bounded memory.
func TestSeveralParts(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "numbers")
	const rows = 9 << 20
	var most uint64
	account, err := ingest.Run(t.Context(), entryOf(folder, "run1"), &numbers{rows: rows, batch: 64 << 10, readers: 2}, ingest.Surroundings{
		Progress: func(int64) {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
		},
	})
	require.NoError(t, err)
	assert.Equal(t, 3, account.Parts)
	assert.Less(t, most, uint64(1<<30))
	t.Logf("%d MB of memory, %d MB of parts", most>>20, account.Bytes>>20)
	files, _, err := lake.Find(t.Context(), folder+"/*.parquet")
	require.NoError(t, err)
	var found int64
	for _, file := range files {
		footer, err := parquetread.ReadFooter(t.Context(), file)
		require.NoError(t, err)
		found += footer.Rows
	}
	assert.Equal(t, int64(rows), found)
}
