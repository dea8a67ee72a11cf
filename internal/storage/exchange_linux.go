package storage

import "golang.org/x/sys/unix"

// Exchange swaps two local files or folders of one file system in one step. Where the system or the file system cannot, it fails, and
// both are as they were.
func Exchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}
