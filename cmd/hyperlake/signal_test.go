//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
)

// longRun is a configuration that loads the sample lake many times over, for seconds.
func longRun(t *testing.T, folder string) string { return runOf(t, folder, 120) }

// runOf is a configuration that loads the sample lake into so many tables.
func runOf(t *testing.T, folder string, tables int) string {
	lake, err := filepath.Abs("../../testdata/lake/lineitem/*.parquet")
	require.NoError(t, err)
	var config strings.Builder
	config.WriteString("name: long\ntables:\n")
	for i := range tables {
		fmt.Fprintf(&config, "  - {name: t%d, source: {uri: %q}}\n", i, lake)
	}
	path := filepath.Join(folder, "long.yaml")
	require.NoError(t, os.WriteFile(path, []byte(config.String()), 0o644))
	return path
}

// start runs the program until it is loading, and returns it with the pid of its hyperd.
func start(t *testing.T, folder string, scratch string, flags ...string) (cmd *exec.Cmd, stderr *bytes.Buffer, hyperdPID int) {
	hyperdPath, err := hyperd.Find("")
	require.NoError(t, err, "the tests need hyperd: run `make hyperd` first")
	cmd = exec.Command(os.Args[0], append([]string{"generate", longRun(t, folder)}, flags...)...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), programVariable+"=1", "HYPERD_PATH="+hyperdPath, "TMPDIR="+scratch)
	stderr = &bytes.Buffer{}
	cmd.Stderr = stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })

	require.Eventually(t, func() bool {
		partials, _ := filepath.Glob(filepath.Join(folder, ".long.hyperlake-*", "partials", "*.hyper"))
		hyperdPID = childNamed(cmd.Process.Pid, "hyperdMain")
		return len(partials) > 0 && hyperdPID != 0
	}, time.Minute, 5*time.Millisecond, "it does not load anything")
	return cmd, stderr, hyperdPID
}

func folderIn(t *testing.T, parent string) string {
	folder, err := os.MkdirTemp(parent, "hl") // short, for the sockets
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

// childNamed finds a child process by its program's name; 0 if there is none.
func childNamed(parent int, name string) int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, _ := os.ReadFile(path) // pid (name) state parent …
		before, after, _ := strings.Cut(string(stat), " ("+name+") ")
		if fields := strings.Fields(after); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(before)
			return pid
		}
	}
	return 0
}

// requireNothingLeft checks that neither a process nor a file stays behind.
func requireNothingLeft(t *testing.T, folder, scratch string, hyperdPID int) {
	require.Eventually(t, func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", hyperdPID))
		return err != nil || strings.Contains(string(stat), ") Z ")
	}, time.Minute, 10*time.Millisecond, "hyperd lives on")
	for _, place := range []struct {
		folder string
		keeps  int
	}{{folder, 1}, {scratch, 0}} { // the configuration stays, and the state
		require.Eventually(t, func() bool {
			left, err := os.ReadDir(place.folder)
			left = slices.DeleteFunc(left, func(e os.DirEntry) bool { return strings.HasSuffix(e.Name(), ".hyperlake") })
			return err == nil && len(left) == place.keeps
		}, time.Minute, 10*time.Millisecond, "files stay in %s", place.folder)
	}
}

func TestSignalsLeaveNothingBehind(t *testing.T) {
	cases := []struct {
		signal syscall.Signal
		code   int
		says   string
	}{
		{syscall.SIGINT, 130, "hyperlake: interrupted by interrupt"},
		{syscall.SIGTERM, 143, "hyperlake: interrupted by terminated"},
		{syscall.SIGHUP, 129, "hyperlake: interrupted by hangup"},
		{syscall.SIGQUIT, 131, "hyperlake: interrupted by quit"},
		{syscall.SIGKILL, -1, ""},
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // else children would ignore them under nohup
	t.Cleanup(func() { signal.Stop(hangups) })
	for _, c := range cases {
		t.Run(c.signal.String(), func(t *testing.T) {
			folder := t.TempDir()
			scratch, err := os.MkdirTemp("", "hl")
			require.NoError(t, err)
			t.Cleanup(func() { _ = os.RemoveAll(scratch) })
			cmd, stderr, hyperdPID := start(t, folder, scratch)

			signalled := time.Now()
			require.NoError(t, cmd.Process.Signal(c.signal))
			require.Error(t, cmd.Wait())
			assert.Less(t, time.Since(signalled), time.Minute)
			assert.Equal(t, c.code, cmd.ProcessState.ExitCode(), stderr)
			if c.says != "" {
				lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
				assert.Contains(t, lines[len(lines)-1], c.says)
			}
			requireNothingLeft(t, folder, scratch, hyperdPID)
		})
	}
}

// However early a signal comes, nothing that was made stays.
func TestEarlySignalsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	scratch := folderIn(t, "")
	for i := range 60 {
		cmd := exec.Command(os.Args[0], "version")
		cmd.Env = append(os.Environ(), programVariable+"=1", "TMPDIR="+scratch)
		require.NoError(t, cmd.Start())
		for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Microsecond) {
			if found, err := os.ReadDir(scratch); err != nil || len(found) > 0 {
				break // this folder is what there is to leave behind
			}
		}
		_ = cmd.Process.Signal([]syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}[i%3])
		_ = cmd.Wait()
		left, err := os.ReadDir(scratch)
		require.NoError(t, err)
		require.Empty(t, left, "after %s", cmd.ProcessState)
	}
}
