//go:build unix

package machine_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/machine"
)

// workerVariable makes the test binary play a worker.
const workerVariable = "MACHINE_TEST_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) != "" {
		os.Exit(work())
	}
	os.Exit(m.Run())
}

// work takes a seat, says how many workers there are, and waits for its input to end.
func work() int {
	seat, err := machine.TakeSeat()
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error())
		return 1
	}
	_, _ = os.Stdout.WriteString(strconv.Itoa(machine.Workers()) + "\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
	seat.Leave()
	return 0
}

// worker is a process that plays a worker.
type worker struct {
	*exec.Cmd
	stdin  io.Closer
	counts int // as it was told
}

// startWorkers starts so many at the same time, and returns when they have counted.
func startWorkers(t *testing.T, n int) []*worker {
	workers := make([]*worker, n)
	var group sync.WaitGroup
	for i := range workers {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), workerVariable+"=1")
		cmd.Stderr = os.Stderr
		stdin, err := cmd.StdinPipe()
		require.NoError(t, err)
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		workers[i] = &worker{Cmd: cmd, stdin: stdin}
		group.Go(func() {
			line, err := bufio.NewReader(stdout).ReadString('\n')
			assert.NoError(t, err)
			workers[i].counts, err = strconv.Atoi(strings.TrimSpace(line))
			assert.NoError(t, err)
		})
	}
	group.Wait()
	return workers
}

func TestWorkersOfAMachineCountEachOther(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	assert.Equal(t, 1, machine.Workers(), "this process has no seat")
	together := startWorkers(t, 5)
	for _, w := range together {
		assert.Equal(t, 5, w.counts)
	}
	assert.Equal(t, 1, machine.Workers(), "nor does it count others then")

	require.NoError(t, together[0].Process.Kill())
	require.Error(t, together[0].Wait())
	require.NoError(t, together[1].stdin.Close())
	require.NoError(t, together[1].Wait())
	assert.Equal(t, 4, startWorkers(t, 1)[0].counts, "one was killed, one left, one came")

	folder, err := machine.Folder()
	require.NoError(t, err)
	seats, err := os.ReadDir(filepath.Join(folder, "workers"))
	require.NoError(t, err)
	assert.Len(t, seats, 4, "the seat of the dead is gone")
}

func TestTheFolderIsClosedToOthers(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	folder, err := machine.Folder()
	require.NoError(t, err)
	again, err := machine.Folder()
	require.NoError(t, err)
	assert.Equal(t, folder, again)

	require.NoError(t, os.Chmod(folder, 0o777))
	_, err = machine.Folder()
	require.ErrorContains(t, err, "only this user")

	require.NoError(t, os.Remove(folder))
	require.NoError(t, os.Symlink(t.TempDir(), folder))
	_, err = machine.Folder()
	require.ErrorContains(t, err, "only this user")
	_, err = machine.TakeSeat()
	require.ErrorContains(t, err, "take a seat")
}
