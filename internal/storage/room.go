package storage

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dustin/go-humanize"
)

// fullHint says what to do about a disk that is full: the one that err names, if it does.
func fullHint(err error) string {
	hint := "make room on the disk, then run again"
	var one *fs.PathError
	var two *os.LinkError
	if errors.As(err, &one) {
		hint = RoomHint(one.Path)
	} else if errors.As(err, &two) {
		hint = RoomHint(two.New)
	}
	switch {
	case errors.Is(err, syscall.EFBIG):
		return "let files grow larger (see `ulimit -f`, and what the file system allows), or " + hint
	case errors.Is(err, syscall.EDQUOT):
		return "raise the quota of this user, or " + hint
	}
	return hint
}

// RoomHint says what to do about a disk that is full, the one of a local path that need not
// be there, and how much room it has now.
func RoomHint(path string) string {
	folder := standing(path)
	room := ""
	if free, err := FreeBytes(folder); err == nil {
		room = ", which has " + humanize.IBytes(free) + " free now"
	}
	return "make room on the disk of " + folder + room + ", then run again"
}

// standing is the nearest folder around a path, or the path itself, that is there.
func standing(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	for {
		stat, err := os.Stat(path)
		around := filepath.Dir(path)
		if err == nil && stat.IsDir() || around == path {
			return path
		}
		path = around
	}
}

// LeastRoom is that of some folders on whose disk the least room is left, and how many bytes
// that is. Folders that cannot be asked are passed over; ok says whether any was left.
func LeastRoom(folders []string) (folder string, free uint64, ok bool) {
	for _, candidate := range folders {
		room, err := FreeBytes(candidate)
		if err == nil && (!ok || room < free) {
			folder, free, ok = candidate, room, true
		}
	}
	return folder, free, ok
}
