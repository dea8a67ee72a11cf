package storage

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"strings"
	"time"
)

// ObjectsOptions adjust an [Objects]. The zero value is what users get.
type ObjectsOptions struct {
	Endpoint  string // base URL of a server to use instead of the one that the environment names
	Retry     Retry  // how long transient errors are waited out
	ReadAhead int64  // bytes that one Reader holds; 0 is 32 MiB (see [Reader.Prepare])
	Chunk     int    // bytes that one Writer holds, and sends at once; 0 is 8 MiB
}

func (o ObjectsOptions) filled() ObjectsOptions {
	if o.Retry == (Retry{}) {
		o.Retry = DefaultRetry()
	}
	if o.ReadAhead == 0 {
		o.ReadAhead = 32 << 20
	}
	if o.Chunk == 0 {
		o.Chunk = 8 << 20
	}
	return o
}

// Objects is the [Store] of one service of objects. Nothing is sent before the first use.
type Objects struct {
	service
	options ObjectsOptions
}

var _ Store = (*Objects)(nil)

// service is a kind of object storage: the little in which they differ. All methods are safe for concurrent use. Errors of
// those that take no URI may be the service's own, which explain makes ours.
type service interface {
	// locate finds the address that a URI names.
	locate(uri string) (address, error)

	// uri is the spelling of an address in which listings have it.
	uri(p address) string

	// page lists what query selects in a bucket, in the order of names: the first page where token is empty, else the one
	// that it stands for. next stands for the page after that; it is empty if there is none.
	page(ctx context.Context, bucket string, query query, token string) (page []entry, next string, err error)

	// attributes describes one object.
	attributes(ctx context.Context, p address) (entry, error)

	// connect asks for the bytes of an object from start to end, which is wholeObject for all there are: of that version, or of
	// the one that stands there if it is empty. Errors that may pass are waited out, within the bounds of Retry; alive
	// is called at each of them.
	connect(ctx context.Context, p address, version string, start, end int64, alive func()) (*answer, error)

	// remove removes that version of an object, or a folder where it is empty, unless something is in that. It is safe to repeat.
	remove(ctx context.Context, p address, version string) error

	// create begins to write an object, in requests of at most that many bytes. The Writer works until ctx is done.
	create(ctx context.Context, p address, condition Condition, chunk int) (Writer, error)

	// copy has the service copy a version. It fails as [Copy] does, and with errors.ErrUnsupported where the bytes have to pass
	// through this process.
	copy(ctx context.Context, info Info, uri string, condition Condition) (Info, error)

	// explain turns an error into one that names uri and that callers can test: a missing object, version or bucket is
	// fs.ErrNotExist, a condition that did not hold ErrChanged. When ctx is done, that is the error.
	explain(ctx context.Context, uri string, err error) error
}

// address is what a URI names in a service: an object, a folder, or a bucket, which is where the name is empty.
type address struct {
	bucket string // that or whatever holds objects
	name   string
}

// locateIn finds the address in a URI of a scheme, of which usage is an example.
func locateIn(scheme, uri, usage string) (address, error) {
	path, ok := strings.CutPrefix(uri, scheme+"://")
	if !ok {
		return address{}, fmt.Errorf("%s: not a URI of the scheme %s", uri, scheme)
	}
	bucket, name, _ := strings.Cut(path, "/")
	if bucket == "" {
		return address{}, fmt.Errorf("%s: the name of the bucket is missing: use %s", uri, usage)
	}
	return address{bucket, name}, nil
}

// uri is the URI of a scheme that locateIn finds it by.
func (p address) uri(scheme string) string { return scheme + "://" + p.bucket + "/" + p.name }

// inside is what the names of objects in a folder begin with; nothing for that of a bucket.
func (p address) inside() string { return insideOf(p.name) }

func insideOf(folder string) string {
	if folder = strings.TrimRight(folder, "/"); folder == "" {
		return ""
	}
	return folder + "/"
}

// query selects objects of a bucket.
type query struct {
	prefix string // of their names
	flat   bool   // what is in folders behind the prefix is left out, and their names come instead
}

// entry is what a service says of an object, or with folder alone the name of one.
type entry struct {
	name     string
	folder   string // common beginning of several names, up to a slash; nothing else is set then
	size     int64
	modified time.Time
	version  string
	isFolder bool // an object that the service itself has for a folder
}

// isFile tells an object that holds data from one that stands for a folder, and from the name of one.
func (e entry) isFile() bool {
	if e.isFolder || e.name == "" || strings.HasSuffix(e.name, "/") {
		return false
	}
	return e.size > 0 || !strings.HasSuffix(e.name, hadoopFolders)
}

// info describes an object by its URI.
func (e entry) info(uri string) Info {
	return Info{URI: uri, Size: e.size, Modified: e.modified.UTC(), Version: e.version}
}

// answer is the bytes of one version of an object, as they come.
type answer struct {
	io.ReadCloser
	version string
	size    int64     // of the whole object; -1 if that is not told
	sum     hash.Hash // of the checksum that is kept with the object; nil if none is
	kept    []byte    // that checksum
}

// file finds the object that a URI names, which must not be a folder.
func (o *Objects) file(uri string) (address, error) {
	p, err := o.locate(uri)
	if err == nil && (p.name == "" || strings.HasSuffix(p.name, "/")) {
		err = fmt.Errorf("%s: this is a folder, not a file", uri)
	}
	return p, err
}

// Stat implements [Store].
func (o *Objects) Stat(ctx context.Context, uri string) (Info, error) {
	p, err := o.locate(uri)
	if err != nil {
		return Info{}, err
	}
	if p.name != "" && !strings.HasSuffix(p.name, "/") {
		found, err := o.describe(ctx, uri, p)
		switch {
		case err == nil && found.isFolder:
			return Info{URI: uri, Folder: true}, nil
		case err == nil:
			return found.info(uri), nil
		case !errors.Is(err, fs.ErrNotExist):
			return Info{}, err
		}
		p.name += "/"
	}
	found := p.name == "" // a bucket is a folder, even an empty one
	err = o.list(ctx, uri, p.bucket, query{prefix: p.name}, func(entry) bool {
		found = true
		return false
	})
	if err == nil && !found {
		err = fmt.Errorf("%s: %w", uri, fs.ErrNotExist)
	}
	if err != nil {
		return Info{}, err
	}
	return Info{URI: uri, Folder: true}, nil
}

// describe describes one object.
func (o *Objects) describe(ctx context.Context, uri string, p address) (entry, error) {
	limited, cancel := context.WithTimeout(ctx, o.options.Retry.limit())
	defer cancel()
	found, err := o.attributes(limited, p)
	return found, o.explain(ctx, uri, err)
}

// Open implements [Store]. The Reader keeps at most ReadAhead bytes, or 256 KiB for each
// range that is prepared, if that is more.
func (o *Objects) Open(ctx context.Context, info Info) (Reader, error) {
	if info.Version == "" {
		return nil, fmt.Errorf("%s: its version is not known: list it first", info.URI)
	}
	p, err := o.file(info.URI)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", info.URI, err)
	}
	return newObjectReader(ctx, o, p, info), nil
}

// Get implements [Store]. The bytes have the checksum that is kept with the object.
func (o *Objects) Get(ctx context.Context, uri string) ([]byte, error) {
	p, err := o.file(uri)
	if err != nil {
		return nil, err
	}
	whole := newBody(ctx, o, p, "", 0, wholeObject)
	defer whole.Close()
	data, err := io.ReadAll(whole)
	return data, o.explain(ctx, uri, err)
}

// Create implements [Store].
func (o *Objects) Create(ctx context.Context, uri string, condition Condition) (Writer, error) {
	return o.write(ctx, uri, condition, o.options.Chunk)
}

// Put implements [Store].
func (o *Objects) Put(ctx context.Context, uri string, data []byte) error {
	_, err := again(func() (Info, error) {
		w, err := o.write(ctx, uri, Any(), min(o.options.Chunk, len(data)+1)) // which may be allocated at once
		if err != nil {
			return Info{}, err
		}
		return writeAll(w, data)
	})
	return err
}

func (o *Objects) write(ctx context.Context, uri string, condition Condition, chunk int) (Writer, error) {
	p, err := o.file(uri)
	if err != nil {
		return nil, err
	}
	if err := condition.check(uri); err != nil {
		return nil, err
	}
	return o.create(ctx, p, condition, chunk)
}

// copyWithin has the service copy a version.
func (o *Objects) copyWithin(ctx context.Context, info Info, uri string, condition Condition) (Info, error) {
	if info.Version == "" {
		return Info{}, fmt.Errorf("%s: its version is not known: list it first", info.URI)
	}
	if err := condition.check(uri); err != nil {
		return Info{}, err
	}
	for _, file := range []string{info.URI, uri} {
		if _, err := o.file(file); err != nil {
			return Info{}, err
		}
	}
	return o.copy(ctx, info, uri, condition)
}
