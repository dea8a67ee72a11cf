//go:build unix

package postgrestest

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// owner is the user who runs the server, which must not be root.
type owner struct{ credential *syscall.Credential }

// newOwner gives files to the owner.
func newOwner(t testing.TB, files ...string) owner {
	t.Helper()
	if os.Geteuid() != 0 {
		return owner{}
	}
	account, err := user.Lookup("postgres")
	require.NoError(t, err, "PostgreSQL does not run as root, and there is no user postgres: install the package postgresql")
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	require.NoError(t, err)
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	require.NoError(t, err)
	for _, file := range files {
		require.NoError(t, os.Chown(file, int(uid), int(gid)))
	}
	return owner{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// own has a command run as the owner, in a folder that the owner may see.
func (o owner) own(command *exec.Cmd) {
	command.Dir = "/"
	if o.credential != nil {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: o.credential}
	}
}

// scratch is where the owner reaches folders: the temporary folder of root may be closed to others.
func scratch() string {
	if os.Geteuid() == 0 {
		return "/tmp"
	}
	return os.TempDir()
}
