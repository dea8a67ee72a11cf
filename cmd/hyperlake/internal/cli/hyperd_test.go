package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
)

// installedHyperd puts the hyperd of the tests, a pinned one with its texts, where Install would.
func installedHyperd(t *testing.T) (path, version string) {
	t.Helper()
	binary, err := hyperd.Find("")
	require.NoError(t, err, "the tests need hyperd: run `make hyperd` first")
	version, err = hyperd.Version(t.Context(), binary)
	require.NoError(t, err)
	emptyCache(t)
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	path = filepath.Join(cache, "hyperlake", "hyperd", version, filepath.Base(binary))
	require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Dir(path)), 0o755))
	require.NoError(t, os.Symlink(filepath.Dir(binary), filepath.Dir(path)))
	return path, version
}

// emptyCache gives the test a cache of its own, and no tool that could fill it.
func emptyCache(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	for _, variable := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(variable, home)
	}
	t.Setenv("PATH", "")
}

func TestHyperdInstallThatIsThereAlready(t *testing.T) {
	path, version := installedHyperd(t)

	assert.Equal(t, outcome{0, "hyperd " + version + " " + path + "\n", "already installed\n"}, run(t, "", "hyperd", "install"))
	assert.Equal(t, outcome{0, "hyperd " + version + " " + path + "\n", ""}, run(t, "", "hyperd", "install", "--quiet"))

	got := run(t, "", "hyperd", "install", "--json")
	assert.Equal(t, 0, got.code)
	assert.Regexp(t, `^{
  "path": "\Q`+path+`\E",
  "version": "\Q`+version+`\E",
  "from": ".+ from (pip|npm)",
  "already_installed": true
}
$`, got.stdout)
}

func TestHyperdInstallWithoutTools(t *testing.T) {
	emptyCache(t)

	got := run(t, "", "hyperd", "install")

	assert.Equal(t, 1, got.code)
	assert.Empty(t, got.stdout)
	assert.Regexp(t, `^hyperlake: install hyperd: `, got.stderr)
}

func TestHyperdUsage(t *testing.T) {
	got := run(t, "", "hyperd")
	assert.Equal(t, 0, got.code)
	assert.Contains(t, got.stdout, "install")

	got = run(t, "", "hyperd", "instal")
	assert.Equal(t, 2, got.code)
	assert.Contains(t, got.stderr, `unknown command "instal"`)
}
