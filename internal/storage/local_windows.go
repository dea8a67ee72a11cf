package storage

import (
	"errors"
	"os"
	"syscall"
)

const errorNotSameDevice = syscall.Errno(17) // of a rename across volumes

func crossDevice(err error) bool { return errors.Is(err, errorNotSameDevice) }

// isHardLinked says whether a file may have other names: only its number tells.
func isHardLinked(stat os.FileInfo) bool { return stat != nil }

// Sync does nothing: Windows flushes a file through its own handle only, and
// offers no flush of a folder.
func Sync(string) error { return nil }
