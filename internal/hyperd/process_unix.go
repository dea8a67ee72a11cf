//go:build unix

package hyperd

import "syscall"

// ownGroup keeps the terminal's Ctrl-C away from hyperd: we stop it ourselves, in order.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func terminateGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGTERM) }

func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }
