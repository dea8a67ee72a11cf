package storage

import (
	"errors"
	"syscall"
)

const errorNotSameDevice = syscall.Errno(17) // of a rename across volumes

func crossDevice(err error) bool { return errors.Is(err, errorNotSameDevice) }

// Sync does nothing: Windows flushes a file through its own handle only, and
// offers no flush of a folder.
func Sync(string) error { return nil }
