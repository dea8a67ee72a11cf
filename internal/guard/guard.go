// Package guard cleans up after this process when it dies without a chance to do so
// itself (SIGKILL, out of memory, a crash).
//
// The guard is a small process of its own, this same executable started again, that
// holds the reading end of a pipe. However this process ends, the kernel closes the
// other end; the guard then ends the process groups and removes the paths that were
// registered and not forgotten since. In a program whose main does not call [Main],
// registering does nothing.
package guard

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// RoleVariable is set in the environment of a process that was started as a guard.
const RoleVariable = "HYPERLAKE_GUARD"

// groupGrace is how long a process group may take to end by itself (hyperd does when its
// callback connection closes) before the guard kills it.
const groupGrace = time.Second

const (
	removeGrace = 10 * time.Second // for a path that cannot be removed yet
	removeEvery = 100 * time.Millisecond
)

// Main belongs first into main. In a process that was started as a guard it does the
// guard's work and exits; in any other it allows guards to be started.
func Main() {
	if os.Getenv(RoleVariable) == "" {
		shared.mu.Lock()
		shared.enabled = true
		shared.mu.Unlock()
		return
	}
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	watch(os.Stdin)
	os.Exit(0)
}

// RemoveAtDeath has path, with all it holds, removed should this process be killed. The
// path must be absolute. Call forget once it is gone or must stay. Safe for concurrent use.
func RemoveAtDeath(path string) (forget func()) {
	return shared.register("path " + strconv.Quote(path))
}

// KillAtDeath has the process group ended should this process be killed. Call forget as
// soon as the group's leader was reaped. Safe for concurrent use.
func KillAtDeath(group int) (forget func()) { return shared.register("group " + strconv.Itoa(group)) }

var shared sender

// sender is the guarded side: it starts the guard with the first registration.
type sender struct {
	mu      sync.Mutex
	enabled bool
	pipe    io.Writer
}

func (s *sender) register(what string) (forget func()) {
	s.send("+" + what)
	return sync.OnceFunc(func() { s.send("-" + what) })
}

// send tells the guard one line. A guard that cannot be started or that died is not
// worth failing for: whatever a killed run leaves, the next run to that output removes.
func (s *sender) send(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.enabled {
		return
	}
	if s.pipe == nil {
		pipe, err := startGuard()
		if err != nil {
			s.enabled = false
			return
		}
		s.pipe = pipe
	}
	if _, err := fmt.Fprintln(s.pipe, line); err != nil {
		s.enabled = false
	}
}

func startGuard() (io.Writer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), RoleVariable+"=1")
	cmd.Dir = string(os.PathSeparator)
	cmd.SysProcAttr = detached()
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return pipe, nil
}

// remove removes a path. A process that was not registered yet may still write there, and
// is about to end.
func remove(path string) {
	for deadline := time.Now().Add(removeGrace); os.RemoveAll(path) != nil && time.Now().Before(deadline); {
		time.Sleep(removeEvery)
	}
}

// watch reads registrations until the other end of the pipe is closed, then cleans up.
func watch(pipe io.Reader) {
	registered := map[string]bool{}
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		if what, ok := strings.CutPrefix(lines.Text(), "+"); ok {
			registered[what] = true
		} else if what, ok := strings.CutPrefix(lines.Text(), "-"); ok {
			delete(registered, what)
		}
	}
	for what := range registered {
		if number, ok := strings.CutPrefix(what, "group "); ok {
			if group, err := strconv.Atoi(number); err == nil {
				endGroup(group, groupGrace)
			}
		}
	}
	for what := range registered {
		if quoted, ok := strings.CutPrefix(what, "path "); ok {
			if path, err := strconv.Unquote(quoted); err == nil {
				remove(path)
			}
		}
	}
}
