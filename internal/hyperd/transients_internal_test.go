package hyperd

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRemoveTransients(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"hyper_transient.12.4.a-b.tmp", "hyper_transient.12.5.c.tmp", "hyper_transient.123.4.a.tmp", "other.12.tmp"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), nil, 0o600))
	}
	removeTransients(folder, 12)
	left, err := filepath.Glob(filepath.Join(folder, "*"))
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(folder, "hyper_transient.123.4.a.tmp"), filepath.Join(folder, "other.12.tmp")}, left)
}
