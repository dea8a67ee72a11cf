package hyperd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hyperlake/internal/environment"
	"hyperlake/internal/guard"
)

// killDelay is how long to wait for the output of a tool that was killed.
const killDelay = 5 * time.Second

// fetchWith has one command (pip or npm) fetch a release into a new folder below folder,
// and returns the path of the archive. Nothing that the command writes, caches of its own
// configuration aside, is outside of folder. When ctx is done, the command is killed with
// all that it started.
func fetchWith(ctx context.Context, command []string, r release, folder string) (archive string, err error) {
	target, scratch, err := attemptFolders(folder)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, command[0], slices.Concat(command[1:], r.fetchArgs(target))...)
	cmd.Env = fetchEnvironment(scratch)
	if r.tool == npm {
		cmd.Dir = target // else it takes the working folder for a project of its own
	}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = guard.OwnGroup()
	cmd.Cancel = func() error { return guard.KillGroup(cmd.Process.Pid) }
	cmd.WaitDelay = killDelay
	if err := cmd.Start(); err != nil {
		return "", err
	}
	forget := guard.KillAtDeath(cmd.Process.Pid)
	err = cmd.Wait()
	forget()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, lastLines(output.Bytes()))
	}
	return onlyFile(target)
}

// attemptFolders makes the folders of one attempt: for the archive, and for the rest.
func attemptFolders(folder string) (target, scratch string, err error) {
	attempt, err := os.MkdirTemp(folder, "fetch-")
	if err != nil {
		return "", "", err
	}
	target, scratch = filepath.Join(attempt, "archive"), filepath.Join(attempt, "scratch")
	return target, scratch, errors.Join(os.Mkdir(target, 0o700), os.Mkdir(scratch, 0o700))
}

// fetchEnvironment is what pip and npm need of this process's environment, with temporary
// files in scratch.
func fetchEnvironment(scratch string) []string {
	return append(environment.ForFetching(),
		"TMPDIR="+scratch, "TMP="+scratch, "TEMP="+scratch,
		"PIP_REQUIRE_VIRTUALENV=0",  // set by many developers; it guards installations, and this is none
		"npm_config_cache="+scratch, // npm's default needs a home that can be written
		"npm_config_update_notifier=false",
	)
}

// onlyFile is the path of the one file in folder.
func onlyFile(folder string) (string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	if len(entries) != 1 {
		return "", fmt.Errorf("it left %d files where one archive was expected", len(entries))
	}
	return filepath.Join(folder, entries[0].Name()), nil
}

const (
	maxLastLines = 3
	maxLastBytes = 500
)

// lastLines is the end of a program's output in one line, without blank lines and npm's
// remarks: what most likely says why it failed.
func lastLines(output []byte) string {
	var lines []string
	for line := range strings.Lines(string(output)) {
		line = strings.TrimSpace(line)
		lower := strings.ToLower(line) // npm 9 and older write WARN
		if line != "" && !strings.HasPrefix(lower, "npm warn") && !strings.HasPrefix(lower, "npm notice") {
			lines = append(lines, line)
		}
	}
	text := strings.Join(lines[max(0, len(lines)-maxLastLines):], "; ")
	if cut := len(text) - maxLastBytes; cut > 0 {
		text = "…" + text[cut:]
	}
	return strings.ToValidUTF8(text, "")
}
