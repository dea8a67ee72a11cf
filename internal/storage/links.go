package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// links knows where local folders are once symbolic links are followed.
type links map[string]place

// place is where a path leads.
type place struct {
	path  string // absolute, without links
	links int    // that the path leads over
}

// find returns where a path leads. A path that cannot be followed leads to itself.
func (l links) find(path string) place {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return place{path: path}
	}
	folder := filepath.Dir(absolute)
	if folder == absolute {
		return place{path: absolute}
	}
	around, known := l[folder]
	if !known {
		around = l.find(folder)
		l[folder] = around
	}
	to := place{filepath.Join(around.path, filepath.Base(absolute)), around.links}
	if stat, err := os.Lstat(to.path); err != nil || stat.Mode()&fs.ModeSymlink == 0 {
		return to
	}
	if real, err := filepath.EvalSymlinks(to.path); err == nil {
		return place{real, to.links + 1}
	}
	return to
}

// around adds a path, as if it were that of a folder, and the folders around it, as it is
// written and as it is without links.
func (l links) around(path string, folders map[string]bool) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return
	}
	for _, folder := range []string{absolute, l.find(absolute).path} {
		for !folders[folder] {
			folders[folder] = true
			folder = filepath.Dir(folder)
		}
	}
}

// linkedFS is a folder for patterns to be looked for in, in which no symbolic link leads round
// for ever. Unlike os.DirFS it knows names that are not UTF-8.
type linkedFS struct {
	ctx   context.Context
	base  string
	most  int // how often a folder may be on the way to a file: as often as parts of the pattern match one
	known links

	followed map[string]int // how often links to a folder were followed
}

// maxFollowed bounds how often links to one folder are followed. It takes several folders full
// of links to each other to reach it.
const maxFollowed = 250

func newLinkedFS(ctx context.Context, base, glob string) *linkedFS {
	most := strings.Count(glob, "/") + 1 - strings.Count(glob, "**/")
	return &linkedFS{ctx: ctx, base: base, most: most, known: links{}, followed: map[string]int{}}
}

func (l *linkedFS) path(name string) string { return filepath.Join(l.base, filepath.FromSlash(name)) }

// Open implements fs.FS; links are followed.
func (l *linkedFS) Open(name string) (fs.File, error) { return os.Open(l.path(name)) }

// ReadDir leaves out links to folders that were passed often enough on the way to this one:
// while the same part of a pattern is looked for, nothing new can be found behind them.
func (l *linkedFS) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(l.path(name))
	var kept []fs.DirEntry
	for _, entry := range entries {
		if entry.Type()&fs.ModeSymlink != 0 {
			link := path.Join(name, entry.Name())
			if l.leadsBack(link) {
				slog.DebugContext(l.ctx, "left out a symbolic link that leads back to a folder around it", "path", l.path(link))
				continue
			}
			if to := l.realPath(link); l.follows(to) > maxFollowed {
				return nil, fmt.Errorf("the symbolic links below %s lead to each other in too many ways, "+
					"of which more than %d end in %s", l.base, maxFollowed, to)
			}
		}
		kept = append(kept, entry)
	}
	return kept, err
}

// follows counts how often links to a folder were followed.
func (l *linkedFS) follows(to string) int {
	if stat, err := os.Stat(to); err != nil || !stat.IsDir() {
		return 0
	}
	l.followed[to]++
	return l.followed[to]
}

// Stat takes a link that leads back to itself for one that leads nowhere.
func (l *linkedFS) Stat(name string) (fs.FileInfo, error) {
	stat, err := os.Stat(l.path(name))
	if errors.Is(err, syscall.ELOOP) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return stat, err
}

// leadsBack says whether a link leads to a folder that was passed often enough.
func (l *linkedFS) leadsBack(link string) bool {
	to, passed := l.realPath(link), 0
	for folder := path.Dir(link); ; folder = path.Dir(folder) {
		if l.realPath(folder) == to {
			passed++
		}
		if folder == "." {
			return passed >= l.most
		}
	}
}

// realPath is where a path leads.
func (l *linkedFS) realPath(name string) string {
	return l.known.find(l.path(name)).path
}
