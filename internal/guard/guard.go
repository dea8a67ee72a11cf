// Package guard cleans up after this process when it dies without a chance to do so
// itself (SIGKILL, out of memory, a crash).
//
// The guard is a small process of its own, this same executable started again, that
// holds the reading end of a pipe. However this process ends, the kernel closes the
// other end; the guard then ends the process groups and removes the paths that were
// registered and not forgotten since. In a program whose main does not call [Main],
// registering does nothing.
//
// What it is told to remove it removes. So nobody is a guard by chance, or because of what
// stands in the environment: it is called one by whoever started it, with a token that is
// the first thing to come out of the pipe.
package guard

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"hyperlake/internal/environment"
)

// role is what a guard is called instead of by its program's name. Its token follows.
const role = "hyperlake-guard"

var tokenPattern = regexp.MustCompile("^[0-9a-f]{32}$")

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
	if !startedAsGuard(os.Args, os.Stdin) {
		shared.mu.Lock()
		shared.enabled = true
		shared.mu.Unlock()
		return
	}
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	watch(os.Stdin, os.Args[1])
	os.Exit(0)
}

// startedAsGuard says whether a process with these arguments is called a guard.
func startedAsGuard(args []string, stdin *os.File) bool {
	if len(args) != 2 || args[0] != role || !tokenPattern.MatchString(args[1]) {
		return false
	}
	stat, err := stdin.Stat()
	return err == nil && stat.Mode()&os.ModeNamedPipe != 0
}

// RemoveAtDeath has path, with all it holds, removed should this process be killed. The
// path must be absolute. Call forget once it is gone or must stay. Safe for concurrent use.
func RemoveAtDeath(path string) (forget func()) {
	return shared.register("path " + strconv.Quote(path))
}

// UnlockAtDeath has the file of a lock removed should this process be killed, unless another process has that lock by then: a lock
// ends with its process, and the next one may take it before anybody has removed the file. Otherwise it is as RemoveAtDeath.
func UnlockAtDeath(path string) (forget func()) {
	return shared.register("lock " + strconv.Quote(path))
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
	secret := make([]byte, 16)
	_, _ = rand.Read(secret) // which does not fail
	token := hex.EncodeToString(secret)
	cmd := exec.Command(self)
	cmd.Args = []string{role, token}
	cmd.Env = environment.ForPrograms()
	cmd.Dir = string(os.PathSeparator)
	cmd.SysProcAttr = detached()
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	_, err = fmt.Fprintln(pipe, token)
	return pipe, err
}

// remove removes a path. A process that was not registered yet may still write there, and
// is about to end.
func remove(path string) {
	for deadline := time.Now().Add(removeGrace); os.RemoveAll(path) != nil && time.Now().Before(deadline); {
		time.Sleep(removeEvery)
	}
}

// watch reads registrations until the other end of the pipe is closed, then cleans up. It
// does nothing for somebody who does not know the token.
func watch(pipe io.Reader, token string) {
	registered := map[string]bool{}
	lines := bufio.NewScanner(pipe)
	if !lines.Scan() || lines.Text() != token {
		return
	}
	for lines.Scan() {
		if what, ok := strings.CutPrefix(lines.Text(), "+"); ok {
			registered[what] = true
		} else if what, ok := strings.CutPrefix(lines.Text(), "-"); ok {
			delete(registered, what)
		}
	}
	each := func(kind string, do func(text string)) {
		for what := range registered {
			if text, ok := strings.CutPrefix(what, kind+" "); ok {
				do(text)
			}
		}
	}
	each("group", func(number string) {
		if group, err := strconv.Atoi(number); err == nil {
			endGroup(group, groupGrace)
		}
	})
	unquoted := func(do func(path string)) func(string) {
		return func(quoted string) {
			if path, err := strconv.Unquote(quoted); err == nil {
				do(path)
			}
		}
	}
	each("path", unquoted(remove))
	var locks []string
	each("lock", unquoted(func(path string) { locks = append(locks, path) }))
	removeLocks(locks) // last, since it waits for those that somebody else has by now
}
