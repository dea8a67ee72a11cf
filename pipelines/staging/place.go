package staging

import (
	"os"
	"path/filepath"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/internal/words"
)

// CheckLocalPlace looks at the folder in which a run puts something, at a path and before under a
// hidden name that begins with prefix, or at the nearest one around it, in which a run would
// make it. What would keep a run from that is known before any data is read: of kind Storage for a folder
// that may not be written, of kind Config for a file in its place and for a name that is too long. It looks
// at nothing remote.
func CheckLocalPlace(what, key, uri, prefix string) error {
	path, local := storage.LocalPath(uri)
	if !local {
		return nil
	}
	folder := storage.Standing(filepath.Dir(path))
	stat, err := os.Stat(folder)
	if err == nil && !stat.IsDir() {
		return failure.New(failure.Config, "%s %s cannot be made: %s is a file, not a folder", what, path, folder).
			WithHint("set %s to a place in a folder", key)
	}
	if err == nil {
		err = storage.CheckWritable(folder)
	}
	if err != nil {
		return failure.New(failure.Storage, "%s %s cannot be made: %w", what, path, err).
			WithHint("check %s, and the permissions of the folder %s", key, folder).BeforeData()
	}
	if most := maxFileName - runIDLength; len(prefix) > most {
		return failure.New(failure.Config, "%s %s cannot be made: with a name of %d bytes, "+
			"that of a hidden folder beside it would have more than %d", what, path, len(filepath.Base(path)), maxFileName).
			WithHint("set %s to a name that is %s shorter", key, words.Count(int64(len(prefix)-most), "byte"))
	}
	return nil
}

const (
	// maxFileName is how many bytes a name in a folder may have, as file systems allow.
	maxFileName = 255

	// runIDLength is how many characters the id of a run has.
	runIDLength = len("20060102T150405Z-00000000")
)
