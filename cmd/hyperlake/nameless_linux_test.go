//go:build faults && !cgo

package main

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The program starts for a user whom nobody has given a name or a home, as containers have
// them. It needs user namespaces.
func TestAUserWithoutAName(t *testing.T) {
	const nobodysID = 54321
	cmd := exec.Command(os.Args[0], "version")
	cmd.Env = []string{programVariable + "=1", "TMPDIR=" + os.TempDir()}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: nobodysID, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: nobodysID, HostID: os.Getgid(), Size: 1}},
	}
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Contains(t, string(output), "hyperlake ")
}
