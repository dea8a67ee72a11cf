package scratch_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gofrs/flock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/scratch"
)

func TestAFolderIsLockedUntilItIsRemoved(t *testing.T) {
	parent := t.TempDir()
	folder, err := scratch.Make(parent, "some-")
	require.NoError(t, err)
	assert.Equal(t, parent, filepath.Dir(folder.Path))
	assert.Regexp(t, `^hyperlake-some-[0-9]+$`, filepath.Base(folder.Path))

	other := flock.New(filepath.Join(folder.Path, scratch.LockName), flock.SetFlag(os.O_RDONLY))
	locked, err := other.TryLock()
	require.NoError(t, err)
	assert.False(t, locked)

	require.NoError(t, folder.Remove())
	assert.NoDirExists(t, folder.Path)
	assert.DirExists(t, parent)
}

func TestAFolderNeedsItsParent(t *testing.T) {
	_, err := scratch.Make(filepath.Join(t.TempDir(), "missing"), "some-")
	require.ErrorContains(t, err, "missing")
}

func TestUse(t *testing.T) {
	parent := t.TempDir()
	t.Setenv("TMPDIR", parent)
	t.Setenv("TMP", parent)
	undo, err := scratch.Use()
	require.NoError(t, err)
	own := os.TempDir()
	assert.Equal(t, parent, filepath.Dir(own))
	require.NoError(t, os.WriteFile(filepath.Join(own, "left behind"), nil, 0o600))
	undo()
	assert.Equal(t, parent, os.TempDir())
	assert.NoDirExists(t, own)

	t.Setenv("TMPDIR", filepath.Join(parent, "missing"))
	t.Setenv("TMP", filepath.Join(parent, "missing"))
	_, err = scratch.Use()
	require.Error(t, err)
}

func TestFindPassesOverWhatIsNotOurs(t *testing.T) {
	parent := t.TempDir()
	var want []string
	for _, kind := range []string{"", "spool-"} {
		folder, err := scratch.Make(parent, kind)
		require.NoError(t, err)
		want = append(want, folder.Path)
		t.Cleanup(func() { assert.NoError(t, folder.Remove()) })
	}
	put := func(name, lock string) {
		require.NoError(t, os.MkdirAll(filepath.Join(parent, name, lock), 0o700))
	}
	put("hyperlake-123", "socket") // of a process that keeps no lock
	put("hyperlake-129", "")       // of one that died before it took its lock
	want = append(want, filepath.Join(parent, "hyperlake-129"))
	put("hyperlake-124", "lock")   // a folder
	put("hyperlake-notes", "")     // not the name of one
	put("other-hyperlake-125", "") // neither
	for _, name := range []string{"hyperlake-notes", "other-hyperlake-125"} {
		require.NoError(t, os.WriteFile(filepath.Join(parent, name, "lock"), nil, 0o600))
	}
	put("hyperlake-126", "")
	require.NoError(t, os.Symlink(filepath.Join(parent, "hyperlake-notes", "lock"), filepath.Join(parent, "hyperlake-126", "lock")))
	require.NoError(t, os.Symlink(want[0], filepath.Join(parent, "hyperlake-127")))

	found, err := scratch.Find(parent)
	require.NoError(t, err)
	assert.ElementsMatch(t, want, found)
	found, err = scratch.Find(filepath.Join(parent, "missing"))
	require.NoError(t, err)
	assert.Empty(t, found)
}
