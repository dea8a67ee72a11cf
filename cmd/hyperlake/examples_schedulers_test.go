//go:build schedulers

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/run/v1"
)

// TestExamplesAreTaken shows the files of examples to what reads them: the API server's validation, docker compose's library, Google's types.
// `make test-schedulers` builds the programs.
func TestExamplesAreTaken(t *testing.T) {
	examples := filepath.Join("..", "..", "examples")
	verify := func(variable string, paths ...string) string {
		program := os.Getenv(variable)
		require.NotEmpty(t, program, "run `make test-schedulers`, which sets %s", variable)
		command := exec.Command(program, paths...)
		var said strings.Builder
		command.Stderr = &said
		out, err := command.Output()
		require.NoError(t, err, said.String())
		return string(out)
	}
	flink := filepath.Join(examples, "flink-kubernetes")
	out := verify("KUBERNETES", filepath.Join(flink, "flink.yaml"), filepath.Join(flink, "hyperlake.yaml"))
	assert.Equal(t, `["/usr/local/bin/hyperlake","run","/etc/hyperlake/config.yaml","--lock-wait","30m","--log-format","json"]`+"\n", out)

	var project struct {
		Services map[string]struct {
			Image   string
			Volumes []struct{ Type, Source string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(verify("COMPOSE", filepath.Join(examples, "compose", "compose.yaml"))), &project))
	assert.Len(t, project.Services, 2)
	for name, service := range project.Services {
		assert.Equal(t, "hyperlake", service.Image, name)
		for _, volume := range service.Volumes {
			if volume.Type == "bind" {
				_, err := os.Stat(volume.Source)
				assert.NoError(t, err, name)
			}
		}
	}

	text, err := os.ReadFile(filepath.Join(examples, "dataflow-cloud-run", "job.yaml"))
	require.NoError(t, err)
	text, err = yaml.YAMLToJSON(text)
	require.NoError(t, err)
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	var job run.Job
	require.NoError(t, decoder.Decode(&job))
	task := job.Spec.Template.Spec.Template.Spec
	assert.Zero(t, task.MaxRetries)
	assert.Equal(t, int64(43200), task.TimeoutSeconds)
	assert.Equal(t, []string{"/usr/local/bin/hyperlake"}, task.Containers[0].Command)
}
