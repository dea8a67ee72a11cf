//go:build unix

package storage_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
)

// What is no file keeps nobody waiting, and does not fill the memory.
func TestWhatIsNoFile(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))

	info, err := storage.Local{}.Stat(t.Context(), pipe)
	require.NoError(t, err)
	_, err = storage.Local{}.Open(t.Context(), info)
	require.ErrorContains(t, err, "not a file")
	_, err = storage.Local{}.Get(t.Context(), "/dev/zero")
	require.ErrorContains(t, err, "not a file")

	impatient := errors.New("impatient")
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, impatient)
	defer cancel()
	_, err = storage.Local{}.Get(ctx, pipe)
	require.ErrorIs(t, err, impatient)
	_, err = storage.OpenPipe(ctx, pipe, os.O_RDONLY)
	require.ErrorIs(t, err, impatient)
}

func TestAPipeIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	wrote := make(chan error, 1)
	go func() { wrote <- os.WriteFile(pipe, []byte("text"), 0o600) }()
	data, err := storage.Local{}.Get(t.Context(), pipe)
	require.NoError(t, err)
	require.NoError(t, <-wrote)
	assert.Equal(t, "text", string(data))
}
