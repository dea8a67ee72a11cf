package guard

import (
	"os"
	"syscall"
	"time"
)

// detached starts a guard outside the console's process group, out of reach of Ctrl-C.
func detached() *syscall.SysProcAttr { return OwnGroup() }

// OwnGroup starts a program in a process group of its own, out of reach of the console's Ctrl-C.
func OwnGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// KillGroup ends the process that leads a group, at once. One that is gone is an error.
func KillGroup(group int) error {
	process, err := os.FindProcess(group)
	if err != nil {
		return err
	}
	return process.Kill()
}

// endGroup gives a process the grace to end by itself, then kills it.
func endGroup(group int, grace time.Duration) {
	process, err := os.FindProcess(group)
	if err != nil {
		return
	}
	ended := make(chan struct{})
	go func() {
		_, _ = process.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(grace):
		_ = process.Kill()
	}
}
