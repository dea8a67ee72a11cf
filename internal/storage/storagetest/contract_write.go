package storagetest

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
)

func (f folder) create(t *testing.T, name string, condition storage.Condition, text string) storage.Writer {
	t.Helper()
	w, err := f.Create(t.Context(), f.uri(name), condition)
	require.NoError(t, err)
	t.Cleanup(w.Abort)
	for _, piece := range []string{text[:len(text)/2], text[len(text)/2:]} {
		_, err = io.WriteString(w, piece)
		require.NoError(t, err)
	}
	return w
}

// holds checks what the file holds; "" stands for a missing file.
func (f folder) holds(t *testing.T, name, want string) {
	t.Helper()
	data, err := f.Get(t.Context(), f.uri(name))
	if want != "" {
		require.NoError(t, err)
	}
	assert.Equal(t, want, string(data))
}

func testCommit(t *testing.T, f folder) {
	w := f.create(t, "new/folder/file", storage.Any(), "some text")
	assert.Empty(t, f.glob(t, "**"), "nothing is visible before Commit")
	info, err := w.Commit()
	require.NoError(t, err)
	f.holds(t, "new/folder/file", "some text")
	described, err := f.Stat(t.Context(), f.uri("new/folder/file"))
	require.NoError(t, err)
	assert.True(t, info.SameVersion(described), "committed: %+v, described: %+v", info, described)
	assert.EqualValues(t, 9, info.Size)

	w.Abort()
	_, err = w.Commit()
	require.Error(t, err)
	f.holds(t, "new/folder/file", "some text")

	empty, err := f.Create(t.Context(), f.uri("empty"), storage.Any())
	require.NoError(t, err)
	info, err = empty.Commit()
	require.NoError(t, err)
	assert.Zero(t, info.Size)
	assert.Equal(t, []string{"empty", "new/folder/file"}, f.glob(t, "**"))
}

func testAbort(t *testing.T, f folder) {
	f.put(t, "file", []byte("old"))
	f.create(t, "file", storage.Any(), "new").Abort()
	f.holds(t, "file", "old")

	w := f.create(t, "other", storage.Any(), "new")
	w.Abort()
	w.Abort()
	_, err := w.Commit()
	require.Error(t, err)

	big := f.create(t, "big", storage.Any(), string(noise(9<<20)))
	big.Abort()
	unwritten, err := f.Create(t.Context(), f.uri("unwritten"), storage.Any())
	require.NoError(t, err)
	unwritten.Abort()
	assert.Equal(t, []string{"file"}, f.glob(t, "**"))
}

func testConditions(t *testing.T, f folder) {
	first, err := f.create(t, "file", storage.IfAbsent(), "first").Commit()
	require.NoError(t, err)
	_, err = f.create(t, "file", storage.IfAbsent(), "refused").Commit()
	require.ErrorIs(t, err, storage.ErrExists)
	require.ErrorContains(t, err, f.uri("file"))
	f.holds(t, "file", "first")

	second, err := f.create(t, "file", storage.IfUnchanged(first), "the second").Commit()
	require.NoError(t, err)
	_, err = f.create(t, "file", storage.IfUnchanged(first), "refused").Commit()
	require.ErrorIs(t, err, storage.ErrChanged)
	f.holds(t, "file", "the second")

	require.NoError(t, f.RemoveAll(t.Context(), f.uri("file")))
	_, err = f.create(t, "file", storage.IfUnchanged(second), "refused").Commit()
	require.ErrorIs(t, err, storage.ErrChanged, "a file that is gone has changed")
	f.holds(t, "file", "")

	late := f.create(t, "file", storage.IfAbsent(), "refused")
	f.put(t, "file", []byte("came first"))
	_, err = late.Commit()
	require.ErrorIs(t, err, storage.ErrExists, "the condition is checked when the write is committed")
	f.holds(t, "file", "came first")
	assert.Equal(t, []string{"file"}, f.glob(t, "**"))
}
