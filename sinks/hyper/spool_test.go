package hyper

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/internal/machine"
	"hyperlake/internal/storage"
)

func TestSpoolSizes(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "auto": 0, "64m": 64 << 20, "2g": 2 << 30, "2G": 2 << 30, "100000k": 100000 << 10} {
		got, err := SpoolConfig{MaxBytes: text}.maxBytes()
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
		require.NoError(t, SpoolConfig{MaxBytes: text}.Validate())
	}
	for _, text := range []string{"63m", "1", "0g", "-1g", "1.5g", "much"} {
		err := SpoolConfig{MaxBytes: text}.Validate()
		require.ErrorContains(t, err, "spool.max_bytes: ", text)
		assert.Equal(t, failure.Config, failure.Of(err, failure.Engine).Kind)
	}
}

func TestSharersDivideTheSpool(t *testing.T) {
	for sharers, want := range map[int]int64{0: 1 << 30, 1: 1 << 30, 4: 256 << 20, 1000: minSpoolBytes} {
		s, err := SpoolConfig{Path: t.TempDir(), MaxBytes: "1g", Sharers: sharers}.place()
		require.NoError(t, err)
		assert.Equal(t, want, s.maxBytes, sharers)
	}
}

func TestTryLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	parent, most, err := SpoolConfig{Path: folder, MaxBytes: "256m", Sharers: 2}.Try()
	require.NoError(t, err)
	assert.Equal(t, folder, parent)
	assert.EqualValues(t, 256<<20, most)
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, left)
	_, _, err = SpoolConfig{Path: filepath.Join(folder, "gone")}.Try()
	require.ErrorContains(t, err, "gone")
}

func TestWorkersOfAMachineDivideTheRoomOfTheirSpools(t *testing.T) {
	assert.EqualValues(t, 6<<30, partOf(24<<30, 1))
	assert.EqualValues(t, 1<<30, partOf(24<<30, 6))

	t.Setenv("TMPDIR", t.TempDir())
	const workers = 100
	for range workers { // a seat of this process stands for one of another
		seat, err := machine.TakeSeat()
		require.NoError(t, err)
		t.Cleanup(seat.Leave)
	}
	folder := t.TempDir()
	free, err := storage.FreeBytes(folder)
	require.NoError(t, err)
	s, err := SpoolConfig{Path: folder}.place()
	require.NoError(t, err)
	want := float64(min(autoSpoolBytes, max(partOf(free, workers), minSpoolBytes)))
	assert.InDelta(t, want, s.maxBytes, want/10, "others write there at the same time")
}

func TestASpoolWithoutItsFolderIsRefused(t *testing.T) {
	lease := hyperdtest.Acquire(t)
	_, err := newLoader(twoTables(t), SpoolConfig{Path: filepath.Join(t.TempDir(), "gone")}, nil, lease, filepath.Join(t.TempDir(), "x.hyper"))
	require.ErrorContains(t, err, "spool")
	assert.Equal(t, failure.Storage, failure.Of(err, failure.Engine).Kind)
}

// However many rows come, and however slowly hyperd takes them, the spool stays within its
// bound, and nothing of it is left.
func TestTheSpoolStaysWithinItsBound(t *testing.T) {
	folder := t.TempDir()
	config := SpoolConfig{Path: folder, MaxBytes: "64m"}
	l, err := newLoader(twoTables(t), config, nil, hyperdtest.Acquire(t), filepath.Join(t.TempDir(), "x.hyper"))
	require.NoError(t, err)
	t.Cleanup(l.abandon)
	const rows, batches = batch.MaxRows, 200 // 12 bytes a row: 157 MB
	largest := int64(0)
	for i := range batches {
		require.NoError(t, l.add(days(i%3%2, int64(i*rows), rows, aDate)))
		largest = max(largest, bytesBelow(t, folder))
	}
	file, err := complete(t.Context(), l)
	require.NoError(t, err)
	assert.EqualValues(t, rows*batches, file.Tables[0].Rows+file.Tables[1].Rows)
	assert.LessOrEqual(t, largest, int64(64<<20))
	assert.Greater(t, largest, int64(1<<20))
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, left)
}

func bytesBelow(t *testing.T, folder string) int64 {
	found, err := filepath.Glob(filepath.Join(folder, "*", "segment-*"))
	require.NoError(t, err)
	var bytes int64
	for _, path := range found {
		if stat, err := os.Stat(path); err == nil { // hyperd may just have taken it
			bytes += stat.Size()
		}
	}
	return bytes
}
