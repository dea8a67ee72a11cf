package delta_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake"
	"hyperlake/internal/lake/delta"
	"hyperlake/transforms/parquetread"
)

// live is how many bytes are in use.
func live() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// TestMemoryOfManyFiles holds that what the log says of files is not held: 200,000 files, of which it says 200 MB.
func TestMemoryOfManyFiles(t *testing.T) {
	const count, most = 200_000, 100 << 20
	folder := manyFiles(t, count)
	before, peak, files := live(), int64(0), 0
	snapshot, err := delta.Open(t.Context(), folder, delta.Latest(), parquetread.ReadColumns)
	require.NoError(t, err)
	err = snapshot.Files(t.Context(), func(column string) bool { return column == "id" }, func(file lake.File) error {
		if file.Statistics["id"].Max == nil && !strings.HasSuffix(file.URI, "one more") {
			assert.Fail(t, "no statistics", file.URI)
		}
		if files++; files%20_000 == 0 {
			peak = max(peak, live()-before)
		}
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, count+1, files)
	assert.Less(t, peak, int64(most))
	t.Logf("%d MB at most", peak>>20)
}

// TestMemoryOfCommits holds that a commit that adds 50,000 files, of which it says 60 MB, is not held.
func TestMemoryOfCommits(t *testing.T) {
	const count, most = 50_000, 20 << 20
	folder := tableOf(t, map[string]string{commit(0): first})
	file, err := os.Create(filepath.Join(folder, "_delta_log", commit(1)))
	require.NoError(t, err)
	stats := strings.Repeat(`\"column\":123,`, 80)
	for i := range count {
		_, err := file.WriteString(strings.Replace(addOf(strings.Repeat("x", i%50)+string(rune('a'+i%26))+"/"+strconv.Itoa(i)), `"dataChange"`, `"stats":"{`+stats+`\"numRecords\":1}","dataChange"`, 1) + "\n")
		require.NoError(t, err)
	}
	require.NoError(t, file.Close())
	before, peak, files := live(), int64(0), 0
	snapshot, err := delta.Open(t.Context(), folder, delta.Latest(), parquetread.ReadColumns)
	require.NoError(t, err)
	peak = live() - before
	require.NoError(t, snapshot.Files(t.Context(), nil, func(file lake.File) error {
		require.Equal(t, int64(1), file.Rows)
		if files++; files%10_000 == 0 {
			peak = max(peak, live()-before)
		}
		return nil
	}))
	assert.Equal(t, count, files)
	assert.Less(t, peak, int64(most))
	t.Logf("%d MB at most", peak>>20)
}

// BenchmarkManyFiles lists 200,000 files of a checkpoint, with the statistics of one column.
func BenchmarkManyFiles(b *testing.B) {
	folder := manyFiles(b, 200_000)
	b.ResetTimer()
	for range b.N {
		snapshot, err := delta.Open(b.Context(), folder, delta.Latest(), parquetread.ReadColumns)
		require.NoError(b, err)
		require.NoError(b, snapshot.Files(b.Context(), func(column string) bool { return column == "id" }, func(lake.File) error { return nil }))
	}
}
