package storage

import (
	"cmp"
	"path"
	"strings"
)

// Mark is something that says what the folder is in which it lies.
type Mark struct {
	Folder string // URI of the folder, without a slash at its end
	Name   string // as [Store.Search] was asked for it
}

// isFolderMark says whether a mark is a folder, else it is a file.
func isFolderMark(name string) bool { return strings.HasSuffix(name, "/") }

// markFolder is the folder that a mark lies in, or is, as seen from what it marks.
func markFolder(name string) string {
	folder, _, _ := strings.Cut(name, "/")
	return folder
}

// markFolders are those of several marks, each once.
func markFolders(names []string) []string {
	var folders []string
	seen := map[string]bool{}
	for _, name := range names {
		if folder := markFolder(name); !seen[folder] {
			seen[folder] = true
			folders = append(folders, folder)
		}
	}
	return folders
}

// marksAt visits the marks that the path of a file, with slashes, is or lies in: the folder
// that is marked, and the mark.
func marksAt(file string, names []string, visit func(folder, name string)) {
	for _, name := range names {
		if isFolderMark(name) {
			for rest, at := file, 0; ; {
				i := strings.Index(rest, name)
				if i < 0 {
					break
				}
				if start := at + i; start == 0 || file[start-1] == '/' {
					visit(strings.TrimSuffix(file[:start], "/"), name)
				}
				at, rest = at+i+len(name), rest[i+len(name):]
			}
			continue
		}
		folder, last := path.Split(file)
		above, isIn := strings.CutSuffix(folder, markFolder(name)+"/")
		if isIn && (above == "" || strings.HasSuffix(above, "/")) && matchesMark(last, name) {
			visit(strings.TrimSuffix(above, "/"), name)
		}
	}
}

// matchesMark says whether a file of that name, in the folder of the mark, is the mark.
func matchesMark(file, name string) bool {
	_, pattern, _ := strings.Cut(name, "/")
	matched, err := path.Match(pattern, file)
	return err == nil && matched
}

func compareMarks(a, b Mark) int {
	return cmp.Or(strings.Compare(a.Folder, b.Folder), strings.Compare(a.Name, b.Name))
}
