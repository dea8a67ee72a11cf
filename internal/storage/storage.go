// Package storage is where files live outside this process: the lake, staging, and the
// output. Callers name files by URI: gs://bucket/name is an object of Google Cloud
// Storage, s3://bucket/key one of Amazon S3 or of what speaks its protocol, az://container/name a blob of Azure's storage, which has
// other names, too ([Canonical]), https://host/path a file of a web server, which is only read; a path without a scheme is local.
//
// Every write is atomic: the new name appears with all its bytes or not at all. Every
// read is pinned to the version that was listed: a file that was replaced since then is
// an error, never a mixture. Transient errors of remote storage are waited out, within
// bounds ([Retry]).
//
// Errors are made for [errors.Is]: fs.ErrNotExist, fs.ErrPermission, [ErrChanged],
// [ErrExists], and the context's own. [Hint] says what a user can do about one.
package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// ErrChanged says that a file is no longer the one that was listed.
var ErrChanged = errors.New("the file changed after it was listed")

// ErrExists says that a file is there that must not be ([IfAbsent]).
var ErrExists = errors.New("the file exists already")

// Info names one version of one file.
type Info struct {
	URI      string    `json:"uri"`
	Size     int64     `json:"size"` // bytes
	Modified time.Time `json:"modified"`
	Version  string    `json:"version,omitempty"` // of a remote object, as its storage tells versions apart; empty for local files
	Folder   bool      `json:"-"`                 // only Stat finds folders
}

// SameVersion says whether both name the same version of the same file: of a remote object by
// what its storage calls it, else by size and time of modification.
func (i Info) SameVersion(other Info) bool {
	if i.URI != other.URI || i.Folder || other.Folder {
		return false
	}
	if i.Version != "" || other.Version != "" {
		return i.Version == other.Version
	}
	return i.Size == other.Size && i.Modified.Equal(other.Modified)
}

// Range is a part of a file, in bytes.
type Range struct {
	Start, Length int64
}

func (r Range) end() int64 { return r.Start + r.Length }

// Reader reads one version of a file. It is safe for concurrent use.
type Reader interface {
	// ReadAt is that of io.ReaderAt.
	io.ReaderAt

	// WriteTo writes the whole file to w, and fails if what arrived does not have the
	// checksum that the storage keeps for it.
	io.WriterTo

	// Close ends whatever the Reader does in the background, before it returns.
	// Reading fails from then on.
	io.Closer

	// Size is that of the file, in bytes.
	Size() int64

	// Prepare announces that ranges will be read soon: each from its start to its end,
	// all at the same time. It takes the place of an earlier announcement, returns at
	// once, and changes how fast ReadAt is, never what it returns.
	Prepare(ranges []Range)
}

// Store is one kind of storage. A Store is safe for concurrent use. A cancelled context
// makes every operation fail with the context's error.
type Store interface {
	// Glob lists the files that match pattern, sorted by URI. In a pattern, ** matches
	// any number of folders. Files and folders whose names start with _ or . are left
	// out, with a debug line in the log, unless the pattern spells that part of the name out. A pattern without
	// matches is no error; a missing folder neither, but a missing bucket is.
	Glob(ctx context.Context, pattern string) ([]Info, error)

	// Search is Glob, and finds the marks in the folders around: in those that hold a file it
	// found, in the part of the pattern that is none, and in all around these. A mark is
	// written as seen from the folder that it marks: _delta_log/ is a folder in it, and
	// metadata/*.metadata.json a file in a folder in it. They come sorted, each once. Marks
	// that may not be looked for count as missing. Nothing is listed more than once for it.
	Search(ctx context.Context, pattern string, marks []string) ([]Info, []Mark, error)

	// Folders lists the names of the folders directly below a folder, sorted, whatever they
	// begin with. Symbolic links are none of them. A missing folder has none, but a missing
	// bucket is an error.
	Folders(ctx context.Context, folder string) ([]string, error)

	// List describes all files below a folder, however deep, in any order and whatever their
	// names begin with; of remote storage with the objects that stand for folders. Symbolic links are
	// not followed. A missing folder has none, but a missing bucket is an error.
	List(ctx context.Context, folder string) ([]Info, error)

	// Stat describes one file or folder. A missing one is fs.ErrNotExist. On remote storage a
	// folder is there as long as a file is below it.
	Stat(ctx context.Context, uri string) (Info, error)

	// Open opens the version that info describes, until Close or until ctx is done.
	// Another version is ErrChanged, a missing file fs.ErrNotExist: at Open for local
	// files, and when bytes are read for remote ones, where Open makes no request.
	Open(ctx context.Context, info Info) (Reader, error)

	// Create begins to write a file, which nobody sees before the Writer commits.
	// Missing folders are made. The Writer works until ctx is done.
	Create(ctx context.Context, uri string, condition Condition) (Writer, error)

	// Put writes a file whole, atomically, replacing what stood there. Missing folders are made.
	Put(ctx context.Context, uri string, data []byte) error

	// Get reads a small file whole.
	Get(ctx context.Context, uri string) ([]byte, error)

	// RemoveAll removes a file or a folder with all it holds. A missing one is no error.
	RemoveAll(ctx context.Context, uri string) error
}

// stores are the clients of all remote URIs by their schemes, so that connections and tokens are shared by
// the whole process. They connect at first use and live as long as the process.
var stores = map[string]Store{
	gcsScheme: NewGCS(ObjectsOptions{}), s3Scheme: NewS3(ObjectsOptions{}),
	azureScheme: microsoft, abfssScheme: microsoft, httpsScheme: NewWeb(ObjectsOptions{}),
}

// microsoft is one client for all names of its storage.
var microsoft = NewAzure(ObjectsOptions{})

// For returns the store that holds uri. A scheme that has none is an error, which says what has.
func For(uri string) (Store, error) {
	scheme, _, found := strings.Cut(uri, "://")
	if !found {
		return Local{}, nil
	}
	if scheme = strings.ToLower(scheme); scheme == httpsScheme && isAccountURL(uri) {
		return microsoft, nil
	}
	if store, found := stores[scheme]; found {
		return store, nil
	}
	if scheme == "http" { // whose URL may hold a secret
		return nil, errors.New("a URL http:// is not read, for everybody on the way could change the file: use https://")
	}
	return nil, fmt.Errorf("%s: storage of scheme %q is not supported: use a local path, gs://bucket/name, s3://bucket/key, "+
		"az://container/name or https://host/path", uri, scheme)
}

// Check says what is wrong with a URI by itself: that there is no storage for it, that it names no place there, or of a web server no
// file. Nobody is asked.
func Check(uri string) error {
	store, err := For(uri)
	objects, ok := store.(*Objects)
	if !ok {
		return err
	}
	_, err = objects.locate(uri)
	if err == nil && ReadOnly(uri) { // where there are no folders
		_, err = objects.file(uri)
	}
	return err
}
