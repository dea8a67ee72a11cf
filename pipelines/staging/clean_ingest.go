package staging

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hyperlake/internal/ingest"
	"hyperlake/internal/lock"
	"hyperlake/internal/storage"
	"hyperlake/pipelines/config"
)

// cleanIngest cleans the hidden folders beside those of an entry in which killed runs wrote. Where the folders of an entry are named by
// variables, all beside them are its own.
func (c *cleaner) cleanIngest(ctx context.Context, entry config.IngestConfig) {
	to, isLocal := storage.LocalPath(entry.To)
	if !isLocal {
		return
	}
	if resolved, err := filepath.EvalSymlinks(to); err == nil { // as an ingest does
		to = resolved
	}
	parent := filepath.Dir(to)
	found, err := os.ReadDir(parent)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.errs = append(c.errs, fmt.Errorf("look into %s: %w", parent, err))
	}
	for _, one := range found {
		name, id := ingest.HiddenOf(one.Name())
		isOwn := name == filepath.Base(to) || entry.Pinned != entry.To
		if !one.IsDir() || !isOwn || !runIDPattern.MatchString(id) {
			continue
		}
		c.clean(ctx, leftover{
			Cleaned: Cleaned{Path: filepath.Join(parent, one.Name()), RunID: id, Name: entry.Name},
			store:   storage.Local{}, lock: lock.Beside(filepath.Join(parent, name)),
		})
	}
}
