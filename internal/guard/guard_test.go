//go:build unix

package guard_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/guard"
)

// guardedVariable makes the test binary play the guarded process.
const guardedVariable = "GUARD_TEST_FOLDER"

func TestMain(m *testing.M) {
	guard.Main()
	if folder := os.Getenv(guardedVariable); folder != "" {
		guarded(folder)
	}
	os.Exit(m.Run())
}

// guarded registers a folder to be removed, one that is forgotten again, and a child
// that would outlive it; it prints the child's pid and waits to be killed.
func guarded(folder string) {
	guard.RemoveAtDeath(filepath.Join(folder, "removed"))
	guard.RemoveAtDeath(filepath.Join(folder, "kept"))()
	guard.UnlockAtDeath(filepath.Join(folder, "free"))
	guard.UnlockAtDeath(filepath.Join(folder, "taken"))
	child := exec.Command("sleep", "600")
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := child.Start(); err != nil {
		os.Exit(1)
	}
	guard.KillAtDeath(child.Process.Pid)
	fmt.Println(child.Process.Pid)
	time.Sleep(time.Hour)
}

func TestAKilledProcessLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"removed", "kept"} {
		require.NoError(t, os.MkdirAll(filepath.Join(folder, name, "deep"), 0o700))
	}
	taken := flock.New(filepath.Join(folder, "taken")) // by another process, as soon as the first one is dead
	locked, err := taken.TryLock()
	require.NoError(t, err)
	require.True(t, locked)
	defer taken.Close()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "free"), nil, 0o600))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), guardedVariable+"="+folder)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	child, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err)

	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())

	assert.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(folder, "removed"))
		return os.IsNotExist(err)
	}, time.Minute, 10*time.Millisecond, "the registered folder stays")
	assert.Eventually(t, func() bool { return gone(child) }, time.Minute, 10*time.Millisecond, "the child lives on")
	assert.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(folder, "free"))
		return os.IsNotExist(err)
	}, time.Minute, 10*time.Millisecond, "the file of the lock that nobody has stays")
	assert.DirExists(t, filepath.Join(folder, "kept", "deep"))
	assert.FileExists(t, filepath.Join(folder, "taken"))
}

// Neither the environment nor the arguments alone make a guard, which removes what it is told to.
func TestNobodyElseIsTakenForAGuard(t *testing.T) {
	const token = "0123456789abcdef0123456789abcdef"
	for name, test := range map[string]struct {
		args        []string
		environment string
		first       string
	}{
		"environment":       {[]string{"program", "-test.run=^$"}, "HYPERLAKE_GUARD=1", ""},
		"environment, name": {[]string{"hyperlake-guard", "-test.run=^$"}, "HYPERLAKE_GUARD=1", ""},
		"no token":          {[]string{"hyperlake-guard", token}, "", ""},
		"another token":     {[]string{"hyperlake-guard", token}, "", "1123456789abcdef0123456789abcdef\n"},
		"no guard's name":   {[]string{"program", "-test.run=^$", token}, "", token + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "precious")
			require.NoError(t, os.WriteFile(path, nil, 0o600))
			cmd := exec.Command(os.Args[0])
			cmd.Args = test.args
			cmd.Env = append(os.Environ(), test.environment)
			in, err := cmd.StdinPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			_, _ = fmt.Fprintf(in, "%s+path %q\n", test.first, path)
			require.NoError(t, in.Close())
			require.NoError(t, cmd.Wait())
			assert.FileExists(t, path)
		})
	}
}

// gone says whether a process ended; one that nobody reaped yet counts as ended.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}
