package staging_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
	"hyperlake/pipelines/staging"
)

func TestRunEnded(t *testing.T) {
	const id, other = "20260131T235959Z-1a2b3c4d", "20260201T000000Z-1a2b3c4d"
	tests := map[string]struct {
		file, resume string
		ended, fails bool
	}{
		"under way":                  {file: `{"run_id":"` + id + `"}`},
		"under way, resumes another": {file: `{"run_id":"` + id + `"}`, resume: other},
		"ended, and left something":  {file: `{"run_id":"` + id + `","ended":"2026-02-01T00:00:00Z"}`, ended: true},
		"resumed by another":         {file: `{"run_id":"` + other + `"}`, ended: true},
		"ended, and left nothing":    {ended: true},
		"cannot be seen":             {file: `{`, fails: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			cfg := &config.Config{Staging: "staging"}
			folder := filepath.Join(cfg.Staging, id)
			if test.resume != "" {
				folder = filepath.Join(cfg.Staging, test.resume)
			}
			if test.file != "" {
				require.NoError(t, os.MkdirAll(folder, 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(folder, "run.json"), []byte(test.file), 0o600))
			}
			notes, err := staging.RunNotes(cfg, id, test.resume)
			require.NoError(t, err)
			t.Chdir("/") // a worker is somewhere else
			ended, err := staging.RunEnded(t.Context(), func(name string) string { return notes[name] })
			assert.Equal(t, test.fails, err != nil)
			assert.Equal(t, test.ended, ended)
		})
	}
	notes, err := staging.RunNotes(&config.Config{}, id, "")
	require.NoError(t, err)
	assert.Empty(t, notes)
	ended, err := staging.RunEnded(t.Context(), func(string) string { return "" })
	require.NoError(t, err)
	assert.False(t, ended, "nobody said which run it is")
}
