//go:build unix

package guard

import (
	"syscall"
	"time"
)

// detached starts a guard in a session of its own, out of reach of the terminal's signals.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// endGroup waits for a process group to end, and kills it when it takes longer than grace.
func endGroup(group int, grace time.Duration) {
	for deadline := time.Now().Add(grace); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if syscall.Kill(-group, 0) == syscall.ESRCH {
			return
		}
	}
	_ = syscall.Kill(-group, syscall.SIGKILL)
}
