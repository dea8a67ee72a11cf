//go:build flink

package flinktest_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/internal/storage/storagetest"
)

// workersBy makes a worker_command that runs lines of shell before the usual one, which
// "$@" stands for at the end of them.
func (j *job) workersBy(t *testing.T, lines string) {
	path := filepath.Join(j.folder, "boot.sh")
	script := fmt.Sprintf("#!/bin/sh\nset -- '%s' \"$@\"\n%s\n", filepath.Join(programs, "boot.sh"), lines)
	require.NoError(t, os.WriteFile(path, []byte(script), 0o755))
	j.args = append(j.args, "--set", "runner.flink.worker_command="+path)
}

// requireFailed runs a job to a failure that moves nothing and leaves nothing, and returns what it says.
func (j *job) requireFailed(t *testing.T) (last string) {
	mend(t)
	require.Equal(t, 1, j.run(t), j.stderr.String())
	requireEmpty(t, filepath.Dir(j.output()))
	requireEmpty(t, filepath.Join(j.folder, "staging"))
	requireCalm(t)
	return lastLine(j)
}

func TestAMissingBootProgramIsSaid(t *testing.T) {
	j := newJob(t, sample, append(onFlink("process"), "runner.flink.worker_command=/nowhere/boot.sh")...)
	last := j.requireFailed(t)
	assert.Regexp(t, `^hyperlake: job [0-9a-f]{32} failed on Flink: Cannot run program "/nowhere/boot.sh": `, last)
	assert.Contains(t, last, "; runner.flink.worker_command must be the path")
}

// Machines of workers need no hyperd of their own.
func TestWorkersTakeHyperdFromStaging(t *testing.T) {
	j := newJob(t, sample, onFlink("process")...)
	j.workersBy(t, `unset HYPERD_PATH; HOME=/nowhere PATH=/usr/bin:/bin exec "$@"`)
	require.Zero(t, j.run(t), j.stderr.String())
	assert.Contains(t, j.stderr.String(), "copying hyperd")
}

// The spool of the workers is a file system of their own, smaller than what they may write.
func TestAFullSpoolIsSaid(t *testing.T) {
	j := newJob(t, longConfig(t), onFlink("process")...)
	spool := filepath.Join(j.folder, "spool")
	require.NoError(t, os.Mkdir(spool, 0o755))
	j.args = append(j.args, "--set", "spool.path="+spool)
	j.workersBy(t, fmt.Sprintf(`exec unshare --map-root-user --mount sh -c 'mount -t tmpfs -o size=1m none %s && exec "$@"' sh "$@"`, spool))
	last := j.requireFailed(t)
	assert.Contains(t, last, "hyperlake: on a worker: ")
	assert.Contains(t, last, "no space left on device")
	assert.Contains(t, last, "spool.path")
}

// onGCS puts staging on an object store that driver and workers reach.
func (j *job) onGCS(t *testing.T) *storagetest.GCS {
	server := storagetest.StartGCS(t)
	j.env = append(j.env, "STORAGE_EMULATOR_HOST="+server.URL)
	j.args = append(j.args, "--set", "staging="+server.Bucket+"/staging")
	j.workersBy(t, `STORAGE_EMULATOR_HOST=`+server.URL+` exec "$@"`)
	return server
}

// requireNoObjects checks that an object store holds nothing but the hyperd for workers.
func requireNoObjects(t *testing.T, server *storagetest.GCS) {
	objects, err := storage.NewGCS(storage.ObjectsOptions{Endpoint: server.URL}).Glob(t.Context(), server.Bucket+"/**")
	require.NoError(t, err)
	require.Empty(t, slices.DeleteFunc(objects, func(o storage.Info) bool { return strings.HasPrefix(o.URI, server.Bucket+"/staging/hyperd/") }))
}

func TestStagingThatFailsForAWhile(t *testing.T) {
	onPrism := newJob(t, sample)
	require.Zero(t, onPrism.run(t), onPrism.stderr.String())
	mend(t)
	j := newJob(t, sample, onFlink("process")...)
	server := j.onGCS(t)
	server.Inject(storagetest.Fault{On: storagetest.Write, Status: http.StatusServiceUnavailable})
	cmd := j.start(t)
	refusedAgain := func() bool { return server.Count(storagetest.Write) > 8 } // pauses double: for some 10 s
	require.Eventually(t, refusedAgain, 3*time.Minute, 50*time.Millisecond)
	server.Heal()
	server.Inject(storagetest.Fault{On: storagetest.Read, Name: "partials/", Cut: true, Times: 2})
	server.Inject(storagetest.Fault{On: storagetest.Read, Name: "extract/", Status: http.StatusServiceUnavailable, Times: 3})
	_ = cmd.Wait()
	require.Zero(t, cmd.ProcessState.ExitCode(), j.stderr.String())
	for _, table := range []string{"lineitem", "orders"} {
		query := fmt.Sprintf(`select * from "Extract".%q`, table)
		assert.Equal(t, onPrism.rows(t, query), j.rows(t, query), table)
	}
	assert.Zero(t, failedAttempts(t), "a failure that passes needs no other attempt")
	requireNoObjects(t, server)
	requireCalm(t)
}

func TestStagingThatRefusesIsSaid(t *testing.T) {
	j := newJob(t, sample, onFlink("process")...)
	server := j.onGCS(t)
	server.Inject(storagetest.Fault{On: storagetest.Write, Name: "partials/", Status: http.StatusForbidden})
	last := j.requireFailed(t)
	assert.Contains(t, last, "hyperlake: on a worker: upload gs://")
	assert.Contains(t, last, "/partials/")
	requireNoObjects(t, server)
}

// The merge cannot write, every time; the partials are there for the next run.
func TestWhatIsFinishedIsResumed(t *testing.T) {
	onPrism := newJob(t, sample)
	require.Zero(t, onPrism.run(t), onPrism.stderr.String())
	mend(t)
	j := newJob(t, sample, onFlink("process")...)
	server := j.onGCS(t)
	server.Inject(storagetest.Fault{On: storagetest.Write, Name: "extract/", Status: http.StatusForbidden})
	require.Equal(t, 1, j.run(t), j.stderr.String())
	requireEmpty(t, filepath.Dir(j.output()))
	assert.Regexp(t, `finished partials with 75,[0-9]{3} rows stay on staging: run this again with --resume`, j.stderr.String())
	requireCalm(t)

	server.Heal()
	mend(t)
	j.args = append(j.args, "--resume", "last")
	require.Zero(t, j.run(t), j.stderr.String())
	assert.Regexp(t, `partials with 75,[0-9]{3} rows of the lake were reused`, j.stderr.String())
	for _, table := range []string{"lineitem", "orders"} {
		query := fmt.Sprintf(`select * from "Extract".%q`, table)
		assert.Equal(t, onPrism.rows(t, query), j.rows(t, query), table)
	}
	requireNoObjects(t, server)
	requireCalm(t)
}
