// Package storage is where files live outside this process: the lake, staging, and the
// output. Callers name files by URI; a path without a scheme is local.
//
// Every write is atomic: the new name appears with all its bytes or not at all. Every
// read is pinned to the version that was listed: a file that was replaced since then is
// an error, never a mixture.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"
)

// ErrChanged says that a file is no longer the one that was listed.
var ErrChanged = errors.New("the file changed after it was listed")

// Info names one version of one file.
type Info struct {
	URI      string    `json:"uri"`
	Size     int64     `json:"size"` // bytes
	Modified time.Time `json:"modified"`
	Folder   bool      `json:"-"` // only Stat finds folders
}

// Reader reads one version of a file. It is safe for concurrent use.
type Reader interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Store is one kind of storage. A Store is safe for concurrent use.
type Store interface {
	// Glob lists the files that match pattern, sorted by URI. In a pattern, ** matches
	// any number of folders. Files and folders whose names start with _ or . are left
	// out, unless the pattern spells that part of the name out. A pattern without
	// matches is no error; a missing folder neither.
	Glob(ctx context.Context, pattern string) ([]Info, error)

	// Stat describes one file. A missing file is fs.ErrNotExist.
	Stat(ctx context.Context, uri string) (Info, error)

	// Open opens the version that info describes, or fails with ErrChanged or fs.ErrNotExist.
	Open(ctx context.Context, info Info) (Reader, error)

	// Put writes a file whole, atomically, replacing what stood there. Missing folders are made.
	Put(ctx context.Context, uri string, data []byte) error

	// Get reads a small file whole.
	Get(ctx context.Context, uri string) ([]byte, error)

	// RemoveAll removes a file or a folder with all it holds. A missing one is no error.
	RemoveAll(ctx context.Context, uri string) error
}

// For returns the store that holds uri.
func For(uri string) (Store, error) {
	scheme, _, found := strings.Cut(uri, "://")
	if !found {
		return Local{}, nil
	}
	return nil, fmt.Errorf("%s: storage of scheme %q is not supported", uri, scheme)
}

// Join appends path elements to a URI.
func Join(uri string, elem ...string) string {
	return strings.TrimRight(uri, "/") + "/" + strings.Join(elem, "/")
}

// LocalPath returns the path that local programs (hyperd) can open for uri, if there is one.
func LocalPath(uri string) (string, bool) {
	if strings.Contains(uri, "://") {
		return "", false
	}
	return uri, true
}

// EscapeGlob returns a local glob that matches nothing but path.
func EscapeGlob(path string) string {
	if filepath.Separator == '\\' { // there, globs cannot escape with a backslash
		return strings.NewReplacer("[", "[[]", "{", "[{]").Replace(path)
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`).Replace(path)
}
