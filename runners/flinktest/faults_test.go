//go:build flink

package flinktest_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// allRows tells every row of the extract of longConfig, and how often it is there.
const allRows = `select l_orderkey, l_linenumber, l_quantity, l_shipdate, count(*) from "Extract"."Extract" group by 1, 2, 3, 4`

// Flink starts the job again, and the extract has every row once.
func TestAKillLosesAndDoublesNothing(t *testing.T) {
	config := longConfig(t)
	want := rowsOnPrism(t, config)
	for phase, folder := range map[string]string{"load": "partials", "merge": "extract"} {
		for _, kind := range []string{taskManager, worker, hyperd} {
			t.Run(phase+"/"+kind, func(t *testing.T) {
				mend(t)
				j := newJob(t, config, onFlink("process")...)
				cmd := j.start(t)
				j.awaitWriter(t, folder, kind).kill(t)
				require.Empty(t, j.staged(t, "result*.json"), "the job was past the merge")
				mendKilled(t, kind)
				_ = cmd.Wait()
				require.Zero(t, cmd.ProcessState.ExitCode(), j.stderr.String())
				assert.Positive(t, failedAttempts(t))
				require.Equal(t, want, j.rows(t, allRows))
				requireEmpty(t, filepath.Join(j.folder, "staging"))
				requireCalm(t)
			})
		}
	}
}

// Kills at random moments of random processes. FLINK_KILLS is how many, FLINK_SEED has
// them again as they were.
func TestRandomKills(t *testing.T) {
	seed := number(t, "FLINK_SEED", uint64(time.Now().UnixNano()))
	t.Logf("FLINK_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	config := longConfig(t)
	want := rowsOnPrism(t, config)
	mend(t)
	undisturbed := newJob(t, config, onFlink("process")...)
	began := time.Now()
	require.Zero(t, undisturbed.run(t), undisturbed.stderr.String())
	usual := time.Since(began)
	for range number(t, "FLINK_KILLS", 2) {
		kind := []string{taskManager, worker, hyperd, driverHyperd}[random.IntN(4)]
		after := time.Duration(random.Int64N(int64(usual)))
		t.Run(kind+" after "+after.Round(time.Millisecond).String(), func(t *testing.T) {
			mend(t)
			j := newJob(t, config, onFlink("process")...)
			cmd := j.start(t)
			ended := make(chan struct{})
			go func() { defer close(ended); _ = cmd.Wait() }()
			time.Sleep(after)
			if !killAny(t, kind, random, ended) {
				t.Logf("there was no %s to kill any more", kind)
			}
			mendKilled(t, kind)
			<-ended
			t.Logf("exit code %d: %s", cmd.ProcessState.ExitCode(), lastLine(j))
			succeeded := cmd.ProcessState.ExitCode() == 0
			if !succeeded {
				requireEmpty(t, filepath.Dir(j.output()))
				succeeded = j.resume(t)
			}
			if succeeded {
				require.Equal(t, want, j.rows(t, allRows))
			}
			requireEmpty(t, filepath.Join(j.folder, "staging"))
			requireCalm(t)
		})
	}
}

// resume goes on with what a failed run has finished, if it left something.
func (j *job) resume(t *testing.T) bool {
	left, err := filepath.Glob(filepath.Join(j.folder, "staging", "*", "run.json"))
	require.NoError(t, err)
	if len(left) == 0 {
		return false
	}
	assert.Contains(t, j.stderr.String(), "run this again with --resume")
	j.args = append(j.args, "--resume", "last")
	require.Zero(t, j.run(t), j.stderr.String())
	return true
}

// killAny kills one of the processes of a kind as soon as there is one, unless the job ends.
func killAny(t *testing.T, kind string, random *rand.Rand, ended <-chan struct{}) bool {
	for {
		var of []process
		for _, p := range processes(t) {
			if p.kind == kind {
				of = append(of, p)
			}
		}
		if len(of) > 0 {
			of[random.IntN(len(of))].kill(t)
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func number(t *testing.T, variable string, otherwise uint64) uint64 {
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	value, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, variable)
	return value
}

// Without its job server a job is given up, not left to itself.
func TestALostJobServerEndsTheJob(t *testing.T) {
	mend(t)
	cancelled := len(flinkJobs(t, "CANCELED"))
	j := newJob(t, longConfig(t), onFlink("process")...)
	cmd := j.start(t)
	j.awaitWriter(t, "partials", hyperd)
	for _, p := range processes(t) {
		if p.kind == jobServer {
			p.kill(t)
		}
	}
	_ = cmd.Wait()
	assert.Equal(t, 1, cmd.ProcessState.ExitCode(), j.stderr.String())
	assert.Contains(t, lastLine(j), "the job service was lost while the job ran")
	assert.Len(t, flinkJobs(t, "CANCELED"), cancelled+1)
	requireEmpty(t, filepath.Dir(j.output()))
	if strings.Contains(j.stderr.String(), "run this again with --resume") { // a worker had finished a partial by then
		assert.NotEmpty(t, j.staged(t, filepath.Join("partials", "*.hyper")))
	} else {
		requireEmpty(t, filepath.Join(j.folder, "staging"))
	}
	requireCalm(t)
}

// awaitWriter finds the process of a kind that writes a file in a folder of staging, as soon as there is one.
func (j *job) awaitWriter(t *testing.T, folder, kind string) process {
	const longest = 3 * time.Minute
	for deadline := time.Now().Add(longest); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for _, path := range j.staged(t, filepath.Join(folder, "*.hyper")) {
			if p, found := writer(processes(t), path, kind); found {
				return p
			}
		}
	}
	require.Fail(t, "no process writes in "+folder, j.stderr.String())
	return process{}
}

// staged are files in the job's folder on staging.
func (j *job) staged(t *testing.T, pattern string) []string {
	paths, err := filepath.Glob(filepath.Join(j.folder, "staging", "*", pattern))
	require.NoError(t, err)
	return paths
}

// mendKilled starts a TaskManager again where one was killed: Flink does so with no other process.
func mendKilled(t *testing.T, kind string) {
	if kind == taskManager {
		join(t)
	}
}

func rowsOnPrism(t *testing.T, config string) []string {
	j := newJob(t, config)
	require.Zero(t, j.run(t), j.stderr.String())
	return j.rows(t, allRows)
}
