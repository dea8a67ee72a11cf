//go:build corpus

package parquetread_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread"
)

// refused is what the errors about the files say that cannot be read.
var refused = map[string]string{
	"bad_data/ARROW-GH-41317.parquet":                     `row group 0: column "timestamp_us_no_tz": the file is damaged`,
	"bad_data/ARROW-GH-41321.parquet":                     `row group 0: column "int64": the file is damaged`,
	"bad_data/ARROW-GH-45185.parquet":                     `row group 0: column "x": field "element": the file is damaged`,
	"bad_data/ARROW-GH-47662.parquet":                     `row group 0: column "flba_field": the file is damaged`,
	"bad_data/ARROW-RS-GH-6229-DICTHEADER.parquet":        "row group 0: the file is cut off or damaged",
	"bad_data/ARROW-RS-GH-6229-LEVELS.parquet":            `row group 0: column "outer": field "c": the file is damaged`,
	"bad_data/PARQUET-1481.parquet":                       "the schema is malformed",
	"data/datapage_v1-corrupt-checksum.parquet":           `row group 0: column "a": the file is damaged: the checksum`,
	"data/rle-dict-uncompressed-corrupt-checksum.parquet": `row group 0: column "binary_field": the file is damaged: the checksum`,
}

// notTheirs is the dumps of the files that pyarrow does not read.
var notTheirs = map[string]string{
	"data/incorrect_map_schema.parquet": `{"rows":1,"columns":[["my_map",[[["parent","another"],["name","report"]]]]]}`,
}

// corrected is the values of the first column that pyarrow does not read exactly, by row.
var corrected = map[string]map[int]string{
	"data/int96_from_spark.parquet": {5: "9089380393200000000"}, // 290000-12-31
}

// huge is the rows of the files whose values are too large to be dumped.
var huge = map[string]int64{
	"data/large_string_map.brotli.parquet": 2,
}

// TestCorpus reads every file of a checkout of apache/parquet-testing and compares it, value
// by value, with what pyarrow reads:
//
//	python testdata/dump.py CHECKOUT DUMP
//	HYPERLAKE_CORPUS=CHECKOUT HYPERLAKE_CORPUS_DUMP=DUMP go test -tags corpus -run TestCorpus .
func TestCorpus(t *testing.T) {
	t.Parallel()
	corpus, dumps := os.Getenv("HYPERLAKE_CORPUS"), os.Getenv("HYPERLAKE_CORPUS_DUMP")
	require.NotEmpty(t, corpus, "HYPERLAKE_CORPUS names no checkout of apache/parquet-testing")
	require.NotEmpty(t, dumps, "HYPERLAKE_CORPUS_DUMP names no folder that testdata/dump.py filled")
	files := 0
	require.NoError(t, filepath.WalkDir(corpus, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".parquet") && !strings.HasSuffix(path, ".encrypted") {
			return err
		}
		name, err := filepath.Rel(corpus, path)
		require.NoError(t, err)
		files++
		t.Run(name, func(t *testing.T) {
			checkCorpusFile(t, path, filepath.ToSlash(name), filepath.Join(dumps, name+".json"))
		})
		return nil
	}))
	assert.Greater(t, files, 200)
}

func checkCorpusFile(t *testing.T, path, name, dumped string) {
	words := refused[name]
	if strings.HasSuffix(name, ".encrypted") {
		words = "the file is encrypted"
	}
	if words != "" {
		assertSourceError(t, readCorpusFile(t, path, func(batch.Batch) {}), path, words)
		return
	}
	if rows, ok := huge[name]; ok {
		require.NoError(t, readCorpusFile(t, path, func(b batch.Batch) { rows -= b.Record.NumRows() }))
		assert.Zero(t, rows)
		return
	}
	var batches []batch.Batch
	require.NoError(t, readCorpusFile(t, path, func(b batch.Batch) { batches = append(batches, b) }))
	requireDumped(t, expected(t, name, dumped), batches)
	requireWithinStatistics(t, footerOf(t, path), batches)
}

// expected is what a file holds.
func expected(t *testing.T, name, dumped string) dump {
	var want dump
	if text, ok := notTheirs[name]; ok {
		require.NoError(t, json.Unmarshal([]byte(text), &want))
	} else {
		want = readDump(t, dumped)
	}
	for row, value := range corrected[name] {
		want.Columns[0].values[row] = json.RawMessage(value)
	}
	require.Empty(t, want.Error)
	return want
}

func readCorpusFile(t *testing.T, path string, emit func(batch.Batch)) error {
	footer, err := parquetread.ReadFooter(context.Background(), stat(t, path))
	if err != nil {
		return err
	}
	table := tableOf(footer)
	shard := parquetread.Shard{Files: []parquetread.FileRef{{Info: footer.Info, RowGroups: footer.RowGroups}}}
	return parquetread.ReadShard(context.Background(), shard, table, func(b batch.Batch) error {
		emit(b)
		return nil
	})
}
