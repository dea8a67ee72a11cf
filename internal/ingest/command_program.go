package ingest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hyperlake/internal/environment"
	"hyperlake/internal/failure"
	"hyperlake/internal/guard"
	"hyperlake/internal/words"
)

const (
	// pipeGrace is how long the output of a program that was killed is waited for.
	pipeGrace = 2 * time.Second

	// mostLine and mostLines are how many bytes of a line on stderr, and how many lines, go to the log.
	mostLine  = 4 << 10
	mostLines = 1000
)

// program is a program that runs, with all that it has started.
type program struct {
	name   string
	cmd    *exec.Cmd
	stdout *os.File // read by whoever wants what it writes
	ctx    context.Context
	cancel context.CancelFunc
	forget func()        // of the guard
	told   chan struct{} // closed when its stderr has ended
	wait   func() error
}

// startProgram starts a program in a folder, with the environment of all programs and the variables that are named. It is killed, with
// all that it has started, after the timeout, when ctx ends, and when this process dies.
func startProgram(ctx context.Context, options *CommandOptions) (*program, error) {
	name := options.Run[0]
	if filepath.Base(name) != name && !filepath.IsAbs(name) {
		name = filepath.Join(options.Folder, name)
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return nil, failure.New(failure.Source, "start %s: %w", options.Run[0], err)
	}
	defer theirs.Close()
	p := &program{name: options.Run[0], stdout: ours, told: make(chan struct{})}
	if options.Timeout > 0 {
		p.ctx, p.cancel = context.WithTimeoutCause(ctx, options.Timeout, &timeoutError{options.Timeout})
	} else {
		p.ctx, p.cancel = context.WithCancel(ctx)
	}
	stderr, said := io.Pipe()
	p.cmd = exec.CommandContext(p.ctx, name, options.Run[1:]...) //nolint:gosec // it is the user's own command
	p.cmd.Dir, p.cmd.Env = options.Folder, environment.ForPrograms(options.Environment...)
	p.cmd.Stdout, p.cmd.Stderr = theirs, said
	p.cmd.SysProcAttr = guard.OwnGroup()
	p.cmd.Cancel = func() error { return guard.KillGroup(p.cmd.Process.Pid) }
	p.cmd.WaitDelay = pipeGrace
	if err := p.cmd.Start(); err != nil {
		p.cancel()
		return nil, failure.New(failure.Config, "start %s: %w", p.name, errors.Join(err, ours.Close())).
			WithHint("check run: a program of the PATH, or a path that begins in the folder of the configuration")
	}
	p.forget = guard.KillAtDeath(p.cmd.Process.Pid)
	go func() {
		defer close(p.told)
		tell(options.Log, p.name, stderr)
	}()
	p.wait = sync.OnceValue(func() error { return p.end(said) })
	return p, nil
}

// timeoutError is why a program was killed that ran for too long.
type timeoutError struct{ after time.Duration }

// Error is that of error.
func (e *timeoutError) Error() string {
	return fmt.Sprintf("it had not ended after %s, and was killed", e.after)
}

// end waits for the program, whose output was read or is not wanted.
func (p *program) end(said *io.PipeWriter) error {
	err := p.cmd.Wait()
	timedOut := context.Cause(p.ctx)
	_ = guard.KillGroup(p.cmd.Process.Pid) // what it has started, which is gone, as a rule
	p.forget()
	p.cancel()
	_ = said.Close()
	<-p.told
	_ = p.stdout.Close()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) && p.cmd.ProcessState.Success() { // something that it started holds its stderr
		return nil
	}
	if tooLong, ok := errors.AsType[*timeoutError](timedOut); ok {
		return failure.New(failure.Source, "%s: %w", p.name, tooLong).WithHint("raise timeout if it needs longer; nothing of it was kept")
	}
	if timedOut != nil {
		return timedOut
	}
	return failure.New(failure.Source, "%s failed: %w", p.name, err).WithHint("what it said is in the log; nothing of it was kept")
}

// Wait waits until the program has ended, after its output was read to the end. It fails where the program did, or was killed. It may be
// called again.
func (p *program) Wait() error { return p.wait() }

// Kill ends the program at once, if it runs.
func (p *program) Kill() {
	p.cancel()
	_ = p.wait()
}

// tell sends to a log what a program says on stderr, a line each, as long as it is not too much.
func tell(log *slog.Logger, name string, stderr io.Reader) {
	lines := bufio.NewReaderSize(stderr, mostLine)
	for count := 0; ; {
		text, isCut, err := lines.ReadLine()
		if line := strings.TrimSpace(words.Printable(string(text), "\t")); line != "" && count <= mostLines {
			if count++; count > mostLines {
				line = "… and more"
			}
			log.Info("a command says", "command", name, "line", line)
		}
		for isCut && err == nil {
			_, isCut, err = lines.ReadLine()
		}
		if err != nil {
			return
		}
	}
}
