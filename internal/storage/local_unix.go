//go:build unix

package storage

import (
	"errors"
	"os"
	"syscall"
)

func crossDevice(err error) bool { return errors.Is(err, syscall.EXDEV) }

// Sync makes a local file, or the names in a folder, durable.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
