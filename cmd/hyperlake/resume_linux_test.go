//go:build faults

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
	"hyperlake/pipelines/report"
)

// A run that is killed leaves what it finished on staging, and nothing else anywhere; the
// run that resumes it makes the extract that an undisturbed one makes.
func TestAKilledRunIsResumed(t *testing.T) {
	folder := t.TempDir()
	scratch, err := os.MkdirTemp("", "hl")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(scratch) })
	config := runOf(t, folder, 12)
	settings := []string{
		"--set", "staging=" + filepath.Join(folder, "stage"), "--set", "runner.parallelism=4", "--set", "validate.engine=go",
		"--report", filepath.Join(folder, "report.json"),
	}
	killed := userCommand(t, scratch, append([]string{"generate", config}, settings...)...)
	require.NoError(t, killed.Start())
	t.Cleanup(func() { _ = killed.Process.Kill() })
	var hyperdPID int
	require.Eventually(t, func() bool {
		if found := childNamed(killed.Process.Pid, "hyperdMain"); found != 0 {
			hyperdPID = found
		}
		return partialsNoted(t, folder) > 1
	}, 60*time.Second, 10*time.Millisecond, "no partial is finished")
	require.NoError(t, killed.Process.Kill())
	require.Error(t, killed.Wait())
	require.Eventually(t, func() bool {
		left, err := os.ReadDir(scratch)
		_, hyperdErr := os.Stat(fmt.Sprintf("/proc/%d/exe", hyperdPID))
		return err == nil && len(left) == 0 && hyperdErr != nil
	}, time.Minute, 10*time.Millisecond, "hyperd or its files live on")
	require.NoFileExists(t, filepath.Join(folder, "long.hyper"))

	resumed := userCommand(t, scratch, append([]string{"generate", config, "--resume", "last"}, settings...)...)
	var stderr bytes.Buffer
	resumed.Stderr = &stderr
	require.NoError(t, resumed.Run(), stderr.String())
	assert.Contains(t, stderr.String(), "of the lake were reused")
	text, err := os.ReadFile(filepath.Join(folder, "report.json"))
	require.NoError(t, err)
	var report report.Report
	require.NoError(t, json.Unmarshal(text, &report))
	assert.Greater(t, report.Reused.Partials, 1)
	assert.Less(t, report.Reused.Partials, report.Partials, "some were not finished")
	require.Len(t, report.Tables, 12)
	for _, table := range report.Tables {
		assert.Equal(t, report.Tables[0].RowsInFiles, table.RowsLoaded, table.Name)
	}
	left, err := os.ReadDir(filepath.Join(folder, "stage"))
	require.NoError(t, err)
	assert.Empty(t, left)
}

// userCommand is this program as users start it.
func userCommand(t *testing.T, scratch string, args ...string) *exec.Cmd {
	hyperdPath, err := hyperd.Find("")
	require.NoError(t, err, "the tests need hyperd: run `make hyperd` first")
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), programVariable+"=1", "HYPERD_PATH="+hyperdPath, "TMPDIR="+scratch)
	return cmd
}

// partialsNoted counts the partials in the manifest.
func partialsNoted(t *testing.T, folder string) int {
	entries, err := filepath.Glob(filepath.Join(folder, "stage", "*", "manifest", "*.json"))
	require.NoError(t, err)
	noted := 0
	for _, path := range entries {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		if strings.Contains(string(text), `"partial":`) {
			noted++
		}
	}
	return noted
}
