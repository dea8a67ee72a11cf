package storage

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// FreeBytes is how many bytes this user may still write below a local folder that exists. A missing one is
// fs.ErrNotExist.
func FreeBytes(folder string) (uint64, error) {
	name, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return 0, fmt.Errorf("free space of %s: %w", folder, err)
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, fmt.Errorf("free space of %s: %w", folder, err)
	}
	return free, nil
}
