package storage_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// startGCS returns an object store, and clients of it with small limits.
func startGCS(t *testing.T) objectStore {
	server := storagetest.StartGCS(t)
	options := storage.ObjectsOptions{Endpoint: server.URL, ReadAhead: 2 << 20, Chunk: 256 << 10}
	return objectStore{
		objectServer: server, scheme: "gs://", bucket: server.Bucket,
		clients: newClients(time.Second, func(retry storage.Retry) storage.Store {
			options.Retry = retry
			return storage.NewGCS(options)
		}),
		begin: 1, called: "bucket", chunk: options.Chunk, completing: []storagetest.Operation{storagetest.Write},
		status: "status of Google Cloud", signOn: "gcloud auth application-default login",
	}
}

func TestGCS(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) (storage.Store, string) {
		server := storagetest.StartGCS(t)
		return storage.NewGCS(storage.ObjectsOptions{Endpoint: server.URL}), server.Bucket + "/some/folder"
	})
}

func TestGCSWithSmallWindows(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) (storage.Store, string) {
		server := startGCS(t)
		return server.patient, server.bucket + "/some/folder"
	})
}

func TestGCSObjects(t *testing.T) {
	t.Parallel()
	runObjects(t, startGCS)
}

func TestGCSReaderLeavesNothingRunning(t *testing.T) { testReaderLeavesNothingRunning(t, startGCS) }

func TestUploadAndDownload(t *testing.T) {
	bucket, faults := storagetest.FakeGCS(t)
	folder := t.TempDir()
	want := noise(17 << 20) // more than two chunks
	from, back := filepath.Join(folder, "from"), filepath.Join(folder, "new", "back")
	require.NoError(t, os.WriteFile(from, want, 0o600))
	info, err := storage.Upload(t.Context(), from, bucket+"/out/file", storage.IfAbsent())
	require.NoError(t, err)
	assert.Equal(t, 4, faults.Count(storagetest.Write))
	require.NoError(t, storage.Download(t.Context(), info, back))
	got, err := os.ReadFile(back)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got))

	_, err = storage.Upload(t.Context(), from, bucket+"/out/file", storage.IfAbsent())
	require.ErrorIs(t, err, storage.ErrExists)
	_, err = storage.Upload(t.Context(), from, bucket+"/out/file", storage.Any())
	require.NoError(t, err)
	require.ErrorIs(t, storage.Download(t.Context(), info, back), storage.ErrChanged)
	got, err = os.ReadFile(back)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got), "what stood there still stands")
	entries, err := os.ReadDir(filepath.Dir(back))
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}
