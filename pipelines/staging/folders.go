package staging

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"hyperlake/internal/storage"
)

// MissingFolders are the folders that have to be made for a local file, the innermost first.
func MissingFolders(file string) []string {
	path, local := storage.LocalPath(file)
	if !local {
		return nil
	}
	var missing []string
	for folder := filepath.Dir(path); ; folder = filepath.Dir(folder) {
		if _, err := os.Lstat(folder); !errors.Is(err, fs.ErrNotExist) {
			return missing
		}
		missing = append(missing, folder)
	}
}

// RemoveEmpty removes folders, of which the first lies in the second, and so on, as far as
// nothing is in them.
func RemoveEmpty(folders []string) {
	for _, folder := range folders {
		if os.Remove(folder) != nil {
			return
		}
	}
}
