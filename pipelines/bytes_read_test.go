package pipelines_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
)

// The files of the lake of TestRangesAreNoLargerThanNeeded: row groups of columns c0, c1 and so on, of 80,000 bytes each. c0 is the number of the row.
const (
	wideColumns = 20
	wideRows    = 10_000 // of a row group
	wideGroups  = 2      // of a file
)

// writeWide writes a file of the lake of TestRangesAreNoLargerThanNeeded.
func writeWide(t *testing.T, path string, first int64) {
	var fields []arrow.Field
	for c := range wideColumns {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("c%d", c), Type: arrow.PrimitiveTypes.Int64})
	}
	schema := arrow.NewSchema(fields, nil)
	random := rand.New(rand.NewPCG(uint64(first), 0))
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for row := range wideRows * wideGroups {
		builder.Field(0).(*array.Int64Builder).Append(first + int64(row))
		for c := 1; c < wideColumns; c++ {
			builder.Field(c).(*array.Int64Builder).Append(random.Int64())
		}
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	file, err := os.Create(path)
	require.NoError(t, err)
	properties := parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(wideRows), parquet.WithDictionaryDefault(false))
	w, err := pqarrow.NewFileWriter(schema, file, properties, pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(builder.NewRecord()))
	require.NoError(t, w.Close())
}

// Whatever is asked for of remote files, and however it is read, no more arrives than 2.2 times the columns that are needed, as they are
// stored.
func TestRangesAreNoLargerThanNeeded(t *testing.T) {
	local := filepath.Join(t.TempDir(), "wide.parquet")
	cases := []struct {
		name, engine, source string
		deferred             bool
	}{
		{"whole", "auto", "partitions: none", true},
		{"whole, in Go", "go", "", false},
		{"most columns", "auto", "partitions: none, select: [c0, c1, c2, c4, c5, c7, c8, c11, c13, c16, c18, c19]", true},
		{"few columns", "auto", "select: [c3, c9, c17]", false},
		{"two columns not far apart", "auto", "select: [c2, c6]", false},
		{"every other column, in Go", "go", "select: [c1, c3, c5, c7, c9, c11, c13, c15, c17, c19]", false},
		{"one column", "auto", "select: [c19]", false},
		{"row groups", "auto", "where: 'c0 >= 15000 && c0 < 35000'", false},
		{"row groups, few columns", "auto", "select: [c1, c6, c12, c17], where: 'c0 < 5000'", false},
	}
	onEachStore(t, func(t *testing.T, bucket string, faults *storagetest.Faults) {
		put := func(name string, first int64) {
			writeWide(t, local, first)
			_, err := storage.Upload(t.Context(), local, storage.Join(bucket, "lake", name), storage.Any())
			require.NoError(t, err)
		}
		put("day=1/a.parquet", 0)
		put("day=2/a.parquet", 30_000)
		load := func(t *testing.T, folder, engine, source, more string, deferred bool) *report.Report {
			t.Helper()
			text := fmt.Sprintf("name: wide\nvalidate: {engine: %s}\ntables: [{source: {uri: %q%s}}]\n%s",
				engine, storage.Join(bucket, "lake/**/*.parquet"), strings.TrimSuffix(", "+source, ", "), more)
			cfg := runtest.Configure(t, folder, text)
			assert.Equal(t, deferred, runtest.PlanOf(t, cfg).Deferred > 0)
			before, requests := faults.BytesRead(), faults.Count(storagetest.Read)
			got, err := runtest.Run(t, t.Context(), cfg, nil)
			require.NoError(t, err)
			read, needed := faults.BytesRead()-before, got.BytesIn()
			if got.Refresh != nil {
				needed = got.Refresh.BytesRead
			}
			times := float64(read) / float64(needed)
			t.Logf("%d bytes read in %d requests, %d needed: %.2f times", read, faults.Count(storagetest.Read)-requests, needed, times)
			assert.Positive(t, needed)
			assert.LessOrEqual(t, times, 2.2)
			return got
		}
		for _, test := range cases {
			t.Run(test.name, func(t *testing.T) {
				got := load(t, t.TempDir(), test.engine, test.source, "", test.deferred)
				assert.Positive(t, got.Tables[0].RowsLoaded)
			})
		}
		put("day=3/a.parquet", 60_000)
		for name, night := range map[string]struct {
			source, file string
			deferred     bool
		}{
			"a night with another file": {"partitions: none", "day=4/a.parquet", true},
			"a night with other rows":   {"", "day=2/a.parquet", false},
		} {
			t.Run(name, func(t *testing.T) {
				folder := t.TempDir()
				load(t, folder, "auto", night.source, "refresh: {mode: changed}\n", night.deferred)
				put(night.file, 120_000)
				got := load(t, folder, "auto", night.source, "refresh: {mode: changed}\n", night.deferred)
				assert.Equal(t, report.RefreshChanged, got.Refresh.Mode, got.Refresh.Reason)
			})
		}
	})
}
