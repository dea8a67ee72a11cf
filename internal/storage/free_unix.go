//go:build unix

package storage

import (
	"fmt"
	"syscall"
)

// FreeBytes is how many bytes this user may still write below a local folder that exists. A missing one is
// fs.ErrNotExist.
func FreeBytes(folder string) (uint64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(folder, &stat); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", folder, err)
	}
	return uint64(stat.Bavail) * uint64(stat.Bsize), nil //nolint:unconvert // the types differ between systems
}
