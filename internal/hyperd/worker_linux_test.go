package hyperd_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/guard"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
	"hyperlake/internal/machine"
)

// sharerVariable makes the test binary play a worker that shares a machine.
const sharerVariable = "HYPERD_TEST_SHARER"

func init() {
	if os.Getenv(sharerVariable) != "" {
		guard.Main()
		os.Exit(share())
	}
}

// share takes a seat, and for every line of its input a lease; it prints the memory limit
// that the hyperd was started with.
func share() int {
	seat, err := machine.TakeSeat()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer seat.Leave()
	defer hyperd.Shutdown()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		lease, err := hyperd.Acquire(context.Background(), hyperd.Config{})
		if err != nil {
			fmt.Println(err)
			return 1
		}
		command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", lease.PID()))
		_, after, _ := strings.Cut(string(command), "--memory-limit=")
		limit, _, _ := strings.Cut(after, "\x00")
		fmt.Println(limit, err)
		lease.Release()
	}
	return 0
}

// sharer is such a worker.
type sharer struct {
	in  io.WriteCloser
	out *bufio.Reader
}

func newSharer(t *testing.T) sharer {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), sharerVariable+"=1")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		assert.NoError(t, cmd.Wait())
	})
	return sharer{in, bufio.NewReader(out)}
}

func (s sharer) ask(t *testing.T) {
	_, err := fmt.Fprintln(s.in)
	require.NoError(t, err)
}

func (s sharer) limit(t *testing.T) string {
	line, err := s.out.ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSuffix(line, " <nil>\n")
}

// Workers that start together get equal parts from the start; others get theirs when they
// come, and the first ones when they take the next lease.
func TestWorkersOfAMachineShareItsMemory(t *testing.T) {
	t.Setenv("TMPDIR", shortFolder(t))
	first := []sharer{newSharer(t), newSharer(t)}
	for _, s := range first {
		s.ask(t)
	}
	for _, s := range first {
		assert.Equal(t, hyperd.MemoryLimit(2), s.limit(t))
	}
	late := newSharer(t)
	for _, s := range append(first, late) {
		s.ask(t)
	}
	assert.Equal(t, hyperd.MemoryLimit(3), late.limit(t))
	for _, s := range first {
		assert.Contains(t, []string{hyperd.MemoryLimit(2), hyperd.MemoryLimit(3)}, s.limit(t), "whether the late one has its seat yet")
		s.ask(t)
		assert.Equal(t, hyperd.MemoryLimit(3), s.limit(t))
	}
}

// The driver's own hyperd is staged, and a worker that has none runs a copy of it.
func TestTheStagedHyperdRuns(t *testing.T) {
	found, err := hyperd.Find("")
	require.NoError(t, err, "the tests need hyperd: run `make hyperd` first")
	t.Setenv("TMPDIR", shortFolder(t))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HYPERD_PATH", "")
	staged, err := hyperd.Stage(t.Context(), found, t.TempDir(), func(string) {})
	require.NoError(t, err)
	assert.Regexp(t, `^\d+\.\d+\.\d+$`, staged.Version)

	manager := hyperd.NewManager(time.Minute)
	lease, err := manager.Acquire(t.Context(), hyperd.Config{Path: "/of/the/driver", Staged: staged})
	require.NoError(t, err)
	defer manager.Shutdown()
	program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", lease.PID()))
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(os.Getenv("XDG_CACHE_HOME"), "hyperlake", "hyperd", staged.Version+"-"+staged.SHA256, "hyperd"), program)
	one, err := hyperdtest.Connect(t, lease).QueryValue(t.Context(), "SELECT 1")
	require.NoError(t, err)
	assert.Equal(t, "1", one)
}
