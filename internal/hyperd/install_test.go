//go:build unix

package hyperd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
)

const broken = "echo 'Traceback (most recent call last):' >&2; echo \"No module named 'pip'\" >&2; exit 1"

func TestInstallTriesOneToolAfterTheOther(t *testing.T) {
	const works, breaks = "works", "breaks"
	const fromPip, fromNpm = "tableauhyperapi 2 from pip", "hyperdb 1 from npm"
	tests := map[string]struct {
		tools map[string]string
		from  string
		by    string // the tool that was used
	}{
		"python3 comes first":           {map[string]string{"python3": works, "pip3": works, "pip": works, "python": works, "npm": works}, fromPip, "python3 -m pip download"},
		"pip3 is next":                  {map[string]string{"pip3": works, "pip": works, "python": works, "npm": works}, fromPip, "pip3 download"},
		"a python3 without pip":         {map[string]string{"python3": breaks, "pip": works, "npm": works}, fromPip, "pip download"},
		"only an unversioned python":    {map[string]string{"python": works, "npm": works}, fromPip, "python -m pip download"},
		"npm is last":                   {map[string]string{"npm": works}, fromNpm, "npm pack hyperdb@1"},
		"every pip is broken":           {map[string]string{"python3": breaks, "pip3": breaks, "pip": breaks, "python": breaks, "npm": works}, fromNpm, "npm pack hyperdb@1"},
		"a broken npm is no harm":       {map[string]string{"pip": works, "npm": breaks}, fromPip, "pip download"},
		"a file that is not executable": {map[string]string{"python3": "", "npm": works}, fromNpm, "npm pack hyperdb@1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			for tool, state := range test.tools {
				archive := s.wheel
				if tool == npm {
					archive = s.npm
				}
				switch state {
				case works:
					s.tool(t, tool, s.fetching(archive))
				case breaks:
					s.tool(t, tool, broken)
				default:
					require.NoError(t, os.WriteFile(filepath.Join(s.bin, tool), nil, 0o644))
				}
			}
			installed, err := s.install(t)
			require.Nil(t, err)
			assert.Equal(t, test.from, installed.From)
			assert.False(t, installed.AlreadyThere)
			assert.Equal(t, filepath.Join(s.cache, installed.Version, "hyperd"), installed.Path)
			assertBinary(t, installed.Path)
			text := map[string]string{fromPip: "LICENSE", fromNpm: "LICENSE-HYPERD"}[test.from]
			assertText(t, filepath.Join(filepath.Dir(installed.Path), text))

			calls, readErr := os.ReadFile(s.calls)
			require.NoError(t, readErr)
			assert.Equal(t, 1, strings.Count(string(calls), "\n"))
			assert.Contains(t, string(calls), s.bin+"/"+test.by)

			require.NoError(t, os.RemoveAll(s.bin)) // the second time needs no tool
			again, err := s.install(t)
			require.Nil(t, err)
			installed.AlreadyThere = true
			assert.Equal(t, installed, again)
		})
	}
}

func TestInstallTellsItsProgress(t *testing.T) {
	s := newShop(t)
	s.tool(t, "python3", broken)
	s.tool(t, "pip3", s.fetching(s.wheel))
	_, err := s.install(t)
	require.Nil(t, err)
	assert.Equal(t, []string{
		"fetching tableauhyperapi 2 with python3 -m pip",
		"python3 -m pip: exit status 1: Traceback (most recent call last):; No module named 'pip'",
		"fetching tableauhyperapi 2 with pip3",
		"unpacking hyperd 0.0.2",
	}, s.told)
}

func TestInstallWithoutTools(t *testing.T) {
	s := newShop(t)
	_, err := s.install(t)
	require.NotNil(t, err)
	assert.Equal(t, failure.Hyperd, err.Kind)
	assert.Equal(t, "install hyperd: neither pip nor npm was found on PATH", err.Message)
	assert.Contains(t, err.Hint, "`python3 -m pip download --no-deps --only-binary=:all: --platform linux --dest . tableauhyperapi==2`")
	assert.Contains(t, err.Hint, "`npm pack hyperdb@1 --pack-destination . --ignore-scripts`")
	assert.Contains(t, err.Hint, "set HYPERD_PATH to that file")
	s.assertNotInstalled(t)
}

func TestInstallWithBrokenTools(t *testing.T) {
	s := newShop(t)
	s.tool(t, "pip", broken)
	s.tool(t, "python", "exit 0") // but fetches nothing
	s.tool(t, "npm", "echo 'npm warn noise'; echo 'npm error code E404' >&2; echo; exit 3")
	_, err := s.install(t)
	require.NotNil(t, err)
	assert.Equal(t, failure.Hyperd, err.Kind)
	assert.Equal(t, "install hyperd: it could not be fetched: "+
		"pip: exit status 1: Traceback (most recent call last):; No module named 'pip' | "+
		"python -m pip: it left 0 files where one archive was expected | "+
		"npm: exit status 3: npm error code E404", err.Message)
	assert.Contains(t, err.Hint, "HYPERD_PATH")
	s.assertNotInstalled(t)
}

func TestInstallRefusesAnotherArchive(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"truncated":  func(data []byte) []byte { return data[:len(data)-1] },
		"one bit":    func(data []byte) []byte { data[1000] ^= 1; return data },
		"empty":      func([]byte) []byte { return nil },
		"other page": func([]byte) []byte { return []byte("<html>sign in</html>") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.tool(t, "pip", s.fetching(s.wheel))
			s.tool(t, "npm", s.fetching(s.npm)) // must not be asked: something is wrong
			require.NoError(t, os.WriteFile(s.wheel, change(wheel(t)), 0o600))
			_, err := s.install(t)
			require.NotNil(t, err)
			assert.Equal(t, fmt.Sprintf("install hyperd: tableauhyperapi 2 from pip has the checksum %s where %s was expected; nothing was installed",
				sum(t, s.wheel, "sha256:"), s.releases["here"][0].checksum), err.Message)
			assert.Contains(t, err.Hint, "check which package index pip uses")
			s.assertNotInstalled(t)
		})
	}
}

func TestInstallRefusesAPinThatDoesNotFitItsArchive(t *testing.T) {
	s := newShop(t)
	s.releases["here"][0].size--
	s.tool(t, "pip", s.fetching(s.wheel))
	_, err := s.install(t)
	require.NotNil(t, err)
	assert.Contains(t, err.Message, "install hyperd: unpack "+wheelMember)
	assert.Contains(t, err.Message, "expected size of 65535 bytes")
	s.assertNotInstalled(t)
}

func TestInstallRepairs(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"truncated":      func(path string) error { return os.Truncate(path, 10) },
		"not executable": func(path string) error { return os.Chmod(path, 0o644) },
		"removed":        os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.tool(t, "pip", s.fetching(s.wheel))
			installed, err := s.install(t)
			require.Nil(t, err)
			require.NoError(t, damage(installed.Path))

			repaired, err := s.install(t)
			require.Nil(t, err)
			assert.Equal(t, installed, repaired)
			assertBinary(t, repaired.Path)
		})
	}
}

// Installations of earlier versions have no texts. What runs need is there all the same.
func TestInstallAddsTextsThatAreMissing(t *testing.T) {
	s := newShop(t)
	s.tool(t, "pip", s.fetching(s.wheel))
	installed, err := s.install(t)
	require.Nil(t, err)
	text := filepath.Join(filepath.Dir(installed.Path), "LICENSE")
	require.NoError(t, os.Remove(text))
	before, statErr := os.Stat(installed.Path)
	require.NoError(t, statErr)
	_, found := installedIn(s.cache, s.releases["here"])
	assert.True(t, found, "a run needs no text")

	added, err := s.install(t)
	require.Nil(t, err)
	assert.Equal(t, installed, added)
	assertText(t, text)
	after, statErr := os.Stat(installed.Path)
	require.NoError(t, statErr)
	assert.True(t, os.SameFile(before, after), "the binary may be running: it stays")
}

func TestInstallRefusesAnArchiveWithoutItsTexts(t *testing.T) {
	s := newShop(t)
	s.releases["here"][0].texts = []string{"tableauhyperapi-2.dist-info/NOTICES.txt"}
	s.tool(t, "pip", s.fetching(s.wheel))
	_, err := s.install(t)
	require.NotNil(t, err)
	assert.Contains(t, err.Message, "install hyperd: unpack tableauhyperapi-2.dist-info/NOTICES.txt")
	s.assertNotInstalled(t)
}

func TestInstallWhereNothingCanBeWritten(t *testing.T) {
	s := newShop(t)
	s.cache = filepath.Join(s.wheel, "cache") // below a file
	_, installErr := s.installer.install(t.Context())
	err := failure.Of(installErr, failure.Engine)
	require.NotNil(t, err)
	assert.Equal(t, failure.Hyperd, err.Kind)
	assert.Contains(t, err.Hint, "XDG_CACHE_HOME")
}

func TestInstallOnAnUnsupportedPlatform(t *testing.T) {
	s := newShop(t)
	s.releases = releases
	s.platform = "linux/arm64"
	_, err := s.install(t)
	require.NotNil(t, err)
	assert.Equal(t, "install hyperd: Tableau publishes none for linux/arm64, only for darwin/arm64, linux/amd64, windows/amd64", err.Message)
	assert.NoDirExists(t, s.cache)
}

func TestLastLines(t *testing.T) {
	for output, want := range map[string]string{
		"":                 "",
		"\n \n":            "",
		"a\nb\n\nc\r\nd\n": "b; c; d",
		"npm warn x\nnpm WARN old x\nnpm error y\nnpm notice": "npm error y",
		strings.Repeat("é", 400):                              "…" + strings.Repeat("é", 250),
		"x" + strings.Repeat("é", 250):                        "…" + strings.Repeat("é", 250),
		strings.Repeat("é", 249) + "xyz":                      "…" + strings.Repeat("é", 248) + "xyz",
	} {
		assert.Equal(t, want, lastLines([]byte(output)))
	}
}
