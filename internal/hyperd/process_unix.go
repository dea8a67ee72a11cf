//go:build unix

package hyperd

import "syscall"

func terminateGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGTERM) }
