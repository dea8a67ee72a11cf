package scratch

import (
	"debug/buildinfo"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
)

// FindBoot returns the folders below parent that boot made for this program, whether or not a
// worker runs it: folders of this user with nothing but a build of this module in them. A parent that is
// missing has none; one that cannot be read is an error.
func FindBoot(parent string) ([]string, error) {
	entries, err := os.ReadDir(parent)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var found []string
	for _, entry := range entries {
		if path := filepath.Join(parent, entry.Name()); bootNames.MatchString(entry.Name()) && isBootFolder(path) {
			found = append(found, path)
		}
	}
	return found, err
}

func isBootFolder(path string) bool {
	stat, err := os.Lstat(path)
	if err != nil || !stat.IsDir() || !isOurs(stat) {
		return false
	}
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) != 1 || entries[0].Name() != bootProgram || !entries[0].Type().IsRegular() {
		return false
	}
	program, err := buildinfo.ReadFile(BootProgram(path))
	self, ok := debug.ReadBuildInfo()
	return err == nil && ok && program.Main.Path == self.Main.Path
}

func isOurs(stat fs.FileInfo) bool {
	system, ok := stat.Sys().(*syscall.Stat_t)
	return ok && int(system.Uid) == os.Geteuid()
}

// Runs says whether a process runs a program, in this container or in another one: the
// system lets nobody write to it as long as one does. It fails where this user may not write to the program at
// all, or it is gone (fs.ErrNotExist).
func Runs(program string) (bool, error) {
	file, err := os.OpenFile(program, os.O_WRONLY, 0)
	if errors.Is(err, syscall.ETXTBSY) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, file.Close()
}
