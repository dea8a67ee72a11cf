package storage_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

func TestGCSWithoutCredentials(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "missing.json"))
	store := storage.NewGCS(storage.ObjectsOptions{})
	_, err := store.Glob(t.Context(), "gs://bucket/*.parquet")
	require.ErrorContains(t, err, "gs://bucket/*.parquet: no usable Google credentials")
	assert.Contains(t, storage.Hint(err), "GOOGLE_APPLICATION_CREDENTIALS")
	assert.True(t, failure.New(failure.Source, "%w", err).Environment)

	bucket, _ := storagetest.FakeGCS(t)
	require.NoError(t, store.Put(t.Context(), bucket+"/a", nil), "the next use finds what is set then")
}
