package hyperd

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
)

// userCache gives this process an empty user's cache, and returns the folder in it where
// hyperds are installed. HYPERD_PATH is not set.
func userCache(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	t.Setenv(pathVariable, "")
	t.Setenv("XDG_CACHE_HOME", root)
	t.Setenv("LocalAppData", root)
	if runtime.GOOS == "darwin" {
		t.Setenv("HOME", root)
	}
	cache, err := cacheFolder()
	require.NoError(t, err)
	require.Contains(t, cache, root)
	return cache
}

// home is userCache on a machine with no program: PATH is one empty folder, bin.
func home(t *testing.T) (cache, bin string) {
	t.Helper()
	bin = t.TempDir()
	t.Setenv("PATH", bin)
	return userCache(t), bin
}

// place writes an executable file of a few bytes.
func place(t *testing.T, path string, size int) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, make([]byte, size), 0o755))
	return path
}

func TestFindOrder(t *testing.T) {
	pinned := []release{
		{member: "x/" + binaryName(), size: 10, hyperd: "0.0.2"},
		{member: "y/" + binaryName(), size: 20, hyperd: "0.0.1"},
	}
	cache, bin := home(t)
	given := place(t, filepath.Join(t.TempDir(), "my-hyperd"), 1)
	folder := filepath.Dir(place(t, filepath.Join(t.TempDir(), binaryName()), 1))
	find := func(path string) string {
		found, err := find(path, pinned)
		require.NoError(t, err)
		return found
	}

	onPath := place(t, filepath.Join(bin, binaryName()), 1)
	assert.Equal(t, onPath, find(""))

	place(t, filepath.Join(cache, "9.9.9", binaryName()), 10)
	assert.Equal(t, onPath, find(""), "an installed version that is not pinned is not used")

	preferred := place(t, filepath.Join(cache, "0.0.2", binaryName()), 9)
	assert.Equal(t, onPath, find(""), "an installed one that is not whole is not used")

	second := place(t, filepath.Join(cache, "0.0.1", binaryName()), 20)
	assert.Equal(t, second, find(""))

	place(t, preferred, 10)
	assert.Equal(t, preferred, find(""))

	t.Setenv(pathVariable, given)
	assert.Equal(t, given, find(""))

	t.Setenv(pathVariable, folder)
	assert.Equal(t, filepath.Join(folder, binaryName()), find(""))

	assert.Equal(t, given, find(given))
	assert.Equal(t, filepath.Join(folder, binaryName()), find(folder))
}

func TestFindAnswersWithAnAbsolutePath(t *testing.T) {
	home(t)
	t.Chdir(t.TempDir())
	place(t, binaryName(), 1)
	for _, path := range []string{".", binaryName(), "./" + binaryName()} {
		found, err := Find(path)
		require.NoError(t, err)
		assert.True(t, filepath.IsAbs(found), found)
		assert.FileExists(t, found)
	}
}

func TestFindNamesTheSourceOfAWrongPath(t *testing.T) {
	_, bin := home(t)
	place(t, filepath.Join(bin, binaryName()), 1) // must not be taken instead
	empty := t.TempDir()
	plain := filepath.Join(t.TempDir(), "plain")
	require.NoError(t, os.WriteFile(plain, nil, 0o644))

	wrong := map[string]string{ // path, what the error says about it
		filepath.Join(empty, "missing"): filepath.Join(empty, "missing") + ": no such file",
		empty:                           filepath.Join(empty, binaryName()) + ": no such file",
	}
	if runtime.GOOS != "windows" {
		wrong[plain] = plain + " is not executable"
	}
	for path, want := range wrong {
		for source, find := range map[string]func() (string, error){
			"hyperd.path": func() (string, error) { t.Setenv(pathVariable, ""); return Find(path) },
			"HYPERD_PATH": func() (string, error) { t.Setenv(pathVariable, path); return Find("") },
		} {
			_, err := find()
			require.Error(t, err)
			assert.Contains(t, err.Error(), source+" leads to no hyperd: ")
			if runtime.GOOS != "windows" { // which words it in its own way
				assert.Contains(t, err.Error(), want)
			}
			assert.Contains(t, failure.Of(err, failure.Engine).Hint, "set "+source+" to the hyperd binary or its folder")
		}
	}
}

func TestFindSaysWhereItLooked(t *testing.T) {
	cache, _ := home(t)
	_, err := Find("")
	found := failure.Of(err, failure.Engine)
	require.NotNil(t, found)
	assert.Equal(t, failure.Hyperd, found.Kind)
	assert.Contains(t, found.Hint, "run `hyperlake hyperd install`")
	for _, place := range []string{"hyperd.path", "HYPERD_PATH", cache, "PATH"} {
		assert.Contains(t, found.Message, place)
	}
}

func TestVersion(t *testing.T) {
	path, err := Find("")
	require.NoError(t, err, "the tests need hyperd: run `hyperlake hyperd install`")
	version, err := Version(t.Context(), path)
	require.NoError(t, err)
	assert.Regexp(t, `^0\.0\.\d{5}$`, version)
	asked, err := askVersion(t.Context(), path)
	require.NoError(t, err)
	assert.Equal(t, asked, version, "what is known of it is what it says")
}

func TestVersionPattern(t *testing.T) {
	for text, want := range map[string]string{
		"Hyper version main.0.0.26963.r84171622\nMaximum supported database version 4\n": "0.0.26963",
		"Hyper version main.0.0.26359.r07abb490":                                         "0.0.26359",
		"Hyper version 2026.3.0.0.1.r0":                                                  "0.0.1",
	} {
		found := versionPattern.FindStringSubmatch(text)
		if assert.NotNil(t, found, text) {
			assert.Equal(t, want, found[1])
		}
	}
}

func TestVersionOfAnotherProgram(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	_, err = Version(t.Context(), self) // it does not know --version
	assert.ErrorContains(t, err, self+" --version")

	_, err = Version(t.Context(), filepath.Join(t.TempDir(), "missing"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}
