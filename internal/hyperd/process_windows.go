package hyperd

import (
	"os"
	"syscall"
)

// ownGroup keeps the console's Ctrl-C away from hyperd: we stop it ourselves, in order.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// terminateGroup ends the process: Windows has no milder way for one without a console.
func terminateGroup(pid int) error { return killGroup(pid) }

func killGroup(pid int) error {
	process, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return process.Kill()
}
