package hyperd

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"strings"
)

// checksum is the checksum of a file in the notation of like, which is a checksum itself.
func checksum(ctx context.Context, path, like string) (sum string, err error) {
	kind, encode := sha256.New, func(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }
	if strings.HasPrefix(like, "sha512-") {
		kind, encode = sha512.New, func(h hash.Hash) string { return "sha512-" + base64.StdEncoding.EncodeToString(h.Sum(nil)) }
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := kind()
	if _, err := io.Copy(h, contextReader{ctx, file}); err != nil {
		return "", err
	}
	return encode(h), nil
}

// maxText is more bytes than a text in an archive has.
const maxText = 1 << 20

// unpack writes one member of an archive (a zip, or a gzipped tar) to a new executable
// file, and makes it durable. The member must have exactly size bytes. That the archive
// is the right one is for its [checksum] to say, beforehand.
func unpack(ctx context.Context, archive, member string, size int64, to string) error {
	// One byte more than expected is enough to know that it is another file.
	written, err := unpackAtMost(ctx, archive, member, size+1, to, 0o777)
	if err == nil && written != size {
		err = fmt.Errorf("%s in %s: it does not have the expected size of %d bytes", member, archive, size)
	}
	return err
}

// unpackText does so with a member that is a text of any size up to [maxText], and not executable.
func unpackText(ctx context.Context, archive, member, to string) error {
	written, err := unpackAtMost(ctx, archive, member, maxText+1, to, 0o666)
	if err == nil && written > maxText {
		err = fmt.Errorf("%s in %s: it has more than %d bytes, too many for a text", member, archive, maxText)
	}
	return err
}

// unpackAtMost writes the first bytes of a member to a new file, and says how many there were.
func unpackAtMost(ctx context.Context, archive, member string, bytes int64, to string, mode fs.FileMode) (written int64, err error) {
	source, err := openMember(archive, member)
	if err != nil {
		return 0, fmt.Errorf("%s in %s: %w", member, archive, err)
	}
	defer source.Close()
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	written, err = io.Copy(file, io.LimitReader(contextReader{ctx, source}, bytes))
	if err != nil {
		return written, fmt.Errorf("%s in %s: %w", member, archive, err)
	}
	return written, file.Sync()
}

// openMember opens one file in an archive for reading.
func openMember(archive, member string) (io.ReadCloser, error) {
	if strings.HasSuffix(archive, ".whl") {
		return openZipMember(archive, member)
	}
	return openTarMember(archive, member)
}

// archiveMember is an open file in an archive, closed with the archive.
type archiveMember struct {
	io.Reader
	io.Closer
}

func openZipMember(archive, member string) (io.ReadCloser, error) {
	reader, err := zip.OpenReader(archive)
	if err != nil {
		return nil, err
	}
	file, err := reader.Open(member)
	if err != nil {
		return nil, errors.Join(err, reader.Close())
	}
	return archiveMember{file, reader}, nil
}

func openTarMember(archive, member string) (io.ReadCloser, error) {
	file, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	reader, err := findInTar(file, member)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return archiveMember{reader, file}, nil
}

func findInTar(file io.Reader, member string) (io.Reader, error) {
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	reader := tar.NewReader(unzipped)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil, fs.ErrNotExist
		}
		if err != nil {
			return nil, err
		}
		if header.Name == member {
			return reader, nil
		}
	}
}

// contextReader fails once its context is done.
type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p)
}
