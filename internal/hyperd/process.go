package hyperd

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"hyperlake/internal/failure"
	"hyperlake/internal/guard"
	"hyperlake/internal/machine"
	"hyperlake/internal/storage"
)

const (
	startDeadline = 60 * time.Second // from start to callback; it takes 40 ms on an idle machine
	stopGrace     = 8 * time.Second  // for hyperd to end by itself after its callback was closed
	termGrace     = 2 * time.Second  // for hyperd to end after SIGTERM
	crippledGrace = time.Second      // for hyperd to end by itself after it met a limit
	tailBytes     = 4 << 10          // of hyperd's output, kept for error messages

	// maxSocketPath is the longest path that fits a socket address everywhere (104 bytes on macOS).
	maxSocketPath = 103
	socketName    = "hyper"

	// prompts is what hyperd prints when it asks for the password, on one line.
	prompts = "Enter new password: Enter it again:"
)

// process is one running hyperd. Its methods are safe for concurrent use.
type process struct {
	path     string // of the binary
	folder   string // private: the domain socket, and hyperd's working folder
	password string // of this process alone
	cmd      *exec.Cmd
	network  string // "unix" or "tcp"
	address  string
	output   tail
	crippled chan struct{} // closed when it said that it cannot go on, though it may stay
	callback net.Conn      // closing it asks hyperd to stop
	exited   chan struct{} // closed when the process was reaped; waitErr is set before
	waitErr  error
	stopping sync.Once
	asked    chan struct{} // closed when we asked it to stop
	forget   func()        // calls off the cleaning up after a death
	written  places        // where it writes
}

// start starts hyperd and waits until it accepts connections. ctx aborts the waiting
// only: a running hyperd does not depend on it.
func start(ctx context.Context, cfg Config, sharers int) (*process, error) {
	if err := machine.CheckLimits(); err != nil {
		return nil, err
	}
	path, err := cfg.locate(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := socketFolder(cfg.DomainSocketDir)
	if err != nil {
		place := "TMPDIR"
		if cfg.DomainSocketDir != "" {
			place = "hyperd.domain_socket_dir"
		}
		return nil, failure.New(failure.Hyperd, "start hyperd: make a folder for its socket: %w", err).
			WithHint("set %s to a folder that is there and can be written", place)
	}
	forgetFolder := guard.RemoveAtDeath(folder)
	p, err := startIn(ctx, cfg, sharers, path, folder)
	if err != nil {
		forgetFolder()
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	forgetGroup := p.forget
	p.forget = func() { forgetGroup(); forgetFolder() }
	return p, nil
}

func startIn(ctx context.Context, cfg Config, sharers int, path, folder string) (*process, error) {
	cfg.Settings = cfg.Reading.settings(cfg.Settings, folder)
	callback, err := listenForCallback(folder, listenAddress(cfg, folder))
	if err != nil {
		return nil, failure.New(failure.Hyperd, "start hyperd: listen for its callback: %w", err)
	}
	defer callback.close()

	p := &process{
		path: path, folder: folder, password: rand.Text(), exited: make(chan struct{}), asked: make(chan struct{}), crippled: make(chan struct{}),
	}
	p.output.heard = sync.OnceFunc(func() { close(p.crippled) })
	args, err := cfg.args(callback.asked, callback.address(), sharers)
	if err != nil {
		return nil, err
	}
	p.cmd = exec.Command(path, args...)
	p.cmd.Dir = folder // whatever it writes without being told where lands here
	p.cmd.Env = cfg.Reading.environment()
	p.cmd.Stdin = strings.NewReader(strings.Repeat(p.password+"\n", 2)) // where nobody else can read it
	p.cmd.SysProcAttr = guard.OwnGroup()                                // we stop it ourselves, in order
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if err := p.cmd.Start(); err != nil {
		return nil, failure.New(failure.Hyperd, "start hyperd %s: %w", path, err).
			WithHint("run `hyperlake hyperd install`, or point hyperd.path or HYPERD_PATH at a working hyperd")
	}
	p.forget = guard.KillAtDeath(p.cmd.Process.Pid)
	temporary := os.TempDir()
	go func() {
		p.waitErr = p.cmd.Wait()
		removeTransients(temporary, p.cmd.Process.Pid)
		close(p.exited)
	}()
	go p.endWhenCrippled()
	if err := p.awaitCallback(ctx, callback); err != nil {
		_ = guard.KillGroup(p.cmd.Process.Pid)
		<-p.exited
		p.forget()
		return nil, err
	}
	return p, nil
}

// removeTransients removes the files of temporary data that a hyperd left when it was killed: one
// that ends in order removes them itself. Their names have its process id.
func removeTransients(folder string, pid int) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return // what is left goes with the folder
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), fmt.Sprintf("hyper_transient.%d.", pid)) {
			_ = os.Remove(filepath.Join(folder, entry.Name()))
		}
	}
}

// socketFolder makes the private folder of one hyperd. Where the folder for temporary files has a
// path that does not do for a socket, as that of some systems is too long, it is /tmp.
func socketFolder(parent string) (string, error) {
	if parent != "" {
		return privateFolder(parent)
	}
	folder, err := privateFolder(os.TempDir())
	if errors.Is(err, errUnfit) && runtime.GOOS != "windows" {
		return privateFolder("/tmp")
	}
	return folder, err
}

var errUnfit = errors.New("its path does not do for a domain socket")

func privateFolder(parent string) (string, error) {
	folder, err := os.MkdirTemp(parent, "hyperlake-") // made with mode 0700
	if err != nil {
		return "", err
	}
	if why := socketTrouble(folder); why != "" {
		err := fmt.Errorf("folder %s: %w (%s): set hyperd.domain_socket_dir to another one", folder, errUnfit, why)
		return "", errors.Join(err, os.Remove(folder))
	}
	return folder, nil
}

// socketTrouble says why hyperd cannot have a socket in a folder; empty if it can. In its notation of
// addresses, /domain/ ends the folder, and a comma the address.
func socketTrouble(folder string) string {
	if length := len(filepath.Join(folder, socketName)); length > maxSocketPath {
		return fmt.Sprintf("%d characters, at most %d", length, maxSocketPath)
	}
	if runtime.GOOS != "windows" && (strings.Contains(folder, "/domain/") || strings.Contains(folder, ",")) {
		return "it holds /domain/ or a comma"
	}
	return ""
}

// listenAddress says where hyperd is to listen, in its own notation. Windows has no
// domain sockets that hyperd would use; there it is a free port.
func listenAddress(cfg Config, folder string) string {
	switch port := cfg.tcpPort(); {
	case port == portAuto, port == portOff && runtime.GOOS == "windows":
		return "tab.tcp://127.0.0.1:0"
	case port == portOff:
		return domainAddress(folder, socketName)
	default:
		return fmt.Sprintf("tab.tcp://127.0.0.1:%d", port)
	}
}

// awaitCallback waits for hyperd to dial us and to say where it listens.
func (p *process) awaitCallback(ctx context.Context, callback *callback) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	called := make(chan call, 1)
	go func() { called <- callback.accept() }()

	var c call
	select {
	case c = <-called:
	case <-p.exited:
		failed := p.startFailure(fmt.Errorf("it ended (%s)", p.exitStatus()))
		if p.cmd.ProcessState.ExitCode() < 0 { // it was killed
			return failed.Retryable()
		}
		return failed
	case <-ctx.Done():
		callback.close() // ends accept; a caller in the middle of its descriptor ends with hyperd
		return p.startFailure(fmt.Errorf("it did not call back within %s: %w", startDeadline, context.Cause(ctx))).Retryable()
	}
	if c.err != nil {
		return p.startFailure(c.err)
	}
	p.callback, p.network, p.address = c.conn, c.network, c.address
	return nil
}

func (p *process) startFailure(err error) *failure.Error {
	if folder, full := p.fullDisk(); full {
		return noRoom(folder, "hyperd %s did not start on a full disk: %w%s", p.path, err, p.lastWords())
	}
	if hint := machine.HintOfLimits(p.output.String()); hint != "" {
		return failure.New(failure.Hyperd, "hyperd %s did not start: %w%s", p.path, err, p.lastWords()).WithHint("%s", hint)
	}
	return failure.New(failure.Hyperd, "hyperd %s did not start: %w%s", p.path, err, p.lastWords()).
		WithHint("check the hyperd section of the configuration")
}

// stop ends hyperd: by closing its callback, then by signals. It returns when hyperd is
// gone and its folder removed.
func (p *process) stop() {
	p.stopping.Do(func() {
		if p.alive() { // one that died by itself keeps that as its story
			close(p.asked)
		}
		_ = p.callback.Close()
		if !p.exitedWithin(stopGrace) {
			_ = terminateGroup(p.cmd.Process.Pid)
			if !p.exitedWithin(termGrace) {
				_ = guard.KillGroup(p.cmd.Process.Pid)
			}
		}
		<-p.exited
		_ = os.RemoveAll(p.folder)
		p.forget()
	})
	<-p.exited
}

// kill ends hyperd at once. What it was writing is lost.
func (p *process) kill() {
	_ = guard.KillGroup(p.cmd.Process.Pid)
	p.stop()
}

// endWhenCrippled ends a hyperd that cannot start a thread or open a file: it may wait for
// ever for what then does not run.
func (p *process) endWhenCrippled() {
	select {
	case <-p.crippled:
		if !p.exitedWithin(crippledGrace) {
			_ = guard.KillGroup(p.cmd.Process.Pid)
		}
	case <-p.exited:
	}
}

func (p *process) exitedWithin(grace time.Duration) bool {
	select {
	case <-p.exited:
		return true
	case <-time.After(grace):
		return false
	}
}

func (p *process) alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// exitStatus says in words how the process ended. It must have ended.
func (p *process) exitStatus() string {
	if p.waitErr == nil {
		return "exit status 0"
	}
	return p.waitErr.Error()
}

// lastWords is the end of what hyperd printed, as an addition to an error message.
func (p *process) lastWords() string {
	if text := strings.TrimSpace(withoutGreeting(strings.ReplaceAll(p.output.String(), prompts, ""))); text != "" {
		return "; it said: " + text
	}
	return ""
}

// explain turns an error on a connection into one about the process, when that is why.
// A connection breaks a moment before the process can be reaped.
func (p *process) explain(err error) error {
	select {
	case <-p.asked:
		return failure.New(failure.Hyperd, "hyperd was stopped while it was in use: %w", err)
	default:
	}
	if !p.exitedWithin(time.Second) {
		if isLost(err) {
			return failure.New(failure.Hyperd, "the connection to hyperd was lost: %w", err).Retryable().WithHint("%s", storage.Hint(err))
		}
		return err
	}
	if folder, full := p.fullDisk(); full {
		return noRoom(folder, "hyperd ended (%s) on a full disk: %w%s", p.exitStatus(), err, p.lastWords())
	}
	if strings.Contains(p.exitStatus(), filesTooLarge) {
		return failure.New(failure.Storage, "hyperd ended (%s): %w%s", p.exitStatus(), err, p.lastWords()).OnFullDisk().
			WithHint("let files grow larger (see `ulimit -f`), then run again")
	}
	return failure.New(failure.Hyperd, "hyperd ended unexpectedly (%s): %w%s", p.exitStatus(), err, p.lastWords()).
		Retryable().
		WithHint("%s", cmp.Or(machine.HintOfLimits(p.output.String()), hintOfItsLimit(p.output.String()),
			"run it again; if it was killed for lack of memory, set hyperd.memory_limit lower"))
}

// isLost says whether an error is the end of a connection that nobody here wanted.
func isLost(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var network *net.OpError
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// tail keeps the end of what is written to it.
type tail struct {
	mu    sync.Mutex
	data  []byte
	heard func() // called when what is kept speaks of a limit; nil for nobody
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if extra := len(t.data) - tailBytes; extra > 0 {
		t.data = append(t.data[:0], t.data[extra:]...)
	}
	if t.heard != nil && machine.HintOfLimits(string(t.data)) != "" {
		t.heard()
	}
	return len(p), nil
}

// String is the kept output on one line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(strings.Fields(string(t.data)), " ")
}
