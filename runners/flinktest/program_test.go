//go:build flink

package flinktest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/require"
)

// programs is the folder of hyperlake and boot, built for this test.
var programs string

func TestMain(m *testing.M) {
	code, err := testAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func testAll(m *testing.M) (code int, err error) {
	if programs, err = os.MkdirTemp("", "flinktest-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(programs)
	for name, source := range map[string]string{
		"hyperlake": "hyperlake/cmd/hyperlake",
		"boot":      "github.com/apache/beam/sdks/v2/go/container",
	} {
		build := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(programs, name), source)
		if output, err := build.CombinedOutput(); err != nil {
			return 1, fmt.Errorf("build %s: %w: %s", name, err, output)
		}
	}
	script, err := os.ReadFile("boot.sh")
	if err != nil {
		return 1, err
	}
	if err := os.WriteFile(filepath.Join(programs, "boot.sh"), script, 0o755); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// job is one run of the program, with a folder for what it makes.
type job struct {
	folder string
	args   []string
	stderr bytes.Buffer
}

// newJob prepares a run of a configuration. Its staging is explicit, and the path of
// hyperd's sockets tells its hyperds from others.
func newJob(t *testing.T, config string, sets ...string) *job {
	folder, err := os.MkdirTemp("/tmp", "hl") // short, for the sockets
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	j := &job{folder: folder, args: []string{"generate", config, "--report", filepath.Join(folder, "report.json")}}
	require.NoError(t, os.Mkdir(filepath.Join(folder, "s"), 0o755))
	sets = append([]string{
		"output.path=" + j.output(),
		"staging=" + filepath.Join(folder, "staging"),
		"hyperd.memory_limit=1g",
		"hyperd.domain_socket_dir=" + filepath.Join(folder, "s"),
	}, sets...)
	for _, set := range sets {
		j.args = append(j.args, "--set", set)
	}
	return j
}

// onFlink are the settings of a job on the cluster, with workers of the kind.
func onFlink(environment string) []string {
	return []string{
		"runner.name=flink", "runner.parallelism=2", "runner.flink.endpoint=localhost:" + port("BEAM_JOB_PORT", "8099"),
		"runner.flink.rest_endpoint=localhost:" + port("FLINK_REST_PORT", "8081"),
		"runner.flink.environment=" + environment, "runner.flink.worker_command=" + filepath.Join(programs, "boot.sh"),
	}
}

func port(variable, otherwise string) string {
	if value := os.Getenv(variable); value != "" {
		return value
	}
	return otherwise
}

func (j *job) output() string { return filepath.Join(j.folder, "out", "x.hyper") }

func (j *job) start(t *testing.T) *exec.Cmd {
	const longest = 4 * time.Minute // a cluster without room for a job lets it wait
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "hyperlake"), j.args...)
	cmd.Stderr = &j.stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}

// run runs the job to its end and returns the exit code.
func (j *job) run(t *testing.T) int {
	cmd := j.start(t)
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode()
}

// rows are the rows that a query on the extract gives, in an order that depends on them alone.
func (j *job) rows(t *testing.T, query string) []string {
	csv, err := exec.Command(filepath.Join(programs, "hyperlake"), "sql", j.output(), query, "--csv").Output()
	require.NoError(t, err)
	rows := strings.Split(strings.TrimSpace(string(csv)), "\n")
	slices.Sort(rows)
	return rows
}

// rejects are the rows of the reject files, likewise.
func rejects(t *testing.T, folder string) []string {
	files, err := filepath.Glob(filepath.Join(folder, "*.parquet"))
	require.NoError(t, err)
	var rows []string
	for _, name := range files {
		reader, err := file.OpenParquetFile(name, false)
		require.NoError(t, err)
		defer reader.Close()
		arrowReader, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
		require.NoError(t, err)
		table, err := arrowReader.ReadTable(t.Context())
		require.NoError(t, err)
		records := array.NewTableReader(table, -1)
		for records.Next() {
			text, err := records.Record().MarshalJSON()
			require.NoError(t, err)
			var objects []json.RawMessage
			require.NoError(t, json.Unmarshal(text, &objects))
			for _, object := range objects {
				rows = append(rows, string(object))
			}
		}
	}
	slices.Sort(rows)
	return rows
}

// requireEmpty checks that a folder holds nothing, or is not there. The hyperd for workers
// stays on staging.
func requireEmpty(t *testing.T, folder string) {
	entries, err := os.ReadDir(folder)
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	require.Empty(t, slices.DeleteFunc(entries, func(e os.DirEntry) bool { return e.Name() == "hyperd" }))
}

// requireNoHyperd waits until none of the job's hyperds is left. Workers keep one for a
// while after their last bundle.
func (j *job) requireNoHyperd(t *testing.T) {
	require.Eventually(t, func() bool {
		commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
		require.NoError(t, err)
		return !slices.ContainsFunc(commands, func(path string) bool {
			command, _ := os.ReadFile(path) // it may have ended
			return bytes.Contains(command, []byte(filepath.Join(j.folder, "s")+"/"))
		})
	}, 30*time.Second, time.Second)
}

// flinkJobs counts the jobs of the cluster in a state.
func flinkJobs(t *testing.T, state string) int {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost:"+port("FLINK_REST_PORT", "8081")+"/jobs", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var answer struct {
		Jobs []struct{ Status string }
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
	count := 0
	for _, job := range answer.Jobs {
		if job.Status == state {
			count++
		}
	}
	return count
}
