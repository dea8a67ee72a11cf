package storage

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/sync/errgroup"
)

// around is the marks of a bucket that were seen, and the folders in which they count. The
// bucket itself is the folder "".
type around struct {
	service service
	bucket  string

	mu      sync.Mutex
	seen    map[Mark]bool   // by folders as names in the bucket
	folders map[string]bool // that hold files, and those around them
}

func newAround(service service, bucket string) *around {
	return &around{service: service, bucket: bucket, seen: map[Mark]bool{}, folders: map[string]bool{}}
}

// see notes a mark.
func (a *around) see(folder, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen[Mark{folder, name}] = true
}

// hold notes the folders that an object is in.
func (a *around) hold(name string) {
	for folder := range outward(parentOf(name)) {
		if a.folders[folder] {
			return
		}
		a.folders[folder] = true
	}
}

// parentOf is the folder of an object or folder; that of the bucket is itself.
func parentOf(name string) string {
	return strings.TrimSuffix(name[:strings.LastIndexByte(name, '/')+1], "/")
}

// outward iterates over a folder and those around it, up to that of the bucket.
func outward(folder string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for yield(folder) && folder != "" {
			folder = parentOf(folder)
		}
	}
}

// marks are those that count, sorted, with the URIs of their folders.
func (a *around) marks() []Mark {
	var found []Mark
	for mark := range a.seen {
		if a.folders[mark.Folder] {
			found = append(found, Mark{strings.TrimSuffix(a.service.uri(address{a.bucket, mark.Folder}), "/"), mark.Name})
		}
	}
	slices.SortFunc(found, compareMarks)
	return found
}

// marksAbove looks for marks in the part of a pattern that is none, and in the folders around
// it: these are in no listing of what matches. A pattern that is none may be a folder itself.
func (o *Objects) marksAbove(ctx context.Context, names string, marks []string, around *around) error {
	base, rest := doublestar.SplitPattern(names)
	if base == "." {
		base = ""
	}
	folder := unescape(base)
	if !isPattern(rest) {
		folder = unescape(names)
	}
	folder = strings.TrimRight(folder, "/")
	around.hold(path.Join(folder, "any"))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listAtOnce)
	for at := range outward(folder) {
		for _, inside := range markFolders(marks) {
			group.Go(func() error { return o.marksIn(ctx, at, inside, marks, around) })
		}
	}
	return group.Wait()
}

// marksIn looks for marks in a folder inside another, until there is one.
func (o *Objects) marksIn(ctx context.Context, folder, inside string, marks []string, around *around) error {
	prefix := insideOf(folder) + inside + "/"
	uri := o.uri(address{around.bucket, prefix})
	isMarked := false
	err := o.list(ctx, uri, around.bucket, query{prefix: prefix, flat: true}, func(e entry) bool {
		marksAt(e.name+e.folder, marks, func(of, name string) {
			if of == folder {
				isMarked = true
				around.see(of, name)
			}
		})
		return !isMarked
	})
	if errors.Is(err, fs.ErrPermission) {
		slog.DebugContext(ctx, "a folder may not be listed, and counts as none", "uri", uri)
		return nil
	}
	return err
}
