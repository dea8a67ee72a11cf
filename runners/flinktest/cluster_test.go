//go:build flink

package flinktest_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The kinds of processes of the cluster.
const (
	taskManager  = "TaskManager"
	jobServer    = "job server"
	worker       = "worker"
	hyperd       = "hyperd" // of a worker
	driverHyperd = "hyperd of the driver"
	other        = "other" // Beam's boot program, what starts it, and guards
)

// process is one of the cluster, or one that it started.
type process struct {
	pid, parent int
	kind        string
}

// clusterFolder is where cluster.sh has the cluster.
func clusterFolder(t *testing.T) string {
	folder, err := filepath.Abs("../../out/flink")
	require.NoError(t, err)
	return folder
}

// clusterMark is what only processes of the cluster have in their environment.
func clusterMark(t *testing.T) string {
	return "LC_FLINK_CLUSTER=" + filepath.Join(clusterFolder(t), "conf")
}

// processes are those of the cluster.
func processes(t *testing.T) []process {
	mark := []byte(clusterMark(t) + "\x00")
	folders, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	var found []process
	for _, folder := range folders { // one that ended meanwhile reads as nothing
		environment, _ := os.ReadFile(filepath.Join(folder, "environ"))
		command, _ := os.ReadFile(filepath.Join(folder, "cmdline"))
		stat, _ := os.ReadFile(filepath.Join(folder, "stat"))
		_, afterName, read := bytes.Cut(stat, []byte(") "))
		if fields := strings.Fields(string(afterName)); bytes.Contains(environment, mark) && read {
			pid, err := strconv.Atoi(filepath.Base(folder))
			require.NoError(t, err)
			parent, err := strconv.Atoi(fields[1])
			require.NoError(t, err)
			found = append(found, process{pid, parent, kindOf(command)})
		}
	}
	for i, p := range found {
		if _, ofWorker := above(found, p, worker); p.kind == hyperd && !ofWorker {
			found[i].kind = driverHyperd
		}
	}
	return found
}

func kindOf(command []byte) string {
	args := strings.Split(string(command), "\x00")
	switch {
	case filepath.Base(args[0]) == "hyperd":
		return hyperd
	case slices.Contains(args, "--worker=true"):
		return worker
	case slices.Contains(args, "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"):
		return taskManager
	case slices.Contains(args, "org.apache.beam.runners.flink.FlinkJobServerDriver"):
		return jobServer
	case filepath.Base(args[0]) == "java":
		return "JobManager"
	case slices.Contains(args, "--worker_pool"):
		return "pool"
	}
	return other
}

func (p process) kill(t *testing.T) {
	t.Logf("kill the %s, process %d", p.kind, p.pid)
	require.NoError(t, syscall.Kill(p.pid, syscall.SIGKILL))
	require.Eventually(t, func() bool { return syscall.Kill(p.pid, 0) != nil }, time.Minute, 50*time.Millisecond)
}

// has says whether the process has a file open.
func (p process) has(path string) bool {
	links, _ := filepath.Glob("/proc/" + strconv.Itoa(p.pid) + "/fd/*") // it may have ended
	return slices.ContainsFunc(links, func(link string) bool {
		target, _ := os.Readlink(link)
		return target == path
	})
}

// writer finds the process of a kind that writes a file: the hyperd that has it open, the
// worker of that, or its TaskManager.
func writer(all []process, path, kind string) (process, bool) {
	at := slices.IndexFunc(all, func(p process) bool { return p.kind == hyperd && p.has(path) })
	if at < 0 {
		return process{}, false
	}
	return above(all, all[at], kind)
}

// above finds the process of a kind that started another one, or a parent of it.
func above(all []process, p process, kind string) (process, bool) {
	for p.kind != kind {
		at := slices.IndexFunc(all, func(parent process) bool { return parent.pid == p.parent })
		if at < 0 {
			return process{}, false
		}
		p = all[at]
	}
	return p, true
}

// join starts what a test has killed of the cluster.
func join(t *testing.T) {
	output, err := exec.Command("./cluster.sh", "join", clusterFolder(t)).CombinedOutput()
	require.NoError(t, err, string(output))
}

// mend does, too, and waits until all task slots are free and the job server listens.
func mend(t *testing.T) {
	join(t)
	require.Eventually(t, func() bool {
		var cluster struct {
			Free int `json:"slots-available"`
		}
		server, err := net.Dial("tcp", "localhost:"+port("BEAM_JOB_PORT", "8099"))
		if err != nil {
			return false
		}
		_ = server.Close()
		return ask(t, "/overview", &cluster) && cluster.Free == 2
	}, time.Minute, 500*time.Millisecond, "the cluster is not ready, or its task slots are not free")
}

// left are the processes of jobs: no part of the cluster itself.
func left(all []process) []process {
	return slices.DeleteFunc(slices.Clone(all), func(p process) bool { return !slices.Contains([]string{worker, hyperd, driverHyperd, other}, p.kind) })
}

// requireCalm waits until nothing of a job is left on the cluster: no worker, hyperd or boot,
// also where Beam never releases the worker of an attempt that was called off.
func requireCalm(t *testing.T) {
	require.Eventually(t, func() bool { return len(left(processes(t))) == 0 }, time.Minute, 500*time.Millisecond, "processes of the job live on")
}

// ask asks the JobManager, and says whether it answered.
func ask(t *testing.T, path string, into any) bool {
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Get("http://localhost:" + port("FLINK_REST_PORT", "8081") + path)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	require.NoError(t, json.NewDecoder(response.Body).Decode(into))
	return true
}

// flinkJob is a job as the JobManager lists it.
type flinkJob struct {
	ID    string `json:"jid"`
	State string `json:"state"`
	Began int64  `json:"start-time"`
}

// flinkJobs are the ids of the cluster's jobs in a state, the latest first.
func flinkJobs(t *testing.T, state string) []string {
	var answer struct {
		Jobs []flinkJob `json:"jobs"`
	}
	require.True(t, ask(t, "/jobs/overview", &answer), "the JobManager does not answer")
	slices.SortFunc(answer.Jobs, func(a, b flinkJob) int { return cmp.Compare(b.Began, a.Began) })
	var ids []string
	for _, job := range answer.Jobs {
		if job.State == state {
			ids = append(ids, job.ID)
		}
	}
	return ids
}

// failedAttempts counts how often Flink has had to start the job again that finished last.
func failedAttempts(t *testing.T) int {
	finished := flinkJobs(t, "FINISHED")
	require.NotEmpty(t, finished)
	var answer struct {
		History struct {
			Entries []json.RawMessage `json:"entries"`
		} `json:"exceptionHistory"`
	}
	require.True(t, ask(t, "/jobs/"+finished[0]+"/exceptions", &answer))
	return len(answer.History.Entries)
}
