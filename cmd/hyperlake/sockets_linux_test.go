package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// While a run lasts, whoever is not its user finds nothing that listens: no port, on whatever
// interface, no socket by name alone, and no socket in a folder that others may enter.
func TestNobodyElseReachesARun(t *testing.T) {
	scratch, err := os.MkdirTemp("", "hl")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(scratch) })
	cmd := exec.Command(os.Args[0], "generate", runOf(t, t.TempDir(), 4), "--set", "runner.parallelism=4")
	var output bytes.Buffer
	cmd.Env = append(os.Environ(), programVariable+"=1", "TMPDIR="+scratch)
	cmd.Stdout, cmd.Stderr = &output, &output
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	found, looks := map[string]bool{}, 0
	for over := false; !over; {
		select {
		case err := <-ended:
			require.NoError(t, err, output.String())
			over = true
		case <-time.After(10 * time.Millisecond):
			for _, socket := range listening(t, family(t, cmd.Process.Pid)) {
				found[socket] = true
			}
			if childNamed(cmd.Process.Pid, "hyperdMain") != 0 {
				looks++
			}
		}
	}
	assert.Greater(t, looks, 3, "the run was too short to be looked at")
	assert.NotEmpty(t, found, "hyperd listens somewhere")
	for socket := range found {
		assert.True(t, strings.HasPrefix(socket, scratch+"/"), "%s", socket)
	}
}

// family are the ids of a process and all that it started.
func family(t *testing.T, pid int) []int {
	pids := []int{pid}
	for i := 0; i < len(pids); i++ {
		children, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pids[i]))
		for _, path := range children {
			text, _ := os.ReadFile(path)
			for _, word := range strings.Fields(string(text)) {
				child, err := strconv.Atoi(word)
				require.NoError(t, err)
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// listening lists what processes listen at: ports, and the paths of sockets, with a word about
// their folder where others may enter it.
func listening(t *testing.T, pids []int) []string {
	var inodes, found []string
	for _, pid := range pids {
		fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, fd := range fds {
			target, _ := os.Readlink(fd)
			if inode, ok := strings.CutPrefix(target, "socket:["); ok {
				inodes = append(inodes, strings.TrimSuffix(inode, "]"))
			}
		}
	}
	for _, protocol := range []string{"tcp", "tcp6", "udp", "udp6"} {
		for _, f := range table(t, protocol) {
			if listens := f[3] == "0A" || strings.HasPrefix(protocol, "udp"); listens && slices.Contains(inodes, f[9]) {
				found = append(found, protocol+" "+f[1])
			}
		}
	}
	for _, f := range table(t, "unix") {
		if f[3] != "00010000" || !slices.Contains(inodes, f[6]) { // __SO_ACCEPTCON
			continue
		}
		socket := strings.Join(f[7:], " ")
		if folder, err := os.Stat(filepath.Dir(socket)); err == nil && folder.Mode().Perm()&0o077 != 0 {
			socket = "in an open folder: " + socket
		} else if err != nil && !os.IsNotExist(err) { // else hyperd has just ended
			socket = err.Error()
		}
		found = append(found, socket)
	}
	return found
}

// table are the lines of a table of the kernel's sockets.
func table(t *testing.T, protocol string) [][]string {
	data, err := os.ReadFile("/proc/net/" + protocol)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	var lines [][]string
	for line := range strings.Lines(string(data)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines[1:]
}
