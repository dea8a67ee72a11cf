package storage_test

import (
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// putText writes a file and describes it.
func putText(t *testing.T, uri, text string) storage.Info {
	t.Helper()
	store, err := storage.For(uri)
	require.NoError(t, err)
	require.NoError(t, store.Put(t.Context(), uri, []byte(text)))
	info, err := store.Stat(t.Context(), uri)
	require.NoError(t, err)
	return info
}

func getText(t *testing.T, uri string) string {
	t.Helper()
	store, err := storage.For(uri)
	require.NoError(t, err)
	data, err := store.Get(t.Context(), uri)
	require.NoError(t, err)
	return string(data)
}

// Files are copied within and between kinds of storage, under every condition, while requests fail.
func TestCopy(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	folder := t.TempDir()
	local, remote := func(name string) string { return filepath.Join(folder, name) }, func(name string) string { return storage.Join(bucket, name) }
	for name, ends := range map[string][2]func(string) string{
		"local": {local, local}, "upload": {local, remote}, "download": {remote, local}, "remote": {remote, remote},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := putText(t, ends[0](name+".from"), "some text"), ends[1](name+"/deep.to")
			faults.Inject(storagetest.Fault{On: storagetest.Read, Status: 503, Times: 1})
			faults.Inject(storagetest.Fault{On: storagetest.Write, Status: 503, Times: 1})
			read := faults.Count(storagetest.Read)
			made, err := storage.Copy(t.Context(), from, to, storage.IfAbsent())
			require.NoError(t, err)
			if name == "remote" {
				assert.Equal(t, read, faults.Count(storagetest.Read), "no byte comes here")
			}
			assert.Equal(t, "some text", getText(t, to))
			_, err = storage.Copy(t.Context(), from, to, storage.IfAbsent())
			require.ErrorIs(t, err, storage.ErrExists)

			from = putText(t, from.URI, "another text")
			_, err = storage.Copy(t.Context(), from, to, storage.IfUnchanged(made))
			require.NoError(t, err)
			_, err = storage.Copy(t.Context(), from, to, storage.IfUnchanged(made))
			require.ErrorIs(t, err, storage.ErrChanged)
			_, err = storage.Copy(t.Context(), from, to, storage.Any())
			require.NoError(t, err)
			assert.Equal(t, "another text", getText(t, to))
			faults.Heal()
		})
	}
}

func TestCopyFails(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	from := putText(t, storage.Join(bucket, "from"), "some text")
	gone := from
	gone.URI += ".gone"
	_, err := storage.Copy(t.Context(), gone, storage.Join(bucket, "to"), storage.Any())
	require.ErrorIs(t, err, fs.ErrNotExist)
	faults.Inject(storagetest.Fault{On: storagetest.Write, Status: 403})
	_, err = storage.Copy(t.Context(), from, storage.Join(bucket, "to"), storage.Any())
	require.ErrorIs(t, err, fs.ErrPermission)
}
