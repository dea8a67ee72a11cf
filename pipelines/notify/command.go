package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	"hyperlake/internal/environment"
	"hyperlake/internal/guard"
	"hyperlake/internal/words"
	"hyperlake/pipelines/config"
)

const (
	// pipeGrace is how long the output of a command that has ended, or was killed, is waited for.
	pipeGrace = 200 * time.Millisecond

	// maxSaid and maxLines are how many bytes of the output of a command, and lines, are kept for the log.
	maxSaid  = 4 << 10
	maxLines = 20
)

// run has a command read the message, once: what it did when it failed, nobody knows. What it starts ends with it.
func (n *Notifier) run(ctx context.Context, target config.NotifyConfig, message Message) error {
	input, err := encode(message)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, n.limits.try, fmt.Errorf("it had not ended after %s, and was killed", n.limits.try))
	defer cancel()
	said := &said{}
	cmd := exec.CommandContext(ctx, programOf(target), target.Command[1:]...)
	cmd.Dir, cmd.Env = target.Folder, environment.ForPrograms(target.Environment...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), said, said
	cmd.SysProcAttr = guard.OwnGroup()
	cmd.Cancel = func() error { return guard.KillGroup(cmd.Process.Pid) }
	cmd.WaitDelay = pipeGrace
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start it: %w", err)
	}
	forget := guard.KillAtDeath(cmd.Process.Pid)
	err = cmd.Wait()
	_ = guard.KillGroup(cmd.Process.Pid) // which is gone, as a rule
	forget()
	for _, line := range said.lines() {
		n.log.Info("a command of notify says", "command", target.Command[0], "line", line)
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, exec.ErrWaitDelay): // it ended well, and something that it started did not
		return nil
	}
	return err
}

// said keeps the beginning of what a command writes. It is safe for concurrent use.
type said struct {
	mu   sync.Mutex
	text []byte
	more bool
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := min(len(p), maxSaid-len(s.text))
	s.text = append(s.text, p[:kept]...)
	s.more = s.more || kept < len(p)
	return len(p), nil
}

// lines are those that are not empty.
func (s *said) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for line := range strings.Lines(string(s.text)) {
		if line = strings.TrimSpace(words.Printable(strings.TrimRight(line, "\r\n"), "\t")); line != "" {
			lines = append(lines, line)
		}
	}
	if s.more || len(lines) > maxLines {
		lines = lines[:min(len(lines), maxLines)]
		lines = append(lines, "… and more")
	}
	return lines
}
