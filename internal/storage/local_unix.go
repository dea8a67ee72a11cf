//go:build unix

package storage

import (
	"errors"
	"os"
	"syscall"
)

func crossDevice(err error) bool { return errors.Is(err, syscall.EXDEV) }

// isHardLinked says whether a file has other names that are no symbolic links. Some file
// systems number their files so that other numbers say nothing; they count no links.
func isHardLinked(stat os.FileInfo) bool {
	if stat == nil {
		return false
	}
	system, ok := stat.Sys().(*syscall.Stat_t)
	return ok && system.Nlink > 1
}

// Sync makes a local file, or the names in a folder, durable. It fails where it cannot be opened or flushed.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
