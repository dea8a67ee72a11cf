//go:build flink

package flinktest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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
	defer func() { _ = os.RemoveAll(programs) }()
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
	env    []string // besides that of this process
	stderr bytes.Buffer
}

// newJob prepares a run of a configuration, with explicit staging.
func newJob(t *testing.T, config string, sets ...string) *job {
	folder, err := os.MkdirTemp("/tmp", "hl") // short: it is told by its length where a path is cut
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	mark := clusterMark(t) // the driver and its hyperd count as processes of the cluster
	j := &job{folder: folder, env: []string{mark}, args: []string{"generate", config, "--report", filepath.Join(folder, "report.json")}}
	sets = append([]string{
		"output.path=" + j.output(),
		"staging=" + filepath.Join(folder, "staging"),
		"hyperd.memory_limit=1g",
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
	const longest = 6 * time.Minute // a cluster without room for a job lets it wait
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "hyperlake"), j.args...)
	cmd.Stderr, cmd.Env = &j.stderr, append(os.Environ(), j.env...)
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
		defer func() { _ = reader.Close() }()
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
// stays on staging, and the state, with the report of the run, beside the output.
func requireEmpty(t *testing.T, folder string) {
	entries, err := os.ReadDir(folder)
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	require.Empty(t, slices.DeleteFunc(entries, func(e os.DirEntry) bool {
		return e.Name() == "hyperd" || strings.HasSuffix(e.Name(), ".hyperlake")
	}))
}
