//go:build unix

package storage

import (
	"os"

	"golang.org/x/sys/unix"
)

// CheckWritable says what keeps this process from making files in a local folder, as far as
// the system tells without trying: as an *[os.PathError] that names the folder.
func CheckWritable(folder string) error {
	if err := unix.Faccessat(unix.AT_FDCWD, folder, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		return &os.PathError{Op: "write to", Path: folder, Err: err}
	}
	return nil
}
