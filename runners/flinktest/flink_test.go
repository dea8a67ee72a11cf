//go:build flink

package flinktest_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sample = "../../testdata/tpch.yaml"

func TestFlinkGivesTheExtractOfPrism(t *testing.T) {
	kept := func(folder string) string { return filepath.Join(folder, "rejects") }
	onPrism := newJob(t, sample)
	onPrism.args = append(onPrism.args, "--set", "tables.0.rejects.path="+kept(onPrism.folder))
	require.Zero(t, onPrism.run(t), onPrism.stderr.String())
	rejected := rejects(t, kept(onPrism.folder))
	require.NotEmpty(t, rejected)
	settings := map[string][]string{
		"loopback": onFlink("loopback"),
		"process":  onFlink("process"),
		"external": append(onFlink("external"), "runner.flink.worker_address=localhost:50000", "runner.parallelism=1"), // one worker a pool
	}
	for environment, sets := range settings {
		t.Run(environment, func(t *testing.T) {
			mend(t)
			if environment == "external" {
				startPool(t)
			}
			j := newJob(t, sample, sets...)
			j.args = append(j.args, "--set", "tables.0.rejects.path="+kept(j.folder))
			require.Zero(t, j.run(t), j.stderr.String())
			for _, table := range []string{"lineitem", "orders"} {
				query := fmt.Sprintf(`select * from "Extract".%q`, table)
				assert.Equal(t, onPrism.rows(t, query), j.rows(t, query), table)
			}
			assert.Equal(t, rejected, rejects(t, kept(j.folder)))
			assert.Zero(t, failedAttempts(t))
			requireEmpty(t, filepath.Join(j.folder, "staging"))
			requireCalm(t)
		})
	}
}

// startPool starts a pool of workers, as a container of the image does with --worker_pool. The environment is besides ours.
func startPool(t *testing.T, environment ...string) {
	pool := exec.Command(filepath.Join(programs, "boot"), "--worker_pool")
	pool.Dir, pool.Env = t.TempDir(), append(append(os.Environ(), clusterMark(t)), environment...)
	pool.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, pool.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-pool.Process.Pid, syscall.SIGKILL)
		_ = pool.Wait()
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", "localhost:50000")
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, time.Minute, 50*time.Millisecond, "the pool does not listen")
}

func TestABrokenRuleEndsTheJob(t *testing.T) {
	mend(t)
	j := newJob(t, sample, append(onFlink("process"), "tables.0.rules.3.on_fail=fail")...)
	assert.Equal(t, 3, j.run(t), j.stderr.String())
	last := lastLine(j)
	assert.Contains(t, last, `rule "l_shipdate >= 1992-01-31" is broken: column l_shipdate, file `)
	assert.Contains(t, last, "; correct the row")
	requireEmpty(t, filepath.Dir(j.output()))
	requireEmpty(t, filepath.Join(j.folder, "staging"))
	requireCalm(t)
}

func lastLine(j *job) string {
	lines := strings.Split(strings.TrimSpace(j.stderr.String()), "\n")
	return lines[len(lines)-1]
}

func TestAnInterruptCancelsTheJob(t *testing.T) {
	mend(t)
	cancelled := len(flinkJobs(t, "CANCELED"))
	j := newJob(t, longConfig(t), onFlink("process")...)
	cmd := j.start(t)
	j.awaitWriter(t, "partials", hyperd)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	interrupted := time.Now()
	_ = cmd.Wait()
	assert.Less(t, time.Since(interrupted), 20*time.Second)
	assert.Equal(t, 130, cmd.ProcessState.ExitCode(), j.stderr.String())
	requireEmpty(t, filepath.Dir(j.output()))
	assert.Len(t, flinkJobs(t, "CANCELED"), cancelled+1)
	requireCalm(t)
}

// longConfig writes a configuration that takes long enough to be disturbed: the lineitems
// of the sample many times over, each row read in this program.
func longConfig(t *testing.T) string {
	folder := t.TempDir()
	files, err := filepath.Glob("../../testdata/lake/lineitem/*.parquet")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		for copies := range 30 {
			path := filepath.Join(folder, fmt.Sprintf("%03d-%s", copies, filepath.Base(name)))
			require.NoError(t, os.WriteFile(path, data, 0o644))
		}
	}
	path := filepath.Join(folder, "long.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`
name: long
validate: {engine: go}
tables:
  - source: {uri: "*.parquet", select: [l_orderkey, l_linenumber, l_quantity, l_shipdate]}
    rules: [{column: l_quantity, max: 40}]
`), 0o644))
	return path
}
