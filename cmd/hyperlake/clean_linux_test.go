package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A process that is killed together with its guard leaves all that it had, as when a machine
// loses its power. As long as it lives, clean leaves that alone, however old it looks.
func TestCleanRemovesWhatAKilledRunLeft(t *testing.T) {
	folder, spool := t.TempDir(), t.TempDir()
	scratch, err := os.MkdirTemp("", "hl")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(scratch) })
	run, _, hyperdPID := start(t, folder, scratch, "--set", "spool.path="+spool)
	guard := childNamed(run.Process.Pid, filepath.Base(os.Args[0]))
	require.NotZero(t, guard, "its guard is not found")
	all := []int{guard, run.Process.Pid, hyperdPID}
	for _, pid := range all { // what is written to is not old
		require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	}
	t.Cleanup(func() {
		for _, pid := range all {
			if t.Failed() { // else they are gone
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	})
	clean := func() string {
		for _, place := range []string{folder, scratch, spool} {
			require.NoError(t, makeOld(place)) // again: what was written in memory may get its time late
		}
		cmd := program(t, folder, []string{"TMPDIR=" + scratch}, "clean", "long.yaml", "--set", "spool.path="+spool)
		stdout, err := cmd.Output()
		require.NoError(t, err)
		return string(stdout)
	}
	const hidden, temporary = `/\.long\.hyperlake-[0-9TZa-f-]+`, `/hyperlake-(spool-)?[0-9]+`
	said := clean()
	for _, path := range []string{folder + hidden, scratch + temporary, spool + temporary} {
		assert.Regexp(t, `kept: alive +│ `+path, said)
	}

	for _, pid := range all {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	require.Error(t, run.Wait())
	said = clean()
	for _, path := range []string{folder + hidden, scratch + temporary, spool + temporary} {
		assert.Regexp(t, `│ 2 days │ .*│ removed +│ `+path, said)
	}
	requireNothingLeft(t, folder, scratch, hyperdPID)
	left, err := os.ReadDir(spool)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// Boot leaves a copy of the program for every worker, and a worker that is killed before it
// has a guard cannot have it removed.
func TestCleanRemovesTheProgramOfAKilledWorker(t *testing.T) {
	folder, err := os.MkdirTemp("/tmp", "bin")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	content, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	path := filepath.Join(folder, "worker")
	require.NoError(t, os.WriteFile(path, content, 0o755))
	engine, err := net.Listen("tcp", "localhost:0") // which never answers
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	worker := exec.Command(path, "--worker", "--id=1", "--logging_endpoint="+engine.Addr().String(), "--control_endpoint="+engine.Addr().String())
	worker.Env = append(os.Environ(), programVariable+"=1")
	require.NoError(t, worker.Start())
	guard := 0
	require.Eventually(t, func() bool { guard = childNamed(worker.Process.Pid, "worker"); return guard != 0 }, time.Minute, 5*time.Millisecond)
	require.NoError(t, makeOld(folder))
	clean := func() string {
		stdout, err := program(t, t.TempDir(), nil, "clean").Output()
		require.NoError(t, err)
		return string(stdout)
	}
	assert.Regexp(t, `│ 2 days │ +1 │ .*│ kept: alive +│ `+folder+`\n`, clean())

	for _, pid := range []int{guard, worker.Process.Pid} {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	require.Error(t, worker.Wait())
	require.DirExists(t, folder)
	assert.Regexp(t, `│ 2 days │ +1 │ .*│ removed +│ `+folder+`\n`, clean())
	assert.NoDirExists(t, folder)
}
