//go:build unix

package hyperd

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
)

// testInstaller installs one of two small releases, both holding the binary of the tests.
func testInstaller(cache, wheelSum, npmSum string) installer {
	size := int64(len(binary))
	return installer{
		cache:    cache,
		platform: "here",
		progress: func(string) {},
		releases: map[string][]release{"here": {
			{tool: pip, name: "tableauhyperapi", version: "2", tag: "linux", checksum: wheelSum, member: wheelMember, size: size, hyperd: "0.0.2",
				texts: []string{wheelText}},
			{tool: npm, name: "hyperdb", version: "1", checksum: npmSum, member: npmMember, size: size, hyperd: "0.0.1", texts: []string{npmText}},
		}},
	}
}

// shop is a machine with an empty cache, the archives of two releases, and whatever
// tools a test puts on its PATH.
type shop struct {
	installer
	bin          string
	wheel, npm   string // the archives
	calls        string // every working tool adds a line to this file
	progressLock sync.Mutex
	told         []string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	cache, bin := home(t)
	folder := t.TempDir()
	s := &shop{
		bin:   bin,
		wheel: filepath.Join(folder, "tableauhyperapi-2-py3-none-linux.whl"),
		npm:   filepath.Join(folder, "hyperdb-1.tgz"),
		calls: filepath.Join(folder, "calls"),
	}
	require.NoError(t, os.WriteFile(s.wheel, wheel(t), 0o600))
	require.NoError(t, os.WriteFile(s.npm, npmPackage(t), 0o600))
	s.installer = testInstaller(cache, sum(t, s.wheel, "sha256:"), sum(t, s.npm, "sha512-"))
	s.progress = func(message string) {
		s.progressLock.Lock()
		defer s.progressLock.Unlock()
		s.told = append(s.told, message)
	}
	return s
}

func sum(t *testing.T, path, like string) string {
	t.Helper()
	sum, err := checksum(t.Context(), path, like)
	require.NoError(t, err)
	return sum
}

// tool puts a program on the shop's PATH.
func (s *shop) tool(t *testing.T, name, script string) {
	t.Helper()
	script = "#!/bin/sh\nPATH=/usr/bin:/bin\n" + script + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(s.bin, name), []byte(script), 0o755))
}

// fetching is a script that does what pip and npm do: it copies an archive to the folder
// that its arguments name, among remarks and temporary files.
func (s *shop) fetching(archive string) string {
	return fmt.Sprintf(`echo "$0 $*" >>'%s'
touch "$TMPDIR/leftover" "$npm_config_cache/leftover"
while [ $# -gt 0 ]; do
	case "$1" in --dest|--pack-destination) folder=$2 ;; esac
	shift
done
cp '%s' "$folder/"
echo 'npm warn noise'`, s.calls, archive)
}

func (s *shop) install(t *testing.T) (Installed, *failure.Error) {
	t.Helper()
	installed, err := s.installer.install(t.Context())
	s.assertNothingLeft(t)
	return installed, failure.Of(err, failure.Engine)
}

// assertNothingLeft sees to it that the cache holds no temporary file.
func (s *shop) assertNothingLeft(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(s.cache)
	if os.IsNotExist(err) {
		return
	}
	require.NoError(t, err)
	for _, entry := range entries {
		assert.Contains(t, []string{"install.lock", "0.0.1", "0.0.2"}, entry.Name())
	}
}

func (s *shop) assertNotInstalled(t *testing.T) {
	t.Helper()
	installed, err := filepath.Glob(filepath.Join(s.cache, "*", "*"))
	require.NoError(t, err)
	assert.Empty(t, installed)
}
