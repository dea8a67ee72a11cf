//go:build unix && registry

package hyperd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The tests here fetch the pinned packages with the real tools, some 90 MB each.

func TestInstallWithTheToolsOfThisMachine(t *testing.T) {
	userCache(t)
	installed, err := Install(t.Context(), func(message string) { t.Log(message) })
	require.NoError(t, err)
	assert.False(t, installed.AlreadyThere)
	assertInstalled(t, installed)

	again, err := Install(t.Context(), nil)
	require.NoError(t, err)
	installed.AlreadyThere = true
	assert.Equal(t, installed, again)
}

// A machine has npm or pip; one without npm must be told so.
func TestInstallWithNpmAlone(t *testing.T) {
	userCache(t)
	bin := t.TempDir()
	npmIsThere := link(t, bin, "npm") && link(t, bin, "node")
	t.Setenv("PATH", bin)

	installed, err := Install(t.Context(), func(message string) { t.Log(message) })
	if !npmIsThere {
		assert.ErrorContains(t, err, "install hyperd: ")
		return
	}
	require.NoError(t, err)
	assert.Contains(t, installed.From, "from npm")
	assertInstalled(t, installed)
}

// assertInstalled sees to it that the installed hyperd is whole, runs, is the pinned
// version, is the one that Find finds, and is alone in the cache with its texts.
func assertInstalled(t *testing.T, installed Installed) {
	t.Helper()
	version, err := askVersion(t.Context(), installed.Path)
	require.NoError(t, err)
	assert.Equal(t, installed.Version, version)

	found, err := Find("")
	require.NoError(t, err)
	assert.Equal(t, installed.Path, found)

	cache, err := cacheFolder()
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(cache, "*", "*"))
	require.NoError(t, err)
	texts := []string{"LICENSE", "NOTICES.txt", "HYPER_API_OSS_disclosure.txt"}
	if strings.HasSuffix(installed.From, "from npm") {
		texts = []string{"LICENSE-HYPERD", "package.json"}
	}
	expected := []string{installed.Path}
	for _, text := range texts {
		expected = append(expected, filepath.Join(filepath.Dir(installed.Path), text))
	}
	assert.ElementsMatch(t, expected, files)
	folders, err := os.ReadDir(cache)
	require.NoError(t, err)
	assert.Len(t, folders, 2, "its folder and the lock")
}

// link puts a program of this machine into bin. It says whether there is one.
func link(t *testing.T, bin, name string) bool {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		return false
	}
	path, err = filepath.EvalSymlinks(path)
	require.NoError(t, err)
	require.NoError(t, os.Symlink(path, filepath.Join(bin, name)))
	return true
}
