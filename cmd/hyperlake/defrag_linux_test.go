package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/hyperd/hyperdtest"
)

// largeHyper makes a .hyper file that takes seconds to defragment.
func largeHyper(t *testing.T, path string) {
	conn := hyperdtest.Connect(t, hyperdtest.Acquire(t))
	for _, statement := range []string{
		"CREATE DATABASE " + hyperd.QuoteName(path),
		"ATTACH DATABASE " + hyperd.QuoteName(path) + " AS large",
		"CREATE TABLE large.public.t AS SELECT n, md5(CAST(n AS TEXT)) AS t FROM generate_series(1, 2000000) AS s(n)",
		"DETACH DATABASE large",
	} {
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}

func TestSignalsToDefragLeaveNothingBehind(t *testing.T) {
	hyperdPath, err := hyperd.Find("")
	require.NoError(t, err)
	folder := t.TempDir()
	largeHyper(t, filepath.Join(folder, "large.hyper"))
	for signal, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGKILL: -1} {
		t.Run(signal.String(), func(t *testing.T) {
			scratch, err := os.MkdirTemp("", "hl")
			require.NoError(t, err)
			t.Cleanup(func() { _ = os.RemoveAll(scratch) })
			cmd := exec.Command(os.Args[0], "defrag", "large.hyper")
			cmd.Dir = folder
			cmd.Env = append(os.Environ(), programVariable+"=1", "HYPERD_PATH="+hyperdPath, "TMPDIR="+scratch)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { _ = cmd.Process.Kill() })
			hyperdPID := 0
			require.Eventually(t, func() bool {
				begun, _ := filepath.Glob(filepath.Join(folder, ".large.new.hyperlake-*", "new.hyper"))
				hyperdPID = childNamed(cmd.Process.Pid, "hyperdMain")
				return len(begun) > 0 && hyperdPID != 0
			}, time.Minute, 2*time.Millisecond, "it does not write anything")

			require.NoError(t, cmd.Process.Signal(signal))
			require.Error(t, cmd.Wait())

			assert.Equal(t, code, cmd.ProcessState.ExitCode(), stderr.String())
			requireNothingLeft(t, folder, scratch, hyperdPID)
		})
	}
}
