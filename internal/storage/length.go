package storage

import (
	"io/fs"
	"runtime"
	"syscall"
)

// addedNames is how many characters of names runs add to the path of a folder, at most.
const addedNames = 200

// maxPath is how long a path may be; 0 where that is not known.
func maxPath() int {
	switch runtime.GOOS {
	case "linux":
		return 4095
	case "darwin":
		return 1023
	}
	return 0
}

// CheckLength fails for a local folder whose path leaves no room for the names below it, with ENAMETOOLONG.
// That is better known before there are any.
func CheckLength(folder string) error {
	if most := maxPath(); most > 0 && len(folder)+addedNames > most {
		return &fs.PathError{Op: "make files in", Path: folder, Err: syscall.ENAMETOOLONG}
	}
	return nil
}
