package runners_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/runners"
	"hyperlake/runners/options"
)

func checkFlink(t *testing.T, flink options.Flink) *failure.Error {
	runner, err := runners.New(runners.Options{Name: "flink", Flink: flink})
	require.NoError(t, err)
	var failed *failure.Error
	require.ErrorAs(t, runner.Check(t.Context()), &failed)
	return failed
}

func TestAMissingJobServerIsSaid(t *testing.T) {
	listener, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	failed := checkFlink(t, options.Flink{Endpoint: address, Environment: options.FlinkLoopback})
	assert.Equal(t, failure.Engine, failed.Kind)
	assert.Contains(t, failed.Message, "no Beam job server for Flink answers at "+address)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	assert.Contains(t, failed.Hint, "org.apache.beam.runners.flink.FlinkJobServerDriver --flink-master JOBMANAGER:8081 --job-port "+port)
}

func TestAProgramThatWorkersCannotRunIsRefused(t *testing.T) {
	script := filepath.Join(t.TempDir(), "worker")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\nexec something else\n"), 0o755))
	for path, message := range map[string]string{script: "it is no program for Linux", script + ".none": "no such file"} {
		failed := checkFlink(t, options.Flink{Environment: options.FlinkProcess, WorkerCommand: "boot", WorkerBinary: path})
		assert.Equal(t, failure.Config, failed.Kind)
		assert.True(t, failed.Early)
		assert.Contains(t, failed.Message, "workers cannot run "+path+": ")
		assert.Contains(t, failed.Message, message)
		assert.Contains(t, failed.Hint, "GOOS=linux GOARCH=amd64")
	}
}

func TestStartedAsWorker(t *testing.T) {
	for _, args := range [][]string{{"--worker"}, {"--worker=true", "--id=1"}, {"--id=1", "-worker"}} {
		assert.True(t, runners.StartedAsWorker(args), args)
	}
	for _, args := range [][]string{{}, {"run", "worker"}, {"--worker=false"}, {"run", "--set", "worker=1"}} {
		assert.False(t, runners.StartedAsWorker(args), args)
	}
}
