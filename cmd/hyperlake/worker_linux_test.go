//go:build faults

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime"
	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
	"hyperlake/pipelines/config"
	"hyperlake/pipelines/report"
	"hyperlake/pipelines/staging"
	"hyperlake/runners/prismtest"
)

func init() { isolate = prismtest.Isolate }

// wrapper starts boot as a cluster would: %[1]s is its folder, %[2]s the
// environment, %[3]s the variable that makes this file the program. Prism
// puts quotes around the id, which the shell has to take away.
const wrapper = `#!/bin/sh
export %[3]s=1 TMPDIR=%[1]s/tmp XDG_CACHE_HOME=%[1]s/cache %[2]s
cd %[1]s/work || exit 1
echo $$ >%[1]s/boot.pid
for arg; do
	shift
	set -- "$@" "$(echo "$arg" | tr -d "'")"
done
exec %[1]s/boot --semi_persist_dir=%[1]s/work "$@"
`

// workerRun is a run whose worker is a process of its own, started by Beam's boot program.
type workerRun struct {
	folder string // of the worker's machine: tmp, cache, work
	spool  string

	prism prismtest.Server

	driver               *exec.Cmd
	stderr               *bytes.Buffer
	boot, worker, hyperd int    // pids
	program              string // of the worker
}

// newWorkerRun prepares the machine of a worker with that environment.
func newWorkerRun(t *testing.T, environment string) *workerRun {
	r := &workerRun{folder: folderIn(t, os.TempDir()), spool: folderIn(t, "/dev/shm")}
	for _, name := range []string{"tmp", "cache", "work", "driver"} {
		require.NoError(t, os.Mkdir(filepath.Join(r.folder, name), 0o755))
	}
	require.NoError(t, os.WriteFile(r.command(), fmt.Appendf(nil, wrapper, r.folder, environment, programVariable), 0o755))
	require.NoError(t, os.Symlink(prismtest.Boot(), filepath.Join(r.folder, "boot")))
	r.prism = prismtest.Start(t)
	return r
}

func (r *workerRun) command() string { return filepath.Join(r.folder, "worker.sh") }

func (r *workerRun) output() string { return filepath.Join(r.folder, "out.hyper") }

// start begins a run of a configuration, with more arguments.
func (r *workerRun) start(t *testing.T, config string, args ...string) {
	args = append([]string{"generate", config, "--set", "output.path=" + r.output(), "--set", "spool.path=" + r.spool}, args...)
	args = append(args, "--", "--endpoint="+r.prism.Endpoint, "--environment_type=PROCESS", `--environment_config={"command":"`+r.command()+`"}`, "--worker_binary="+os.Args[0])
	r.driver, r.stderr = exec.Command(os.Args[0], args...), &bytes.Buffer{}
	r.driver.Env = append(os.Environ(), programVariable+"=1", "HYPERD_PATH="+foundHyperd(t), "TMPDIR="+filepath.Join(r.folder, "driver"))
	r.driver.Stdout, r.driver.Stderr = r.stderr, r.stderr
	require.NoError(t, r.driver.Start())
	t.Cleanup(func() {
		_ = r.driver.Process.Kill()
		if !ended(r.boot) { // it takes its time, and is no child of ours
			_ = syscall.Kill(r.boot, syscall.SIGKILL)
		}
	})
}

// find says whether the worker loads rows, and looks up the processes.
func (r *workerRun) find() bool {
	pid, _ := os.ReadFile(filepath.Join(r.folder, "boot.pid"))
	r.boot, _ = strconv.Atoi(strings.TrimSpace(string(pid)))
	r.worker = childNamed(r.boot, "worker")
	r.program, _ = os.Readlink(fmt.Sprintf("/proc/%d/exe", r.worker))
	r.hyperd = childNamed(r.worker, "hyperdMain")
	segments, _ := filepath.Glob(filepath.Join(r.spool, "*", "*"))
	return r.hyperd != 0 && len(segments) > 0
}

// requireNothingLeft checks that neither a process nor a file of the worker stays behind.
func (r *workerRun) requireNothingLeft(t *testing.T) {
	requireEnd(t, r.worker, "the worker")
	requireEnd(t, r.hyperd, "hyperd")
	for _, left := range []string{
		filepath.Dir(r.program), filepath.Join(r.spool, "*"),
		filepath.Join(r.folder, "tmp", "hyperlake-[0-9]*"), r.workFolders(), filepath.Join(r.folder, "tmp", "hyperlake-of-*", "workers", "*"),
	} {
		require.Eventually(t, func() bool {
			paths, err := filepath.Glob(left)
			return err == nil && len(paths) == 0
		}, time.Minute, 10*time.Millisecond, "%s stays", left)
	}
}

// workFolders matches where the worker has files that are to go to remote staging.
func (r *workerRun) workFolders() string { return filepath.Join(r.folder, "tmp", "hyperlake-work-*") }

// ended says whether a process is gone; one that nobody reaped counts as gone.
func ended(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func requireEnd(t *testing.T, pid int, name string) {
	require.Eventually(t, func() bool { return ended(pid) }, time.Minute, 10*time.Millisecond, "%s lives on", name)
}

func TestNothingOfAWorkerSurvives(t *testing.T) {
	config := longRun(t, t.TempDir())
	victims := map[string]func(*workerRun) int{
		"worker": func(r *workerRun) int { return r.worker },
		"boot":   func(r *workerRun) int { return r.boot },
		"engine": func(r *workerRun) int { return r.prism.PID },
		"hyperd": func(r *workerRun) int { return r.hyperd },
	}
	for name, victim := range victims {
		t.Run(name+" is killed", func(t *testing.T) {
			r := newWorkerRun(t, "HYPERD_PATH="+foundHyperd(t))
			r.start(t, config, "--set", "validate.engine=go", "--set", "runner.retries=0") // every row goes through the spool
			require.Eventually(t, r.find, time.Minute, 5*time.Millisecond, "no worker loads anything")
			require.NoError(t, syscall.Kill(victim(r), syscall.SIGKILL))
			switch name {
			case "worker":
				requireEnd(t, r.hyperd, "hyperd")
			case "engine":
				requireEnd(t, r.boot, "boot")
			case "hyperd": // the worker lives on, and its job fails
				require.Error(t, r.driver.Wait())
				assert.Contains(t, r.stderr.String(), "hyperd ended unexpectedly")
			}
			r.requireNothingLeft(t)
		})
	}
}

// What hyperd writes for remote staging is a temporary file of the worker.
func TestNoPartialOfAWorkerSurvives(t *testing.T) {
	bucket, _ := storagetest.FakeGCS(t)
	r := newWorkerRun(t, "HYPERD_PATH="+foundHyperd(t))
	r.start(t, longRun(t, t.TempDir()), "--set", "staging="+bucket+"/staging", "--set", "validate.engine=go", "--set", "runner.retries=0")
	const longest = 4 * time.Minute // hyperd goes to the fake store first, which is slow with the race detector
	require.Eventually(t, r.find, longest, 5*time.Millisecond, "no worker loads anything")
	begun, err := filepath.Glob(r.workFolders())
	require.NoError(t, err)
	require.NotEmpty(t, begun)
	require.NoError(t, syscall.Kill(r.worker, syscall.SIGKILL))
	r.requireNothingLeft(t)
}

// The machine of the worker has no hyperd: it takes the one from staging, where the next
// run finds it.
func TestAWorkerTakesHyperdFromStaging(t *testing.T) {
	r := newWorkerRun(t, "HYPERD_PATH= PATH=/usr/bin:/bin")
	for _, copied := range []bool{true, false} {
		r.start(t, "../../testdata/tpch.yaml", "--set", "staging="+filepath.Join(r.folder, "staging"))
		require.NoError(t, r.driver.Wait(), r.stderr)
		assert.Equal(t, copied, strings.Contains(r.stderr.String(), "copying hyperd"))
	}
	assert.FileExists(t, r.output())
	installed, err := filepath.Glob(filepath.Join(r.folder, "cache", "hyperlake", "hyperd", "*", "hyperd"))
	require.NoError(t, err)
	assert.Len(t, installed, 1)
	staged, err := filepath.Glob(filepath.Join(r.folder, "staging", "*", "*", "*"))
	require.NoError(t, err)
	assert.Len(t, staged, 1, "of the runs nothing stays, of hyperd one copy")
}

// Any engine of Beam gives what the one in this process gives.
func TestPrismGivesTheSame(t *testing.T) {
	prism := prismtest.Start(t)
	folder := t.TempDir()
	build := func(name string, flags ...string) (report report.Report) {
		args := []string{"generate", must(filepath.Abs("../../testdata/tpch.yaml")), "--json", "--set", "runner.parallelism=3",
			"--set", "output.path=" + filepath.Join(folder, name), "--set", "tables[0].rejects.path=" + filepath.Join(folder, name+".rejects")}
		cmd := program(t, folder, nil, append(args, flags...)...)
		output, err := cmd.Output()
		require.NoError(t, err, "%s", cmd.Stderr)
		require.NoError(t, json.Unmarshal(output, &report))
		return report
	}
	here := build("direct.hyper")
	there := build("prism.hyper", "--", "--endpoint="+prism.Endpoint, "--environment_type=LOOPBACK")
	for i := range here.Tables {
		here.Tables[i].RejectsPath, there.Tables[i].RejectsPath = "", ""
	}
	assert.Equal(t, here.Tables, there.Tables)
	for _, table := range []string{"lineitem", "orders"} {
		query := `select * from "Extract"."` + table + `" order by 1, 2, 3, 4`
		rows := func(name string) string {
			output, err := program(t, folder, nil, "sql", filepath.Join(folder, name), query, "--csv").Output()
			require.NoError(t, err)
			return string(output)
		}
		assert.Equal(t, rows("direct.hyper"), rows("prism.hyper"))
	}
}

// patientEngine never has work for a worker, and never lets it go.
type patientEngine struct {
	fnpb.UnimplementedBeamFnControlServer
	fnpb.UnimplementedBeamFnLoggingServer
	connected chan struct{}
}

func (e *patientEngine) Control(stream fnpb.BeamFnControl_ControlServer) error {
	close(e.connected)
	<-stream.Context().Done()
	return nil
}

func (e *patientEngine) Logging(stream fnpb.BeamFnLogging_LoggingServer) error {
	<-stream.Context().Done()
	return nil
}

// Some engines keep a worker of a job that has ended.
func TestAWorkerEndsWithItsRun(t *testing.T) {
	listener, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	engine, server := &patientEngine{connected: make(chan struct{})}, grpc.NewServer()
	fnpb.RegisterBeamFnControlServer(server, engine)
	fnpb.RegisterBeamFnLoggingServer(server, engine)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)

	bucket, requests := storagetest.FakeGCS(t)
	const id = "20260131T235959Z-1a2b3c4d"
	cfg := &config.Config{Staging: storage.Join(bucket, "stage")}
	notes, err := staging.RunNotes(cfg, id, "")
	require.NoError(t, err)
	runFile := storage.Join(cfg.Staging, id, "run.json")
	require.NoError(t, storage.PutJSON(t.Context(), runFile, map[string]any{"version": 1, "run_id": id}))
	options, err := json.Marshal(runtime.RawOptionsWrapper{Options: runtime.RawOptions{Options: notes}})
	require.NoError(t, err)
	optionsPath := filepath.Join(t.TempDir(), "options.json")
	require.NoError(t, os.WriteFile(optionsPath, options, 0o600))

	worker := exec.Command(os.Args[0], "--worker", "--id=1", "--logging_endpoint="+listener.Addr().String(), "--control_endpoint="+listener.Addr().String())
	worker.Env = append(os.Environ(), programVariable+"=1", "PIPELINE_OPTIONS_FILE="+optionsPath)
	require.NoError(t, worker.Start())
	t.Cleanup(func() { _ = worker.Process.Kill() })
	select {
	case <-engine.connected:
	case <-time.After(time.Minute):
		t.Fatal("the worker does not connect")
	}
	looked := func() bool { return requests.Count(storagetest.Read) > 0 }
	require.Eventually(t, looked, time.Minute, 100*time.Millisecond, "the worker does not look whether its run goes on")
	require.False(t, ended(worker.Process.Pid), "its run goes on")
	require.NoError(t, storage.Remove(t.Context(), runFile))
	requireEnd(t, worker.Process.Pid, "the worker")
	assert.NoError(t, worker.Wait())
}
