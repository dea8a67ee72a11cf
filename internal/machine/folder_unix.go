//go:build unix

package machine

import (
	"io/fs"
	"os"
	"syscall"
)

// closedToOthers says whether a folder is this user's, and nobody else can write to it.
func closedToOthers(folder fs.FileInfo) bool {
	stat, ok := folder.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid() && folder.Mode().Perm()&0o022 == 0
}
