package staging_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/pipelines/staging"
)

// What has no key staging is not told to set it.
func TestWithinAdvisesNoKey(t *testing.T) {
	t.Parallel()
	output := filepath.Join(t.TempDir(), "x.hyper")
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(output), staging.HiddenPrefix(output)+"id"), nil, 0o600))
	err := staging.Within(t.Context(), output, "id", func(*staging.Folder) error { return nil })
	failed := failure.Of(err, failure.Engine)
	assert.Equal(t, failure.Storage, failed.Kind)
	assert.Equal(t, "check that the folder can be written", failed.Hint)
}
