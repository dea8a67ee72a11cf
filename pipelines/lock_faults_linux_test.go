//go:build faults

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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/refresh"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/runtest"
	"hyperlake/runners"
	"hyperlake/sinks/tableau/tableautest"
)

// In the process that is stopped or killed while it has the lock: its configuration, and the stage at whose beginning it stops itself.
const (
	ownerVariable = "HYPERLAKE_TEST_OWNER"
	stageVariable = "HYPERLAKE_TEST_STAGE"
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
		ID: "20260101T000000Z-00000001", Engine: runner, Log: slog.New(slog.DiscardHandler), Lock: refresh.LockOptions{Lease: shortLease},
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

// startOwner starts the run of the configuration in a folder, that stops at the beginning of a stage, or not by itself.
func startOwner(t *testing.T, folder, stage string) *owner {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestMainOwner$", "-test.v")
	cmd.Env = append(os.Environ(), ownerVariable+"="+filepath.Join(folder, "config.yaml"), stageVariable+"="+stage)
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

// itemsTo is a configuration in a new folder that publishes a lake of items, with rejects, to a place.
func itemsTo(t *testing.T, place string, items ...string) (cfg *config.Config, folder string) {
	t.Helper()
	folder = t.TempDir()
	runtest.WriteTable(t, filepath.Join(folder, "lake", "items.parquet"), "["+strings.Join(items, ",")+"]",
		runtest.Field("id", runtest.Int64Type), runtest.Field("name", runtest.TextType))
	return runtest.Configure(t, folder, "name: items\noutput: {path: "+place+"/items.hyper}\ntables:\n  - source: {uri: lake/*.parquet}\n"+
		"    rules: [{column: id, min: 0}]\n    rejects: {path: "+place+"/bad}\n"+
		"publish: {project: Sales/Nightly, datasource: Items, allow_http: true, mode: overwrite}\n"), folder
}

// visible is all that a run leaves for others: every object but the ledgers, and the rows of the data source.
func visible(t *testing.T, s *runtest.Shop, place string) (found []string) {
	t.Helper()
	for _, name := range filesAt(t, place) {
		if !strings.HasPrefix(name, "items.hyperlake/") {
			info, err := storage.Stat(t.Context(), place+"/"+name)
			require.NoError(t, err)
			found = append(found, fmt.Sprintf("%s %s", name, info.Version))
		}
	}
	return append(found, s.Rows()...)
}

// An owner that is stopped for longer than its lease, and comes back when another run has done its work, writes neither the output nor
// rejects nor the data source, wherever it was.
func TestAnOwnerThatComesBack(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	for name, c := range map[string]struct {
		stage, request string
		skip           int // requests of that kind before it
	}{
		"as it plans":                   {stage: "plan"},
		"as it loads":                   {stage: "load"},
		"as it checks":                  {stage: "check"},
		"as it moves":                   {stage: "move"},
		"as it publishes":               {stage: "publish"},
		"while it sends the extract":    {request: "/items.hyper"},
		"while it sends the rejects":    {request: "/bad/"},
		"while it renews its own lease": {request: ".items.hyper.lock", skip: 1},
	} {
		t.Run(name, func(t *testing.T) {
			bucket, faults := storagetest.FakeGCS(t)
			place := bucket + "/out"
			_, folder := itemsTo(t, place, runtest.Item(1, "first"), runtest.Item(-1, "bad"))
			second, _ := itemsTo(t, place, runtest.Item(2, "second"), runtest.Item(-2, "bad"), runtest.Item(-3, "bad"))
			o := &owner{}
			if c.request != "" { // which fails when it is stopped, so that it would be sent again
				started := make(chan struct{})
				faults.Inject(storagetest.Fault{On: storagetest.Write, Name: c.request, Skip: c.skip, Times: 1, Status: 503, Before: func() {
					<-started
					assert.NoError(t, o.cmd.Process.Signal(syscall.SIGSTOP))
				}})
				o = startOwner(t, folder, c.stage)
				close(started)
			} else {
				o = startOwner(t, folder, c.stage)
			}
			o.waitUntilStopped(t)
			record, err := runLocked(t, second, refresh.LockOptions{Lease: shortLease}, nil)
			requireLocked(t, record, err) // it is not known to be dead yet
			_, err = runLocked(t, second, refresh.LockOptions{Lease: shortLease, Wait: time.Minute}, nil)
			require.NoError(t, err)
			before := visible(t, s, place)

			record = o.goOn(t)
			assert.Equal(t, before, visible(t, s, place))
			require.NotNil(t, record.Error, "it takes its run for good")
			assert.Contains(t, record.Error.Message, storage.ErrLeaseLost.Error())
			assert.Equal(t, []string{"2|second"}, s.Rows())
			assert.Equal(t, []string{"2|second"}, runtest.RowsIn(t, runtest.Fetched(t, place+"/items.hyper"), runtest.ExtractRows))
			assert.Len(t, runtest.RejectRows(t, place+"/bad"), 2)
			want := failure.Storage
			if record.Output.SHA256 != "" { // its extract was in place before it was stopped
				want = failure.Publish
			}
			assert.Equal(t, want, record.Error.Kind)
		})
	}
}

// The lock of a killed owner is free at once where the system keeps it, and when it has expired elsewhere.
func TestAKilledOwner(t *testing.T) {
	runtest.OpenShop(t, tableautest.Config{})
	for name, place := range lockPlaces(t) {
		t.Run(name, func(t *testing.T) {
			_, folder := itemsTo(t, place, runtest.Item(1, "first"))
			second, _ := itemsTo(t, place, runtest.Item(2, "second"))
			o := startOwner(t, folder, "move")
			o.waitUntilStopped(t)
			record, err := runLocked(t, second, refresh.LockOptions{Lease: shortLease}, nil)
			requireLocked(t, record, err)
			assert.Contains(t, record.Error.Message, "run 20260101T000000Z-00000001")
			require.NoError(t, o.cmd.Process.Kill())
			_ = o.cmd.Wait()

			wait := time.Duration(0)
			if !storage.IsLocal(place) {
				record, err := runLocked(t, second, refresh.LockOptions{Lease: shortLease}, nil)
				requireLocked(t, record, err)
				wait = time.Minute
			}
			_, err = runLocked(t, second, refresh.LockOptions{Lease: shortLease, Wait: wait}, nil)
			require.NoError(t, err)
			assert.Equal(t, []string{"2|second"}, runtest.RowsIn(t, runtest.Fetched(t, place+"/items.hyper"), runtest.ExtractRows))
			assert.NotContains(t, filesAt(t, place), ".items.hyper.lock")
		})
	}
}

// Where the system keeps the lock, a stopped owner keeps it however long it is stopped, and goes on when it comes back.
func TestAStoppedLocalOwnerKeepsItsLock(t *testing.T) {
	s := runtest.OpenShop(t, tableautest.Config{})
	place := filepath.Join(t.TempDir(), "out")
	_, folder := itemsTo(t, place, runtest.Item(1, "first"))
	second, _ := itemsTo(t, place, runtest.Item(2, "second"))
	o := startOwner(t, folder, "move")
	o.waitUntilStopped(t)
	record, err := runLocked(t, second, refresh.LockOptions{Wait: 2 * time.Second}, nil)
	requireLocked(t, record, err)
	record = o.goOn(t)
	assert.Equal(t, report.Succeeded, record.Status, record.Error)
	assert.Equal(t, []string{"1|first"}, s.Rows())
}
