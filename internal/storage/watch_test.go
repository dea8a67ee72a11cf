package storage_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// Whoever watches is told of the beginning of a long way, of the way, and of the last byte.
func TestWatch(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	folder := t.TempDir()
	path, object := filepath.Join(folder, "file"), bucket+"/object"
	const size = 10<<20 + 1
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("x"), size), 0o600))
	for doing, do := range map[string]func(ctx context.Context) error{
		"hash": func(ctx context.Context) error { _, _, err := storage.SHA256(ctx, path); return err },
		"upload": func(ctx context.Context) error {
			_, err := storage.Upload(ctx, path, object, storage.Any())
			return err
		},
		"download": func(ctx context.Context) error {
			require.NoError(t, storage.Put(t.Context(), object, bytes.Repeat([]byte("x"), size)))
			info, err := storage.Stat(ctx, object)
			require.NoError(t, err)
			return storage.Download(ctx, info, filepath.Join(folder, "downloaded"))
		},
	} {
		var told []storage.Work
		require.NoError(t, do(storage.Watch(t.Context(), func(w storage.Work) { told = append(told, w) })))
		require.GreaterOrEqual(t, len(told), 3, doing)
		assert.LessOrEqual(t, len(told), 5, doing)
		assert.Equal(t, storage.Work{Doing: doing, Total: size}, told[0])
		assert.Equal(t, storage.Work{Doing: doing, Done: size, Total: size}, told[len(told)-1])
		for i, w := range told[1:] {
			assert.Greater(t, w.Done, told[i].Done, doing)
		}
		require.NoError(t, do(t.Context()), "nobody watches")
	}
}
