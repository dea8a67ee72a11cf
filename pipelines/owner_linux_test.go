//go:build faults || stores

package pipelines_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
	"hyperlake/runners"
)

// In the process that is stopped or killed while it has the lock: its configuration, the stage at whose beginning it stops itself, and the
// id of its run.
const (
	ownerVariable = "HYPERLAKE_TEST_OWNER"
	stageVariable = "HYPERLAKE_TEST_STAGE"
	runVariable   = "HYPERLAKE_TEST_RUN"
)

// shortLease is what all runs of these tests take a lease for.
var shortLease = storage.LeaseTerms{Expiry: 4 * time.Second, Renewal: 300 * time.Millisecond}

// TestMainOwner is that process. It says on stdout how its run ended.
func TestMainOwner(t *testing.T) {
	path := os.Getenv(ownerVariable)
	if path == "" {
		return // it is the other one
	}
	cfg, err := config.Load(path, config.LoadOptions{})
	require.NoError(t, err)
	runner, err := runners.New(runners.Options{Name: "direct", JobName: "owner"})
	require.NoError(t, err)
	stop := sync.OnceFunc(func() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) })
	record, _ := pipelines.Run(t.Context(), cfg, pipelines.RunOptions{
		ID: os.Getenv(runVariable), Engine: runner, Log: slog.New(slog.DiscardHandler), Lock: refresh.LockOptions{Lease: shortLease},
		Progress: func(p report.Progress) {
			if p.Stage == os.Getenv(stageVariable) {
				stop()
			}
		},
	})
	text, err := json.Marshal(record)
	require.NoError(t, err)
	fmt.Printf("\nREPORT %s\n", text)
}

// owner is a run in a process of its own.
type owner struct {
	cmd *exec.Cmd
	out io.Reader
}

// firstRun is the id of a run where there are not several.
const firstRun = "20260101T000000Z-00000001"

// startOwner starts the run of the configuration in a folder, that stops at the beginning of a stage, or not by itself.
func startOwner(t *testing.T, folder, stage, run string) *owner {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestMainOwner$", "-test.v")
	cmd.Env = append(os.Environ(), ownerVariable+"="+filepath.Join(folder, "config.yaml"), stageVariable+"="+stage, runVariable+"="+run)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &owner{cmd, out}
}

// waitUntilStopped waits until the process is stopped.
func (o *owner) waitUntilStopped(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", o.cmd.Process.Pid))
		_, state, found := strings.Cut(string(stat), ") ")
		return err == nil && found && strings.HasPrefix(state, "T")
	}, 60*time.Second, 10*time.Millisecond, "it never came to that moment")
}

// goOn has the process go on, and returns the report of its run.
func (o *owner) goOn(t *testing.T) *report.Report {
	t.Helper()
	require.NoError(t, o.cmd.Process.Signal(syscall.SIGCONT))
	var record *report.Report
	lines := bufio.NewScanner(o.out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if text, found := strings.CutPrefix(lines.Text(), "REPORT "); found {
			require.NoError(t, json.Unmarshal([]byte(text), &record))
		}
	}
	require.NotNil(t, record, "it said nothing of its run")
	return record
}
