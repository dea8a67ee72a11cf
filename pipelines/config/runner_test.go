package config_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
	"hyperlake/runners/options"
)

func TestLoadRefusesFlink(t *testing.T) {
	t.Parallel()
	flink := func(text string) string {
		return good + "runner: {name: flink, parallelism: 2, flink: {\n  " + text + "}}\nstaging: s\n"
	}
	testBad(t, []badConfig{
		{"flink without a boot program", good + "runner: {name: flink}\nstaging: s\n", `x.yaml:3:9: runner.flink.worker_command is missing; give the path that Beam's boot program has on the TaskManagers, or set runner.flink.environment to loopback for a cluster on this machine`},
		{"flink without a pool", flink("environment: external"), `x.yaml:3:46: runner.flink.worker_address is missing; give the HOST:PORT of the pool of workers, as the TaskManagers see it`},
		{"flink without an image", flink("environment: docker"), `x.yaml:3:46: runner.flink.image is missing; give a container image with Beam's boot program and hyperd`},
		{"flink without staging", good + "runner: {name: flink, flink: {worker_command: /opt/boot}}\n", `x.yaml:1:1: staging is missing, but workers that are not this process (runner.flink.environment: process) need a folder that they and this machine reach; set staging, such as gs://bucket/staging`},
		{"flink in a cloud", flink("environment: cloud"), `x.yaml:4:16: runner.flink.environment must be loopback, process, external or docker, not "cloud"`},
		{"flink without a port", flink("worker_command: w, endpoint: flink.example.org"), `x.yaml:4:32: runner.flink.endpoint must be a host and a port, such as localhost:8099, not "flink.example.org"`},
		{"flink's wrong port", flink("worker_command: w, endpoint: 'localhost:70000'"), `x.yaml:4:32: runner.flink.endpoint must be a host and a port, such as localhost:8099, not "localhost:70000"`},
		{"flink's rest", flink("worker_command: w, rest_endpoint: 'http://localhost:8081'"), `x.yaml:4:37: runner.flink.rest_endpoint must be a host and a port, such as localhost:8099, not "http://localhost:8081"`},
		{"flink's binary on gs", flink("worker_command: w, worker_binary: gs://b/w"), `x.yaml:4:37: runner.flink.worker_binary must be a local path, not "gs://b/w"`},
		{"flink's keys", flink("worker_command: w, url: localhost"), `x.yaml:4:22: unknown key "url"; the keys here are endpoint, rest_endpoint, environment, worker_command, worker_address, image, worker_binary`},
		{"several of flink", good + "runner: {name: flink, flink: {endpoint: nowhere, worker_binary: gs://b/w}}\n", strings.Join([]string{
			`x.yaml:1:1: staging is missing, but workers that are not this process (runner.flink.environment: process) need a folder that they and this machine reach; set staging, such as gs://bucket/staging`,
			`x.yaml:3:30: runner.flink.worker_command is missing; give the path that Beam's boot program has on the TaskManagers, or set runner.flink.environment to loopback for a cluster on this machine`,
			`x.yaml:3:41: runner.flink.endpoint must be a host and a port, such as localhost:8099, not "nowhere"`,
			`x.yaml:3:65: runner.flink.worker_binary must be a local path, not "gs://b/w"`,
		}, "\n")},
	})
}

func TestFlinkHasDefaults(t *testing.T) {
	t.Parallel()
	cfg, message := loadText(t, good+"staging: s\nrunner: {name: flink, flink: {worker_command: /opt/boot}}\n", config.LoadOptions{})
	require.Empty(t, message)
	assert.Equal(t, options.Flink{Endpoint: "localhost:8099", Environment: options.FlinkProcess, WorkerCommand: "/opt/boot"}, cfg.Runner.Flink)
}

func TestFlinkInThisProcessNeedsNothing(t *testing.T) {
	t.Parallel()
	cfg, message := loadText(t, good, config.LoadOptions{Runner: "flink", Sets: []string{"runner.flink.environment=loopback"}})
	require.Empty(t, message)
	assert.Equal(t, options.RunnerFlink, cfg.Runner.Name)
	assert.Empty(t, cfg.Staging)
}
