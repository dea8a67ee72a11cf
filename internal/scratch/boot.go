package scratch

import (
	"path/filepath"
	"regexp"
)

// BootParent is where Beam's boot program makes a folder for the program of every worker.
// Boot leaves it there; so does a worker that is killed before it can have it removed.
const BootParent = "/tmp"

const bootProgram = "worker"

var bootNames = regexp.MustCompile(`^bin[0-9]+$`)

// BootFolder returns the folder that boot made for a program alone, and whether it did.
func BootFolder(program string) (folder string, ok bool) {
	folder = filepath.Dir(program)
	return folder, filepath.Base(program) == bootProgram && filepath.Dir(folder) == BootParent && bootNames.MatchString(filepath.Base(folder))
}

// BootProgram is the program in such a folder.
func BootProgram(folder string) string { return filepath.Join(folder, bootProgram) }
