//go:build unix

package guard

import (
	"syscall"
	"time"
)

// detached starts a guard in a session of its own, out of reach of the terminal's signals.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// OwnGroup starts a program in a process group of its own, out of reach of the terminal's Ctrl-C.
func OwnGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// KillGroup ends a process group that was started so, at once. One that is gone is an error.
func KillGroup(group int) error { return syscall.Kill(-group, syscall.SIGKILL) }

// endGroup waits for a process group to end, and kills it when it takes longer than grace.
// It returns when the group is gone, as a rule: what it writes can be removed then.
func endGroup(group int, grace time.Duration) {
	if !endsWithin(group, grace) {
		_ = KillGroup(group)
		endsWithin(group, grace)
	}
}

func endsWithin(group int, grace time.Duration) bool {
	for deadline := time.Now().Add(grace); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if syscall.Kill(-group, 0) == syscall.ESRCH {
			return true
		}
	}
	return false
}
