package storage_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
)

// Of "abc", as FIPS 180-4 has it.
const sumOfABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

func TestVerifySHA256(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("abc"), 0o600))
	sum, size, err := storage.SHA256(t.Context(), path)
	require.NoError(t, err)
	assert.Equal(t, sumOfABC, sum)
	assert.Equal(t, int64(3), size)

	require.NoError(t, storage.VerifySHA256(t.Context(), path, 3, sumOfABC))
	require.ErrorContains(t, storage.VerifySHA256(t.Context(), path, 4, sumOfABC), "it is not the file that was written: it has 3 bytes")
	require.ErrorContains(t, storage.VerifySHA256(t.Context(), path, 3, sumOfABC[1:]), "it is not the file that was written")
	require.ErrorIs(t, storage.VerifySHA256(t.Context(), path+"-missing", 3, sumOfABC), fs.ErrNotExist)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, os.Truncate(path, 1<<30))
	require.Error(t, storage.VerifySHA256(ctx, path, 1<<30, sumOfABC))
}
