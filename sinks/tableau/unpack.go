package tableau

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"strings"
)

// maxDirectoryBytes bounds the list of files in an archive.
const maxDirectoryBytes = 16 << 20

// unpackExtract takes the one .hyper file out of an archive, wherever in it that is, and returns where in the
// folder it is now. Names in the archive decide nothing else.
func unpackExtract(ctx context.Context, archive, folder string, limit int64) (made string, err error) {
	file, err := os.Open(archive)
	if err != nil {
		return "", err
	}
	defer file.Close()
	entry, err := findExtract(file)
	if err != nil {
		return "", err
	}
	if entry.UncompressedSize64 > uint64(limit) {
		return "", fmt.Errorf("its extract has %d bytes, more than %d", entry.UncompressedSize64, limit)
	}
	content, err := entry.Open()
	if err != nil {
		return "", err
	}
	defer content.Close()
	target, err := os.CreateTemp(folder, "download-*"+extensionHyper)
	if err != nil {
		return "", err
	}
	defer func() {
		if err = errors.Join(err, target.Close()); err != nil {
			made = ""
			err = errors.Join(err, os.Remove(target.Name()))
		}
	}()
	return target.Name(), copyWithin(target, &endingReader{ctx, content}, limit)
}

// findExtract finds the one .hyper file of an archive.
func findExtract(file *os.File) (*zip.File, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	bounded := &boundedReaderAt{file: file, left: maxDirectoryBytes}
	reader, err := zip.NewReader(bounded, info.Size())
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fmt.Errorf("it is no archive that can be read: %w", err)
	}
	bounded.left = math.MaxInt64
	var found []*zip.File
	for _, entry := range reader.File {
		if strings.EqualFold(path.Ext(entry.Name), extensionHyper) && entry.Mode().IsRegular() {
			found = append(found, entry)
		}
	}
	switch len(found) {
	case 0:
		return nil, errors.New("it has no extract")
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("it has %d extracts", len(found))
}

// boundedReaderAt reads so many bytes, and no more.
type boundedReaderAt struct {
	file io.ReaderAt
	left int64
}

func (r *boundedReaderAt) ReadAt(p []byte, offset int64) (int, error) {
	if r.left -= int64(len(p)); r.left < 0 {
		return 0, errors.New("its list of files is too long")
	}
	return r.file.ReadAt(p, offset)
}

// endingReader reads until a context ends.
type endingReader struct {
	ctx     context.Context
	content io.Reader
}

func (r *endingReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.content.Read(p)
}
