package scratch_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/scratch"
)

// copyProgram copies a program to a new folder.
func copyProgram(t *testing.T, program, folder, name string) string {
	t.Helper()
	require.NoError(t, os.Mkdir(folder, 0o700))
	content, err := os.ReadFile(program)
	require.NoError(t, err)
	path := filepath.Join(folder, name)
	require.NoError(t, os.WriteFile(path, content, 0o755))
	return path
}

func TestFindBootPassesOverWhatIsNotOurs(t *testing.T) {
	parent := t.TempDir()
	in := func(name string) string { return filepath.Join(parent, name) }
	self, err := os.Executable()
	require.NoError(t, err)
	copyProgram(t, self, in("bin123"), "worker")
	copyProgram(t, self, in("bin124"), "other")          // another name
	copyProgram(t, self, in("binaries"), "worker")       // likewise
	copyProgram(t, "/bin/sleep", in("bin125"), "worker") // another program
	copyProgram(t, self, in("bin126"), "worker")         // with something else
	require.NoError(t, os.WriteFile(in("bin126/notes"), nil, 0o600))
	require.NoError(t, os.Symlink(in("bin123"), in("bin127")))
	require.NoError(t, os.Mkdir(in("bin128"), 0o700))
	require.NoError(t, os.Symlink(self, in("bin128/worker")))
	copyProgram(t, self, in("bin129"), "worker") // of another user, where we may make it one
	var want = []string{in("bin123")}
	if os.Chown(in("bin129"), 65534, 65534) != nil {
		want = append(want, in("bin129"))
	}

	found, err := scratch.FindBoot(parent)
	require.NoError(t, err)
	assert.Equal(t, want, found)
	found, err = scratch.FindBoot(in("missing"))
	require.NoError(t, err)
	assert.Empty(t, found)
}

func TestRuns(t *testing.T) {
	program := copyProgram(t, "/bin/sleep", filepath.Join(t.TempDir(), "bin1"), "worker")
	runs, err := scratch.Runs(program)
	require.NoError(t, err)
	assert.False(t, runs)

	worker := exec.Command(program, "600")
	require.NoError(t, worker.Start())
	runs, err = scratch.Runs(program)
	require.NoError(t, err)
	assert.True(t, runs)

	require.NoError(t, worker.Process.Kill())
	_ = worker.Wait()
	runs, err = scratch.Runs(program)
	require.NoError(t, err)
	assert.False(t, runs)
}

func TestBootFolder(t *testing.T) {
	t.Parallel()
	folder, ok := scratch.BootFolder("/tmp/bin3060636237/worker")
	assert.True(t, ok)
	assert.Equal(t, "/tmp/bin3060636237", folder)
	for _, other := range []string{"/tmp/worker", "/opt/bin1/worker", "/tmp/bin1/hyperlake", "/tmp/bin/worker", "/tmp/bin1/x/worker"} {
		_, ok := scratch.BootFolder(other)
		assert.False(t, ok, other)
	}
}
