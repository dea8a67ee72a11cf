package iceberg_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
	"hyperlake/internal/lake/iceberg"
	"hyperlake/internal/storage"
)

// recordOf is a record of JSON objects.
func recordOf(t testing.TB, rows string, fields ...arrow.Field) arrow.Record {
	t.Helper()
	record, _, err := array.RecordFromJSON(memory.DefaultAllocator, arrow.NewSchema(fields, nil), strings.NewReader(rows))
	require.NoError(t, err)
	return record
}

var (
	pathField     = arrow.Field{Name: "file_path", Type: arrow.BinaryTypes.String, Nullable: true}
	positionField = arrow.Field{Name: "pos", Type: arrow.PrimitiveTypes.Int64, Nullable: true}
)

// readerOf reads records, which are those of each file.
func readerOf(records ...arrow.Record) lake.ParquetReader {
	return func(_ context.Context, _ storage.Info, _ []string, emit func(arrow.Record) error) error {
		for _, record := range records {
			if err := emit(record); err != nil {
				return err
			}
		}
		return nil
	}
}

// deleteFile is a file of deletes that is there.
func deleteFile(t testing.TB, rows int64) lake.DeleteFile {
	t.Helper()
	uri := filepath.Join(t.TempDir(), "d.parquet")
	require.NoError(t, os.WriteFile(uri, []byte("x"), 0o600))
	return lake.DeleteFile{URI: uri, Size: 1, Rows: rows}
}

func TestReadPositions(t *testing.T) {
	t.Parallel()
	first := recordOf(t, `[{"file_path":"a","pos":5},{"file_path":"b","pos":6},{"file_path":"a ","pos":7},{"file_path":"A","pos":8}]`, pathField, positionField)
	second := recordOf(t, `[{"file_path":"a","pos":0},{"file_path":"a","pos":5},{"file_path":"a","pos":8589934592},{"file_path":"","pos":1}]`, positionField, pathField)
	deletes, read := deleteFile(t, 8), readerOf(first, second)
	all, err := iceberg.ReadPositions(t.Context(), deletes, read)
	require.NoError(t, err)
	for path, want := range map[string][]uint64{"a": {0, 5, 8589934592}, "b": {6}, "a ": {7}, "A": {8}, "": {1}, "c": {}} {
		assert.Equal(t, want, all.Of(path).ToArray(), path)
		rows, err := iceberg.ReadPositionsOf(t.Context(), deletes, path, read)
		require.NoError(t, err)
		assert.Equal(t, want, rows.ToArray(), path)
	}
}

func TestPositionsOfWordsInADictionary(t *testing.T) {
	t.Parallel()
	builder := array.NewDictionaryBuilder(memory.DefaultAllocator, &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String})
	words, ok := builder.(*array.BinaryDictionaryBuilder)
	require.True(t, ok)
	for _, word := range []string{"a", "b", "a"} {
		require.NoError(t, words.AppendString(word))
	}
	positions := array.NewInt64Builder(memory.DefaultAllocator)
	positions.AppendValues([]int64{1, 2, 3}, nil)
	schema := arrow.NewSchema([]arrow.Field{{Name: "file_path", Type: words.Type()}, positionField}, nil)
	record := array.NewRecord(schema, []arrow.Array{words.NewArray(), positions.NewArray()}, 3)
	all, err := iceberg.ReadPositions(t.Context(), deleteFile(t, 3), readerOf(record))
	require.NoError(t, err)
	assert.Equal(t, []uint64{1, 3}, all.Of("a").ToArray())
}

func TestPositionsThatAreRefused(t *testing.T) {
	t.Parallel()
	number := arrow.Field{Name: "pos", Type: arrow.PrimitiveTypes.Int32, Nullable: true}
	for want, record := range map[string]arrow.Record{
		"it names row -1":                      recordOf(t, `[{"file_path":"a","pos":-1}]`, pathField, positionField),
		"its column pos has NULL":              recordOf(t, `[{"file_path":"a","pos":null}]`, pathField, positionField),
		"its column file_path has NULL":        recordOf(t, `[{"file_path":null,"pos":1}]`, pathField, positionField),
		"it has no column pos":                 recordOf(t, `[{"file_path":"a"}]`, pathField),
		"it has no column file_path":           recordOf(t, `[{"pos":1}]`, positionField),
		"the column pos is int32, and no long": recordOf(t, `[{"file_path":"a","pos":1}]`, pathField, number),
		"the column file_path is int64":        recordOf(t, `[{"file_path":1,"pos":1}]`, arrow.Field{Name: "file_path", Type: arrow.PrimitiveTypes.Int64}, positionField),
		"there are 2 and more, and not the 1":  recordOf(t, `[{"file_path":"a","pos":1},{"file_path":"b","pos":1}]`, pathField, positionField),
		"there are 0, and not the 1":           recordOf(t, `[]`, pathField, positionField),
	} {
		_, err := iceberg.ReadPositions(t.Context(), deleteFile(t, 1), readerOf(record))
		assert.ErrorContains(t, err, want)
		assert.False(t, failureOf(t, err).Retry, want)
	}
	_, err := iceberg.ReadPositions(t.Context(), lake.DeleteFile{URI: filepath.Join(t.TempDir(), "gone")}, readerOf())
	assert.True(t, failureOf(t, err).Retry)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = iceberg.ReadPositions(ctx, deleteFile(t, 1), readerOf())
	assert.Equal(t, context.Canceled, err)
}

func TestDeleteFilesTravelAsJSON(t *testing.T) {
	t.Parallel()
	want := lake.DeleteFile{URI: "gs://a/b", Size: 7, Rows: 3, Fields: []int32{1, 2}}
	raw, err := json.Marshal(want)
	require.NoError(t, err)
	var got lake.DeleteFile
	require.NoError(t, json.Unmarshal(raw, &got))
	assert.Equal(t, want, got, string(raw))
}
