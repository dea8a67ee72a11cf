package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLineageOfRuns has runs tell a server of OpenLineage how they end. That it is away changes nothing.
func TestLineageOfRuns(t *testing.T) {
	var mu sync.Mutex
	var told []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		var event struct {
			EventType       string
			Inputs, Outputs []struct{ Namespace, Name string }
		}
		assert.NoError(t, json.NewDecoder(request.Body).Decode(&event))
		assert.Equal(t, "Bearer c4nary", request.Header.Get("Authorization"))
		line := event.EventType
		for _, dataset := range append(event.Inputs, event.Outputs...) {
			line += " " + filepath.Base(dataset.Name)
		}
		mu.Lock()
		defer mu.Unlock()
		told = append(told, line)
	}))
	t.Cleanup(server.Close)
	lake, err := filepath.Abs("../../testdata/lake/orders/*.parquet")
	require.NoError(t, err)
	folder := t.TempDir()
	config := "name: x\ntables: [{source: {uri: '" + lake + "'}}]\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "x.yaml"), []byte(config), 0o600))
	environment := []string{"OPENLINEAGE_URL=" + server.URL, "OPENLINEAGE_API_KEY=c4nary"}
	run := func(code int, args ...string) string {
		t.Helper()
		cmd := program(t, folder, environment, append(args, "--log-level", "debug")...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		_ = cmd.Run() // the exit code is compared
		require.Equal(t, code, cmd.ProcessState.ExitCode(), stderr.String())
		assert.NotContains(t, stderr.String(), "c4nary")
		return stderr.String()
	}
	run(0, "run", "x.yaml")
	run(2, "generate", "x.yaml", "--set", "tables.0.source.select=[none]")
	run(0, "plan", "x.yaml")
	assert.Equal(t, []string{"START orders x.hyper", "COMPLETE orders x.hyper", "START orders x.hyper", "FAIL orders"}, told)
	server.Close()
	assert.Equal(t, 1, strings.Count(run(0, "run", "x.yaml"), "lineage was not delivered"))
	assert.Equal(t, 1, strings.Count(run(2, "generate", "x.yaml", "--keep-runs", "0"), "lineage was not delivered"))
}
