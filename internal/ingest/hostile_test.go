package ingest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/ingest"
)

// A folder that is a symbolic link to another one is replaced where it is, and the link stays.
func TestRunThroughALink(t *testing.T) {
	root := t.TempDir()
	real, link := filepath.Join(root, "disk", "numbers"), filepath.Join(root, "lake", "numbers")
	require.NoError(t, os.MkdirAll(real, 0o755))
	require.NoError(t, os.MkdirAll(filepath.Dir(link), 0o755))
	require.NoError(t, os.Symlink(real, link))
	for i, run := range []string{"run1", "run2"} {
		_, err := ingest.Run(t.Context(), entryOf(link, run), &numbers{from: int64(i), rows: 5}, ingest.Surroundings{})
		require.NoError(t, err)
		assert.Equal(t, sequence(int64(i), 5), rowsIn(t, real))
	}
	target, err := os.Readlink(link)
	require.NoError(t, err)
	assert.Equal(t, real, target)
	for _, folder := range []string{filepath.Dir(real), filepath.Dir(link)} {
		entries, err := os.ReadDir(folder)
		require.NoError(t, err)
		assert.Len(t, entries, 1)
	}
}

// Where no folder can be, that is said, with the place, and nothing is changed.
func TestRunWhereNoFolderCanBe(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "file")
	require.NoError(t, os.WriteFile(file, []byte("theirs"), 0o600))
	for name, folder := range map[string]string{"a file": file, "below a file": filepath.Join(file, "numbers")} {
		t.Run(name, func(t *testing.T) {
			_, err := ingest.Run(t.Context(), entryOf(folder, "run1"), &numbers{rows: 5}, ingest.Surroundings{})
			_ = requireKind(t, err, failure.Storage)
			require.ErrorContains(t, err, folder)
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, "theirs", string(text))
		})
	}
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}
