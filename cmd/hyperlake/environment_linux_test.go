package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// canaries are secrets in the environment of a run, which it does not hand on.
var canaries = []string{
	"tab_pat_name=canary", "tab_secret_id=canary", "TAB_APP_SECRET_VALUE=canary", "AWS_SECRET_ACCESS_KEY=canary", "AZURE_STORAGE_KEY=canary",
	"GOOGLE_APPLICATION_CREDENTIALS=/nowhere/canary.json", "LAKE_PASSWORD=canary",
}

// environmentOf is the environment with which a process was started, as the system shows it
// to others of the same user.
func environmentOf(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	require.NoError(t, err)
	return string(text)
}

func TestChildrenOfARunDoNotInheritSecrets(t *testing.T) {
	for _, canary := range canaries {
		name, value, _ := strings.Cut(canary, "=")
		t.Setenv(name, value)
	}
	scratch := folderIn(t, os.TempDir())
	run, _, hyperdPID := start(t, t.TempDir(), scratch)
	guard := childNamed(run.Process.Pid, filepath.Base(os.Args[0]))
	require.NotZero(t, guard, "its guard is not found")
	require.Contains(t, environmentOf(t, run.Process.Pid), "canary")
	for _, child := range []int{guard, hyperdPID} {
		found := environmentOf(t, child)
		assert.NotContains(t, found, "canary")
		assert.Contains(t, found, "PATH=")
		assert.Contains(t, found, "TMPDIR="+scratch)
	}
}

// Tools that are asked for hyperd, and hyperd when it is asked for its version, write down
// their environment.
func TestToolsDoNotInheritSecrets(t *testing.T) {
	folder := folderIn(t, os.TempDir())
	for _, name := range []string{"python3", "pip3", "pip", "python", "npm", "hyperd"} {
		script := fmt.Sprintf("#!/bin/sh\n/usr/bin/env >%s/environment.%s\nexit 1\n", folder, name)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(script), 0o755))
	}
	environment := append([]string{"PATH=" + folder, "HYPERD_PATH=", "HOME=" + folder, "XDG_CACHE_HOME=" + folder, "PIP_INDEX_URL=https://index.example"}, canaries...)
	for _, args := range [][]string{{"hyperd", "install"}, {"version"}} {
		require.Error(t, program(t, folder, environment, args...).Run())
	}
	for _, name := range []string{"python3", "pip3", "pip", "python", "npm", "hyperd"} {
		found, err := os.ReadFile(filepath.Join(folder, "environment."+name))
		require.NoError(t, err)
		assert.NotContains(t, string(found), "canary", name)
		assert.Contains(t, string(found), "PATH="+folder, name)
		assert.Equal(t, name != "hyperd", strings.Contains(string(found), "PIP_INDEX_URL="), name)
	}
}

// Engines start workers with whatever environment they have themselves.
func TestAWorkerForgetsHowToSignInToTableau(t *testing.T) {
	engine, err := net.Listen("tcp", "localhost:0") // which never answers
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	worker := exec.Command(os.Args[0], "--worker", "--id=1", "--logging_endpoint="+engine.Addr().String(), "--control_endpoint="+engine.Addr().String())
	worker.Env = append(append(os.Environ(), programVariable+"=1", "KEPT=1"), canaries...)
	require.NoError(t, worker.Start())
	t.Cleanup(func() {
		_ = worker.Process.Kill()
		_ = worker.Wait()
	})
	var found string
	require.Eventually(t, func() bool {
		found = environmentOf(t, worker.Process.Pid) // nothing while it starts over
		return strings.Contains(found, "KEPT=1") && !strings.Contains(strings.ToLower(found), "tab_")
	}, time.Minute, 5*time.Millisecond, "the secrets stay")
	assert.Contains(t, found, "GOOGLE_APPLICATION_CREDENTIALS=", "it reads from storage")
	_, err = engine.Accept()
	require.NoError(t, err, "it works as a worker")
}
