package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lock"
	"hyperlake/internal/storage"
	"hyperlake/sinks/tableau/tableautest"
)

// session is a program that somebody runs at a terminal.
type session struct {
	t        *testing.T
	cmd      *exec.Cmd
	keyboard *os.File
	mu       sync.Mutex // for the screen: its own safe kind hands out cells that the next write changes
	screen   *vt.Emulator
	ended    chan struct{}
}

// Write takes what the program prints.
func (s *session) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.Write(p)
}

// sit runs a program at a terminal of that size.
func sit(t *testing.T, width, height int, cmd *exec.Cmd) *session {
	t.Helper()
	cmd.Env = append(cmd.Env, "TERM=xterm", "NO_COLOR=1")
	s := &session{t: t, cmd: cmd, screen: vt.NewEmulator(width, height), ended: make(chan struct{})}
	var err error
	s.keyboard, err = pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)})
	require.NoError(t, err)
	go func() {
		defer close(s.ended)
		_, _ = io.Copy(s, s.keyboard) // until nobody has the terminal any more
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-s.ended
		_ = s.keyboard.Close()
	})
	return s
}

// lines are those of the screen that are not empty.
func (s *session) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for y := range s.screen.Height() {
		var line strings.Builder
		for x := range s.screen.Width() {
			if cell := s.screen.CellAt(x, y); cell != nil {
				line.WriteString(cell.Content)
			} else {
				line.WriteString(" ")
			}
		}
		if text := strings.TrimRight(line.String(), " "); text != "" {
			lines = append(lines, text)
		}
	}
	return lines
}

// unbroken is what lines say that were broken between words.
func unbroken(lines []string) string {
	return strings.Join(strings.Fields(strings.Join(lines, " ")), " ")
}

// await waits until the last line on the screen is like that, and returns all of them.
func (s *session) await(last string) []string {
	s.t.Helper()
	var lines []string
	like := regexp.MustCompile(last)
	require.Eventually(s.t, func() bool {
		lines = s.lines()
		select {
		case <-s.ended:
			return true
		default:
			return len(lines) > 0 && like.MatchString(lines[len(lines)-1])
		}
	}, time.Minute, 5*time.Millisecond, "no line like %s", last)
	require.Regexp(s.t, like, strings.Join(lines[max(0, len(lines)-1):], ""), "what stands last of %q", lines)
	return lines
}

// end waits for the program, and returns what stands on the screen then.
func (s *session) end() []string {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(time.Minute):
		s.t.Fatalf("it does not end: %q", s.lines())
	}
	return s.lines()
}

// A long run shows below its messages how far it is, on a terminal of any size; Ctrl-C ends it, and says what stays.
func TestALongRunOnATerminal(t *testing.T) {
	for _, size := range []struct{ width, height int }{{80, 24}, {40, 10}} {
		t.Run(fmt.Sprint(size.width), func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			cmd := program(t, folder, nil, "generate", runOf(t, folder, 20), "--set", "staging="+filepath.Join(folder, "stage"),
				"--set", "runner.parallelism=4", "--set", "validate.engine=go")
			s := sit(t, size.width, size.height, cmd)
			require.Eventually(t, func() bool {
				noted, err := filepath.Glob(filepath.Join(folder, "stage", "*", "manifest", "*.json"))
				return err == nil && slices.ContainsFunc(noted, func(path string) bool {
					text, err := os.ReadFile(path)
					return err == nil && strings.Contains(string(text), `"partial":`)
				})
			}, time.Minute, 5*time.Millisecond, "no partial is finished")
			lines := s.await(`^load .*[1-9] %.*  \d:\d\d$`)
			assert.Regexp(t, `^planned \(20 tables, `, lines[0])
			for _, line := range lines[:len(lines)-1] {
				assert.NotRegexp(t, `load .*%`, line, "one line, and it is the last")
			}
			_, err := s.keyboard.WriteString("\x03")
			require.NoError(t, err)
			said := unbroken(s.end())
			assert.Equal(t, 130, cmd.ProcessState.ExitCode(), said)
			assert.Contains(t, said, "Ctrl-C once more ends at once")
			assert.Contains(t, said, "run this again with --resume")
			assert.Contains(t, said, "interrupted by interrupt; the output is as it was before, and what is finished")
			assert.NotRegexp(t, `load .*%`, said, "the line is gone")
		})
	}
}

// A run that hangs when it is to end says that Ctrl-C once more ends it, which it does at once; what it began is removed all the same.
func TestCtrlCTwice(t *testing.T) {
	t.Parallel()
	folder, scratch := t.TempDir(), folderIn(t, "")
	full := filepath.Join(folder, "full")
	require.NoError(t, syscall.Mkfifo(full, 0o600))
	pipe, err := os.OpenFile(full, os.O_RDWR|syscall.O_NONBLOCK, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = pipe.Close() })
	require.NoError(t, pipe.SetWriteDeadline(time.Now().Add(time.Second)))
	_, err = pipe.Write(make([]byte, 1<<20)) // nobody reads: the report has no room, and whoever writes it cannot be interrupted
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)

	cmd := program(t, folder, []string{"TMPDIR=" + scratch}, "generate", runOf(t, folder, 1), "--report", full)
	s := sit(t, 80, 24, cmd)
	s.await(`0 rejected, [0-9,]+ loaded$`)
	hyperdPID := childNamed(cmd.Process.Pid, "hyperdMain")
	require.NotZero(t, hyperdPID)
	_, err = s.keyboard.WriteString("\x03")
	require.NoError(t, err)
	s.await(`interrupted: ending in order; Ctrl-C once more ends at once$`)
	_, err = s.keyboard.WriteString("\x03")
	require.NoError(t, err)
	said := s.end()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	assert.True(t, status.Signaled() && status.Signal() == syscall.SIGINT, "it did not end by itself: %s, %q", cmd.ProcessState, said)
	require.Eventually(t, func() bool {
		left, err := os.ReadDir(scratch)
		stat, statErr := os.ReadFile(fmt.Sprintf("/proc/%d/stat", hyperdPID))
		return err == nil && len(left) == 0 && (statErr != nil || strings.Contains(string(stat), ") Z "))
	}, time.Minute, 10*time.Millisecond, "something stays")
}

// A run that waits says on its line for whom, as long as it waits.
func TestWaitingAtATerminal(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	other, err := lock.Try(t.Context(), filepath.Join(folder, ".long.hyper.lock"), "20261130T020000Z-0badcafe", storage.UsualLease)
	require.NoError(t, err)
	s := sit(t, 120, 24, program(t, folder, nil, "generate", runOf(t, folder, 1), "--lock-wait", "1h"))
	lines := s.await(`^wait: for run 20261130T020000Z-0badcafe on .+, since \d\d:\d\d UTC  \d:\d\d$`)
	assert.Contains(t, strings.Join(lines, ""), "waiting for the lock of the output")
	require.NoError(t, other.Release(t.Context()))
	assert.Contains(t, strings.Join(s.end(), "\n"), "extract is in place: ")
}

// Somebody who interrupts an upload learns what the server may have, and that it is safe to repeat.
func TestCtrlCWhilePublishing(t *testing.T) {
	t.Parallel()
	server, err := tableautest.Start(tableautest.Config{Tokens: map[string]string{tokenName: tokenSecret}, JobTime: time.Hour})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	folder := t.TempDir()
	lake, err := filepath.Abs("../../testdata/lake/orders/*.parquet")
	require.NoError(t, err)
	config := fmt.Sprintf("name: orders\ntables: [{source: {uri: %q}}]\npublish: {datasource: Orders, mode: create, allow_http: true, as_job: true}\n", lake)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "orders.yaml"), []byte(config), 0o600))
	cmd := program(t, folder, nil, "run", "orders.yaml")
	cmd.Env = append(cmd.Env, "tab_site_url="+server.URL, "tab_site_id=", "tab_pat_name="+tokenName, "tab_secret_id="+tokenSecret)
	s := sit(t, 80, 24, cmd)
	s.await(`^publish: waits for job .+ of the server  \d:\d\d$`)
	_, err = s.keyboard.WriteString("\x03")
	require.NoError(t, err)
	lines := s.end()
	said := unbroken(lines)
	assert.Equal(t, 130, cmd.ProcessState.ExitCode(), said)
	assert.Contains(t, said, "extract is in place: ")
	assert.Contains(t, said, "not published: Orders on ")
	assert.Regexp(t, "interrupted by interrupt; job .+ of the server goes on with what was sent; it is safe to repeat, no row is added twice: `hyperlake publish orders.yaml`", said)
}

// Sentences for people are on terminals only, and not where a format of the log was asked for.
func TestSentencesAreForTerminals(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	config := runOf(t, folder, 1)
	s := sit(t, 80, 24, program(t, folder, nil, "generate", config))
	lines := s.end()
	assert.Regexp(t, `^planned \(1 table, [0-9,]+ rows, 1 shard, format version \d\)$`, lines[0])
	assert.NotContains(t, strings.Join(lines, ""), "level=")

	s = sit(t, 200, 24, program(t, folder, nil, "generate", config, "--log-format", "text"))
	assert.Regexp(t, `^time=\S+ level=INFO msg=planned `, s.end()[0])
	piped, err := program(t, folder, nil, "generate", config).CombinedOutput()
	require.NoError(t, err)
	assert.Regexp(t, `^time=\S+ level=INFO msg=planned `, string(piped))
}
