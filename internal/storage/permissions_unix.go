//go:build unix

package storage

import (
	"io/fs"
	"syscall"
)

// umask is what new files of this process are kept from. It cannot be asked for without
// being set, which is safe before main begins: nobody makes files yet.
var umask = func() fs.FileMode {
	mask := syscall.Umask(0o077)
	syscall.Umask(mask)
	return fs.FileMode(mask).Perm()
}()

// keepOwner gives a file the owner and group of another one, else its group alone, and says
// whether the group is kept.
func keepOwner(file given, other fs.FileInfo) bool {
	stat, ok := other.Sys().(*syscall.Stat_t)
	return ok && (file.Chown(int(stat.Uid), int(stat.Gid)) == nil || file.Chown(-1, int(stat.Gid)) == nil)
}
