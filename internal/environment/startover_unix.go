//go:build unix

package environment

import (
	"os"
	"syscall"
)

// startOver has this process run its program from the start, with another environment. It
// returns only if it fails.
func startOver(environment []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return os.NewSyscallError("execve", syscall.Exec(self, os.Args, environment))
}
