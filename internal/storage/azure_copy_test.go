//go:build stores

package storage_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

func TestCopyWithinAzure(t *testing.T) {
	bucket, faults := storagetest.FakeAzure(t)
	store, err := storage.For(bucket)
	require.NoError(t, err)
	want := noise(1 << 20)
	info := put(t, store, bucket+"/from +%/a", want)

	made, err := storage.Copy(t.Context(), info, bucket+"/to/a", storage.IfAbsent())
	require.NoError(t, err)
	described, err := storage.Stat(t.Context(), bucket+"/to/a")
	require.NoError(t, err)
	assert.True(t, made.SameVersion(described))
	assert.Equal(t, described.Size, made.Size)
	got, err := store.Get(t.Context(), bucket+"/to/a")
	require.NoError(t, err)
	assert.Equal(t, want, got)

	_, err = storage.Copy(t.Context(), info, bucket+"/to/a", storage.IfAbsent())
	require.ErrorIs(t, err, storage.ErrExists)
	faults.Inject(storagetest.Fault{On: storagetest.Write, Times: 1, Lose: true})
	again, err := storage.Copy(t.Context(), info, bucket+"/to/a", storage.IfUnchanged(made))
	require.NoError(t, err, "it knows its own copy")
	assert.False(t, again.SameVersion(made))
	_, err = storage.Copy(t.Context(), info, bucket+"/to/a", storage.IfUnchanged(made))
	require.ErrorIs(t, err, storage.ErrChanged)
	require.ErrorContains(t, err, bucket+"/to/a")

	put(t, store, info.URI, []byte("new"))
	_, err = storage.Copy(t.Context(), info, bucket+"/to/b", storage.Any())
	require.ErrorIs(t, err, storage.ErrChanged)
	require.ErrorContains(t, err, info.URI)
	require.NoError(t, store.RemoveAll(t.Context(), info.URI))
	_, err = storage.Copy(t.Context(), info, bucket+"/to/b", storage.Any())
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = storage.Stat(t.Context(), bucket+"/to/b")
	require.ErrorIs(t, err, fs.ErrNotExist)
}
