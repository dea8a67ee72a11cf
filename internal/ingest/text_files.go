package ingest

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// textFiles are the files of a source that holds text: listed once, so that what is read is what was looked at.
type textFiles struct {
	patterns    []string // URIs or globs
	compression string   // auto, gzip, zstd or none; "" is auto
	encoding    string   // "" is UTF-8

	program *programText   // what is read instead of files, if it is not nil
	found   []storage.Info // nil before they are listed
}

// list finds the files, each once, in the order of their URIs. There is at least one.
func (f *textFiles) list(ctx context.Context) ([]storage.Info, error) {
	if f.program != nil {
		f.found = []storage.Info{{URI: f.program.name}}
	}
	if f.found != nil {
		return f.found, nil
	}
	var all []storage.Info
	for _, pattern := range f.patterns {
		store, err := storage.For(pattern)
		if err != nil {
			return nil, failure.New(failure.Config, "%w", err)
		}
		matches, err := store.Glob(ctx, pattern)
		if err != nil {
			return nil, failure.New(failure.Source, "list %s: %w", pattern, err).WithHint("%s", storage.Hint(err))
		}
		if len(matches) == 0 {
			return nil, failure.New(failure.Source, "no file matches %s", pattern).
				WithHint("check the path; files and folders whose names start with _ or . are not matched").BeforeData()
		}
		all = append(all, matches...)
	}
	slices.SortFunc(all, func(a, b storage.Info) int { return cmp.Compare(a.URI, b.URI) })
	f.found = slices.CompactFunc(all, func(a, b storage.Info) bool { return a.URI == b.URI })
	return f.found, nil
}

// said tells the number of rows in the name of the files.
func (f *textFiles) said(rows int64, of string) Said {
	if len(f.found) == 1 {
		return Said{Rows: rows, By: fmt.Sprintf("the %s of %s", of, f.found[0].URI)}
	}
	return Said{Rows: rows, By: fmt.Sprintf("the %s of %d files", of, len(f.found))}
}

// textFile is a file that is read from its beginning as UTF-8, whatever it is stored as. Close gives back what it holds.
type textFile struct {
	io.Reader
	name    string
	replace bool // bytes that are not text arrive as U+FFFD, because another encoding was decoded

	check  func(ctx context.Context) error // that nothing is wrong with what was read; known at its end
	closes []func() error
}

// open opens the version of a file that was listed. What fails names the file.
func (f *textFiles) open(ctx context.Context, info storage.Info) (*textFile, error) {
	if f.program != nil {
		return f.program.open(f.encoding)
	}
	store, err := storage.For(info.URI)
	if err != nil {
		return nil, failure.New(failure.Config, "%w", err)
	}
	reader, err := store.Open(ctx, info)
	if err != nil {
		return nil, readFailure(info.URI, err)
	}
	t := &textFile{name: info.URI, closes: []func() error{reader.Close}}
	t.check = func(ctx context.Context) error { return checkUnchanged(ctx, store, info) }
	reader.Prepare([]storage.Range{{Start: 0, Length: reader.Size()}})
	plain, err := t.decompress(io.NewSectionReader(reader, 0, reader.Size()), f.compression)
	if err == nil {
		t.Reader, t.replace, err = decodeText(plain, f.encoding)
	}
	if err != nil {
		return nil, errors.Join(readFailure(info.URI, err), t.Close())
	}
	return t, nil
}

// Close gives back the file.
func (t *textFile) Close() error {
	var errs []error
	for _, closer := range slices.Backward(t.closes) {
		errs = append(errs, closer())
	}
	t.closes = nil
	return errors.Join(errs...)
}

// checkUnchanged says whether a file is still what was listed, now that it has been read: one that is written over while it
// is read may have given some of the old bytes and some of the new.
func checkUnchanged(ctx context.Context, store storage.Store, info storage.Info) error {
	now, err := store.Stat(ctx, info.URI)
	if err == nil && !now.SameVersion(info) {
		err = storage.ErrChanged
	}
	if err != nil {
		return readFailure(info.URI, err)
	}
	return nil
}

const (
	readBuffer   = 1 << 20
	zstdMaxBytes = 128 << 20 // of a window, which is what a reader must keep
)

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// decompress reads what a file holds. A file is compressed if its name or its first bytes say so, unless it was said.
func (t *textFile) decompress(stored io.Reader, compression string) (io.Reader, error) {
	buffered := bufio.NewReaderSize(stored, readBuffer)
	if compression == "" || compression == "auto" {
		start, err := buffered.Peek(len(zstdMagic))
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		compression = compressionOf(t.name, start)
	}
	switch compression {
	case "gzip":
		reader, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, cutOff(err)
		}
		t.closes = append(t.closes, reader.Close)
		return reader, nil
	case "zstd":
		reader, err := zstd.NewReader(buffered, zstd.WithDecoderMaxWindow(zstdMaxBytes), zstd.WithDecoderConcurrency(2))
		if err != nil {
			return nil, err
		}
		t.closes = append(t.closes, func() error { reader.Close(); return nil })
		return reader, nil
	}
	return buffered, nil
}

func compressionOf(name string, start []byte) string {
	switch {
	case strings.HasSuffix(name, ".gz") || bytes.HasPrefix(start, gzipMagic):
		return "gzip"
	case strings.HasSuffix(name, ".zst") || bytes.HasPrefix(start, zstdMagic):
		return "zstd"
	}
	return "none"
}

// cutOff says of an end that came too early that it did.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readFailure is what becomes of an error of a file.
func readFailure(name string, err error) error {
	var known *failure.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return failure.New(failure.Source, "%s is cut off: it ends before its compressed data does", name).
			WithHint("have whoever writes it write it again, under another name until it is whole")
	case errors.Is(err, storage.ErrChanged):
		return failure.New(failure.Source, "%s: %w", name, err).
			WithHint("run again once nobody writes it; whoever writes it should write under another name, and rename it at the end")
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum),
		errors.Is(err, zstd.ErrMagicMismatch), errors.Is(err, zstd.ErrCRCMismatch):
		return failure.New(failure.Source, "%s: its compressed data is damaged, or is none: %w", name, err).
			WithHint("have it written again; if it is not compressed, say compression: none")
	}
	return failure.New(failure.Source, "read %s: %w", name, err).WithHint("%s", storage.Hint(err))
}
