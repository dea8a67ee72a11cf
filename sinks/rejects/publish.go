package rejects

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// ownNames matches the files that Publish writes, and nothing else removes or replaces.
const ownNames = "part-*.parquet"

// Publish makes folder, local or remote, hold copies of exactly these files, in the order of
// their URIs: part-00000-RUNID.parquet and so on. It replaces what an earlier Publish left
// there, refuses a folder that holds anything else ([CheckFolder]), and may be repeated.
//
// Whoever reads a local folder finds the old files or the new ones, whatever happens, on
// Linux without a moment between them. Rejects are values of rows, which may be personal
// data: nobody but this user may read a local file, or enter a folder that Publish makes; one
// that is there keeps its permissions and its owner. On object storage the new objects are all there before the
// old ones go. After an error the old files are there; there some may be gone when it is
// their removal that failed. Errors are failures of kind Storage.
func Publish(ctx context.Context, files []File, folder, runID string) error {
	if err := CheckFolder(ctx, folder); err != nil {
		return err
	}
	sorted := inOrder(files)
	var err error
	if local, ok := storage.LocalPath(folder); ok {
		err = publishLocal(ctx, sorted, local, runID)
	} else {
		err = publishRemote(ctx, sorted, folder, runID)
	}
	if err != nil {
		return failure.New(failure.Storage, "publish rejects to %s: %w", folder, err).WithHint("%s", storage.Hint(err))
	}
	return nil
}

// inOrder are files in the order in which they are published.
func inOrder(files []File) []File {
	return slices.SortedFunc(slices.Values(files), func(a, b File) int { return cmp.Compare(a.URI, b.URI) })
}

// Withdraw removes from a folder on object storage what Publish put there for that run, wherever that had come to: for a run that finds
// out too late that another one writes the folder by now. Errors are failures of kind Storage.
func Withdraw(ctx context.Context, folder, runID string) error {
	store, err := storage.For(folder)
	if err == nil {
		var found []storage.Info
		found, err = store.Glob(ctx, storage.Join(storage.EscapeGlob(folder), "part-*-"+runID+".parquet"))
		for _, info := range found {
			err = errors.Join(err, store.RemoveAll(ctx, info.URI))
		}
	}
	if err != nil {
		return failure.New(failure.Storage, "withdraw rejects from %s: %w", folder, err).WithHint("%s", storage.Hint(err))
	}
	return nil
}

// Save makes folder hold copies of exactly these files, as Publish does, and returns references to the copies,
// so that [Carry] finds them. Errors are failures of kind Storage.
func Save(ctx context.Context, files []File, folder, runID string) ([]File, error) {
	if err := Publish(ctx, files, folder, runID); err != nil {
		return nil, err
	}
	saved := inOrder(files)
	for i := range saved {
		uri := storage.Join(folder, partName(i, runID))
		info, err := storage.Stat(ctx, uri)
		if err != nil {
			return nil, failure.New(failure.Storage, "look at the saved rejects: %w", err).WithHint("%s", storage.Hint(err))
		}
		saved[i].URI, saved[i].Version = uri, info.Version
	}
	return saved, nil
}

func partName(index int, runID string) string {
	return fmt.Sprintf("part-%05d-%s.parquet", index, runID)
}

// CheckFolder refuses a folder that holds what Publish does not write, for Publish replaces
// folders as a whole. A missing one is fine. Errors are failures of kind Storage.
func CheckFolder(ctx context.Context, folder string) error {
	foreign, err := findForeign(ctx, folder)
	if err != nil {
		return failure.New(failure.Storage, "look into the folder of rejects %s: %w", folder, err).WithHint("%s", storage.Hint(err))
	}
	if foreign != "" {
		return failure.New(failure.Storage, "the folder of rejects %s holds %q, which is no reject file", folder, foreign).
			WithHint("set rejects.path to a folder of its own: it is replaced as a whole")
	}
	return nil
}

// findForeign returns the name of something in a folder that Publish did not write, or "".
func findForeign(ctx context.Context, folder string) (string, error) {
	if local, ok := storage.LocalPath(folder); ok {
		return findForeignLocal(local)
	}
	found, err := listRemote(ctx, folder)
	if err != nil {
		return "", err
	}
	for _, info := range found {
		name := info.URI[len(storage.Join(folder, "")):]
		if own, _ := path.Match(ownNames, name); !own { // the pattern is well-formed
			return name, nil
		}
	}
	return "", nil
}

// copyFile copies a staged file, and checks that it is the one that was written.
func copyFile(ctx context.Context, file File, uri string) error {
	source, err := openStaged(ctx, file)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := storage.CreatePrivate(ctx, uri, storage.Any())
	if err != nil {
		return err
	}
	defer target.Abort()
	sum := sha256.New()
	size, err := source.WriteTo(io.MultiWriter(target, sum))
	if err != nil {
		return err
	}
	if size != file.Bytes || hex.EncodeToString(sum.Sum(nil)) != file.SHA256 {
		return fmt.Errorf("%s is not what was written there: %w", file.URI, storage.ErrChanged)
	}
	_, err = target.Commit()
	return err
}

func openStaged(ctx context.Context, file File) (storage.Reader, error) {
	store, err := storage.For(file.URI)
	if err != nil {
		return nil, err
	}
	info := storage.Info{URI: file.URI, Size: file.Bytes, Version: file.Version}
	if file.Version == "" {
		if info, err = store.Stat(ctx, file.URI); err != nil {
			return nil, err
		}
	}
	return store.Open(ctx, info)
}

// listRemote lists the objects below a folder.
func listRemote(ctx context.Context, folder string) ([]storage.Info, error) {
	store, err := storage.For(folder)
	if err != nil {
		return nil, err
	}
	return store.Glob(ctx, storage.Join(storage.EscapeGlob(folder), "**"))
}

// publishRemote puts the new objects beside the old ones, and then removes these.
func publishRemote(ctx context.Context, files []File, folder, runID string) error {
	old, err := listRemote(ctx, folder)
	if err != nil {
		return err
	}
	store, err := storage.For(folder)
	if err != nil {
		return err
	}
	obsolete := make(map[string]bool) // URIs
	for _, info := range old {
		obsolete[info.URI] = true
	}
	var made []string
	for i, file := range files {
		uri := storage.Join(folder, partName(i, runID))
		if !obsolete[uri] { // else it is of an earlier try of this run
			made = append(made, uri)
		}
		if err := copyFile(ctx, file, uri); err != nil {
			return errors.Join(err, removeAll(context.WithoutCancel(ctx), store, made))
		}
		delete(obsolete, uri)
	}
	if ctx.Err() != nil { // before an old one is gone
		return errors.Join(context.Cause(ctx), removeAll(context.WithoutCancel(ctx), store, made))
	}
	for _, info := range old {
		if obsolete[info.URI] {
			err = errors.Join(err, store.RemoveAll(ctx, info.URI))
		}
	}
	return err
}

func removeAll(ctx context.Context, store storage.Store, uris []string) error {
	var err error
	for _, uri := range uris {
		err = errors.Join(err, store.RemoveAll(ctx, uri))
	}
	return err
}
