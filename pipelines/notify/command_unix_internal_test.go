//go:build unix

package notify

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/pipelines/config"
)

// commandOf is a target that runs a shell script in a folder, and a notifier of it with its log.
func commandOf(t *testing.T, script string) (n *Notifier, folder string, log *bytes.Buffer) {
	folder, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "tell.sh"), []byte("#!/bin/sh\n"+script+"\n"), 0o700))
	log = &bytes.Buffer{}
	n = New(config.Told{Name: "sales", Targets: []config.NotifyConfig{{
		Command: []string{"./tell.sh", "the team"}, Environment: []string{"NAMED", "NOT_SET"}, On: []config.NotifyEvent{config.NotifyFailure}, Folder: folder,
	}}}, "run", slog.New(slog.NewTextHandler(log, nil)))
	return n, folder, log
}

func TestCommandGetsTheMessage(t *testing.T) {
	t.Setenv("tab_secret_id", "c4nary")
	t.Setenv("HOOK", "c4nary")
	t.Setenv("NAMED", "it is")
	n, folder, log := commandOf(t, `cat > message.json; env > environment; pwd > folder; echo "$1: $NAMED"; printf 'and\033[31m\n' >&2`)
	n.End(t.Context(), failing, soon)
	text, err := os.ReadFile(filepath.Join(folder, "message.json"))
	require.NoError(t, err)
	var got Message
	require.NoError(t, json.Unmarshal(text, &got))
	assert.EqualValues(t, config.NotifyFailure, got.Event)
	assert.Equal(t, "why", got.Error.Message)
	environment, err := os.ReadFile(filepath.Join(folder, "environment"))
	require.NoError(t, err)
	assert.Contains(t, string(environment), "PATH=")
	assert.Contains(t, string(environment), "NAMED=it is\n")
	assert.NotContains(t, string(environment), "c4nary")
	working, err := os.ReadFile(filepath.Join(folder, "folder"))
	require.NoError(t, err)
	assert.Equal(t, folder+"\n", string(working))
	assert.Contains(t, log.String(), `level=INFO msg="a command of notify says" command=./tell.sh line="the team: it is"`)
	assert.Contains(t, log.String(), `line=and\x1b[31m`)
	assert.Contains(t, log.String(), `msg=notified to=./tell.sh event=failure`)
}

func TestCommandsThatFail(t *testing.T) {
	const killed = "it had not ended after 3s, and was killed"
	cases := []struct{ name, script, says string }{
		{"it fails", "echo once >> tries; exit 3", "exit status 3"},
		{"it reads nothing", "exec <&-; echo once >> tries; exit 0", ""},
		{"it leaves something behind", "sleep 600 & echo $! > left; echo once >> tries", ""},
		{"it hangs, and ignores SIGTERM", "trap '' TERM; echo once >> tries; sleep 600 & echo $! > left; wait; sleep 600", killed},
		{"it says much", "echo once >> tries; exec yes a long line of text that goes on", killed},
		{"one long line", "echo once >> tries; head -c 1000000 /dev/zero | tr '\\0' x", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n, folder, log := commandOf(t, c.script)
			n.limits = patient
			if c.says == killed {
				n.limits.try = 3 * time.Second
			}
			n.End(t.Context(), failing, soon)
			tries, err := os.ReadFile(filepath.Join(folder, "tries"))
			require.NoError(t, err)
			assert.Equal(t, "once\n", string(tries))
			if c.says == "" {
				assert.Contains(t, log.String(), "msg=notified")
			} else {
				assert.Contains(t, log.String(), c.says)
			}
			assert.Less(t, log.Len(), 20_000)
			if left, err := os.ReadFile(filepath.Join(folder, "left")); err == nil {
				pid, err := strconv.Atoi(strings.TrimSpace(string(left)))
				require.NoError(t, err)
				require.Eventually(t, func() bool { return isGone(pid) }, time.Minute, 5*time.Millisecond, "something is left")
			}
		})
	}
}

// isGone says whether a process has ended, be it that nobody has asked how yet.
func isGone(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return syscall.Kill(pid, 0) != nil || err == nil && strings.Contains(string(stat), ") Z ")
}

func TestCommandsThatCannotRun(t *testing.T) {
	t.Parallel()
	n, folder, log := commandOf(t, "")
	require.NoError(t, os.Remove(filepath.Join(folder, "tell.sh")))
	n.End(t.Context(), failing, soon)
	assert.Contains(t, log.String(), "no such file")
	_, err := Check(n.told.Targets[0])
	require.ErrorContains(t, err, "no such file")

	n, folder, log = commandOf(t, "")
	require.NoError(t, os.Chmod(filepath.Join(folder, "tell.sh"), 0o600))
	n.End(t.Context(), failing, soon)
	assert.Contains(t, log.String(), "permission denied")
	_, err = Check(n.told.Targets[0])
	require.ErrorContains(t, err, "permission denied")
}

func TestCheck(t *testing.T) {
	n, folder, _ := commandOf(t, "")
	found, err := Check(n.told.Targets[0])
	require.NoError(t, err)
	assert.Equal(t, "runs "+filepath.Join(folder, "tell.sh"), found)
	t.Setenv("HOOK", "https://hooks.slack.com/services/c4nary")
	found, err = Check(webhook)
	require.NoError(t, err)
	assert.Equal(t, "writes to HOOK (hooks.slack.com) as slack", found)
	found, err = Check(aSwitch)
	require.NoError(t, err)
	assert.Equal(t, "pings HOOK (hooks.slack.com)", found)
	t.Setenv("HOOK", "")
	_, err = Check(webhook)
	require.ErrorContains(t, err, "HOOK is not set")
}
