package pipelines

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/pipelines/report"
)

// How far a file is hashed beside something else is only told when that has ended.
func TestWatchingWhatIsDue(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("abc"), 0o600))
	var told []report.Progress
	r := &run{options: RunOptions{Progress: func(p report.Progress) { told = append(told, p) }}}
	var isDue atomic.Bool
	for _, want := range []int{0, 2} {
		_, _, err := storage.SHA256(r.watch(t.Context(), "check", &isDue), path)
		require.NoError(t, err)
		assert.Len(t, told, want)
		isDue.Store(true)
	}
	assert.Equal(t, []any{"check", "hash", int64(3), int64(3)}, []any{told[1].Stage, told[1].Detail, told[1].Bytes, told[1].TotalBytes})
}

// Of a file that is written, people are told how large it is.
func TestWhileAFileGrows(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	synctest.Test(t, func(t *testing.T) {
		var told []report.Progress
		r := &run{options: RunOptions{Progress: func(p report.Progress) { told = append(told, p) }}}
		failed := errors.New("failed")
		err := r.whileGrowing("patch", path, func() error {
			time.Sleep(growsEvery + growsEvery/2)
			require.NoError(t, os.WriteFile(path, []byte("abc"), 0o600))
			time.Sleep(growsEvery)
			return failed
		})
		require.ErrorIs(t, err, failed)
		assert.Equal(t, []report.Progress{
			{Stage: "patch", Uncounted: true},
			{Stage: "patch", Uncounted: true, Elapsed: growsEvery},
			{Stage: "patch", Uncounted: true, Elapsed: 2 * growsEvery, Written: 3},
		}, told)
	})
}
