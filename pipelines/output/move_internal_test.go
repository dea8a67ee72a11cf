package output

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// Of a run that others overtake at the output, the later one wins, as long as it may write there; what was written since
// it may not is left.
func TestOvertaken(t *testing.T) {
	lost := errors.New("the lock is lost")
	for name, c := range map[string]struct {
		heldFor   int // so many times it is asked
		overtaken int // so many times, between the look at the output and the write
		want      string
		err       error
	}{
		"alone":                 {heldFor: 9, want: "ours"},
		"overtaken":             {heldFor: 9, overtaken: 2, want: "ours"},
		"overtaken all along":   {heldFor: 9, overtaken: 9, want: "theirs", err: storage.ErrChanged},
		"lost before":           {heldFor: 0, want: "before", err: lost},
		"lost when it was slow": {heldFor: 1, overtaken: 1, want: "theirs", err: lost},
	} {
		t.Run(name, func(t *testing.T) {
			bucket, faults := storagetest.FakeGCS(t)
			place, ours := bucket+"/x.hyper", filepath.Join(t.TempDir(), "x.hyper")
			require.NoError(t, os.WriteFile(ours, []byte("ours"), 0o600))
			require.NoError(t, storage.Put(t.Context(), place, []byte("before")))
			asked := 0
			held := func() error { // which is asked after the look
				if asked++; asked > c.heldFor {
					return lost
				}
				if asked <= c.overtaken {
					assert.NoError(t, storage.Put(t.Context(), place, []byte("theirs")))
				}
				return nil
			}
			_, err := moveTo(t.Context(), ours, place, held)
			require.ErrorIs(t, err, c.err)
			assert.Positive(t, faults.Count(storagetest.Stat))
			found, err := os.ReadFile(fetched(t, place))
			require.NoError(t, err)
			assert.Equal(t, c.want, string(found))
		})
	}
}

// fetched is the path of a copy of a file.
func fetched(t *testing.T, uri string) string {
	path, err := storage.Fetch(t.Context(), uri, filepath.Join(t.TempDir(), "copy"))
	require.NoError(t, err)
	return path
}

// A local file is not moved either when the run may not write.
func TestALocalMoveWithoutTheRight(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	from, to := filepath.Join(folder, "new"), filepath.Join(folder, "x.hyper")
	require.NoError(t, os.WriteFile(from, []byte("ours"), 0o600))
	lost := errors.New("the lock is lost")
	_, err := moveTo(t.Context(), from, to, func() error { return lost })
	require.ErrorIs(t, err, lost)
	assert.NoFileExists(t, to)
}
