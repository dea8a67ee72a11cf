package parquetread

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"hyperlake/internal/storage"
)

const (
	magic          = "PAR1"
	encryptedMagic = "PARE"
	trailer        = 8        // bytes: the footer's length and the magic
	tail           = 64 << 10 // bytes that are read at once, to have most footers in one read
	maxFooter      = 1 << 30
)

// readTail returns the footer of a file in its raw form.
func readTail(r storage.Reader) ([]byte, error) {
	size := r.Size()
	if size == 0 {
		return nil, errors.New("the file is empty (0 bytes)")
	}
	end := make([]byte, min(size, tail))
	if err := readAt(r, end, size-int64(len(end))); err != nil {
		return nil, err
	}
	if size < trailer+int64(len(magic)) {
		return nil, fmt.Errorf("the file is not Parquet: it has %d bytes only", size)
	}
	switch string(end[len(end)-len(magic):]) {
	case magic:
	case encryptedMagic:
		return nil, errEncrypted
	default:
		return nil, errors.New("the file is not Parquet, or it is cut off: it does not end with a footer")
	}
	length := int64(binary.LittleEndian.Uint32(end[len(end)-trailer:]))
	if length > min(size-trailer-int64(len(magic)), maxFooter) {
		return nil, fmt.Errorf("the file is damaged: a footer of %d bytes in a file of %d", length, size)
	}
	if length <= int64(len(end))-trailer {
		return end[int64(len(end))-trailer-length : len(end)-trailer], nil
	}
	footer := make([]byte, length)
	return footer, readAt(r, footer, size-trailer-length)
}

func readAt(r io.ReaderAt, into []byte, offset int64) error {
	n, err := r.ReadAt(into, offset)
	if n == len(into) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read %d bytes at %d: %w", len(into), offset, err)
}
