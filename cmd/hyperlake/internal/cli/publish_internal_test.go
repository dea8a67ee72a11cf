package cli

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
)

// parsePublish reads a command line of publish, and gives it to do.
func parsePublish(t *testing.T, args []string, do func(a *app, flags *publishFlags, args []string) error) error {
	t.Helper()
	a := &app{}
	flags := &publishFlags{}
	cmd := a.withReport(a.withConfig(a.publishCommandOf(flags)))
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.RunE = func(_ *cobra.Command, args []string) error { return do(a, flags, args) }
	cmd.SetArgs(args)
	cmd.SetOut(io.Discard)
	return cmd.Execute()
}

// The flag that names a project wins over whichever key of the configuration names one.
func TestProjectFlagsReplaceEachOthersKeys(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.yaml")
	write := func(publish string) {
		text := "name: x\ntables: [{source: {uri: a.parquet}}]\npublish: " + publish + "\n"
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	load := func(args ...string) (cfg *config.Config, err error) {
		err = parsePublish(t, append([]string{path}, args...), func(a *app, flags *publishFlags, args []string) (err error) {
			cfg, err = a.publishConfig(t.Context(), flags, args)
			return err
		})
		return cfg, err
	}
	write("{project: Sales/Nightly, create_project: true}")
	cfg, err := load("--project-id", "7")
	require.NoError(t, err)
	assert.Equal(t, "7", cfg.Publish.ProjectID)
	assert.Empty(t, cfg.Publish.Project)
	assert.False(t, cfg.Publish.CreateProject)

	write("{project_id: 7}")
	cfg, err = load("--project", "Sales", "--create-project")
	require.NoError(t, err)
	assert.Equal(t, "Sales", cfg.Publish.Project)
	assert.Empty(t, cfg.Publish.ProjectID)

	_, err = load("--project", "Sales", "--project-id", "7")
	assert.ErrorContains(t, err, "remove one of them")
}

// The mode that hints advise is accepted by a configuration of another one.
func TestModeFlagReplacesTheKeysOfOtherModes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.yaml")
	text := "name: x\ntables: [{source: {uri: a.parquet}}]\npublish: {mode: upsert, match: [id], target: {name: t}}\n"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	load := func(args ...string) (cfg *config.Config, err error) {
		err = parsePublish(t, append([]string{path}, args...), func(a *app, flags *publishFlags, args []string) (err error) {
			cfg, err = a.publishConfig(t.Context(), flags, args)
			return err
		})
		return cfg, err
	}
	for _, mode := range []string{"create", "overwrite", "append", "replace", "insert"} {
		cfg, err := load("--mode", mode)
		require.NoError(t, err, mode)
		assert.Empty(t, cfg.Publish.Match, mode)
	}
	cfg, err := load("--mode", "delete")
	require.NoError(t, err)
	assert.Equal(t, []string{"id"}, cfg.Publish.Match)
	assert.Equal(t, "t", cfg.Publish.Target.Name)
	_, err = load("--mode", "overwrite", "--match", "id")
	require.ErrorContains(t, err, "publish.match has no meaning in mode overwrite", "what was typed is not dropped")
	_, err = load("--mode", "mrge")
	assert.ErrorContains(t, err, "publish.mode must be create, ")
}
