// Package vector reads deletion vectors: which rows of a data file are deleted, in files or in a text, as
// Delta Lake stores them, or in Puffin files, as Iceberg does. It promises that a set of rows that comes out is the
// one that was written: magic numbers, sizes, checksums, the inner order of the set and the number of rows must all
// agree. What it reads is taken for hostile: memory is taken only in proportion to bytes that are there.
package vector

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// Vector says where the deleted rows of a file are written. It travels as JSON.
type Vector struct {
	ID     string `json:"id"`               // tells it from others of the same file
	URI    string `json:"uri,omitempty"`    // of the file that holds it; empty if Inline does
	Puffin bool   `json:"puffin,omitempty"` // whether that is a file of Iceberg's, and not of Delta's
	Offset int64  `json:"offset,omitempty"` // of its length, which precedes it in the file
	Size   int64  `json:"size"`             // bytes, as the table says
	Inline []byte `json:"inline,omitempty"`

	Cardinality int64 `json:"cardinality"` // rows that are deleted, as the table says
}

const (
	maxSize     = 512 << 20 // bytes: over 4,000 million rows, if each is a bit
	fileVersion = 1
	lengthBytes = 4
	sumBytes    = 4
	puffinMagic = "PFA1"
)

// Read returns the numbers of the deleted rows, 0-based in the data file. Damage, and what the table says
// otherwise, are failures of kind Source; so is a file that cannot be read, which may pass if it is
// gone. An error of ctx is returned as it is. It is safe for concurrent use.
func (v Vector) Read(ctx context.Context) (*roaring64.Bitmap, error) {
	rows, err := v.read(ctx)
	if err == nil {
		return rows, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	failed := failure.New(failure.Source, "the deletion vector %s: %w", v.place(), err)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, storage.ErrChanged) {
		return nil, failed.WithHint("files that a newer version of the table does not need may go: run again, to read the newest").Retryable()
	}
	return nil, failed.WithHint("a table that lost a deletion vector cannot be read: restore the file, or an older version of the table")
}

// place names the vector for people.
func (v Vector) place() string {
	if v.URI == "" {
		return "in the log"
	}
	return fmt.Sprintf("at byte %d of %s", v.Offset, v.URI)
}

func (v Vector) read(ctx context.Context) (*roaring64.Bitmap, error) {
	if v.Size < magicBytes || v.Size > maxSize || v.Cardinality < 0 {
		return nil, fmt.Errorf("%d bytes with %d rows cannot be: it has %d to %d bytes", v.Size, v.Cardinality, magicBytes, maxSize)
	}
	raw := v.Inline
	if v.URI != "" {
		var err error
		if raw, err = v.load(ctx); err != nil {
			return nil, err
		}
	} else if int64(len(raw)) != v.Size {
		return nil, fmt.Errorf("it has %d bytes, not the %d that the table says", len(raw), v.Size)
	}
	rows, err := Decode(raw)
	if err != nil {
		return nil, err
	}
	if found := rows.GetCardinality(); found != uint64(v.Cardinality) {
		return nil, fmt.Errorf("it has %d rows, not the %d that the table says", found, v.Cardinality)
	}
	return rows, nil
}

// load reads the bytes of the vector from its file, and checks what stands around them.
func (v Vector) load(ctx context.Context) ([]byte, error) {
	store, err := storage.For(v.URI)
	if err != nil {
		return nil, err
	}
	info, err := store.Stat(ctx, v.URI)
	if err != nil {
		return nil, err
	}
	head := v.head()
	offset := max(v.Offset, int64(len(head))) // no vector can begin where the head stands
	if end := offset + lengthBytes + v.Size + sumBytes; offset > info.Size || end > info.Size {
		return nil, fmt.Errorf("it is cut off: it would end at byte %d of %d", end, info.Size)
	}
	reader, err := store.Open(ctx, info)
	if err != nil {
		return nil, err
	}
	found, raw := make([]byte, len(head)), make([]byte, lengthBytes+v.Size+sumBytes)
	if err = readAt(reader, found, 0); err == nil {
		err = readAt(reader, raw, offset)
	}
	if err = errors.Join(err, reader.Close()); err != nil {
		return nil, err
	}
	switch {
	case string(found) == string(head):
		return v.checked(raw)
	case v.Puffin:
		return nil, fmt.Errorf("the file is no Puffin file: it begins with %q", found)
	}
	return nil, fmt.Errorf("the file has version %d, of which only %d is known", found[0], fileVersion)
}

// head is what a file begins with.
func (v Vector) head() []byte {
	if v.Puffin {
		return []byte(puffinMagic)
	}
	return []byte{fileVersion}
}

func readAt(r storage.Reader, into []byte, offset int64) error {
	if n, err := r.ReadAt(into, offset); n < len(into) {
		return fmt.Errorf("read %d bytes at %d: %w", len(into), offset, err)
	}
	return nil
}

// checked takes a vector out of its length and its checksum.
func (v Vector) checked(raw []byte) ([]byte, error) {
	if length := int64(binary.BigEndian.Uint32(raw)); length != v.Size {
		return nil, fmt.Errorf("it has %d bytes, not the %d that the table says", length, v.Size)
	}
	data, sum := raw[lengthBytes:lengthBytes+v.Size], binary.BigEndian.Uint32(raw[lengthBytes+v.Size:])
	if found := crc32.ChecksumIEEE(data); found != sum {
		return nil, fmt.Errorf("it is damaged: its checksum is %08x, not %08x", found, sum)
	}
	return data, nil
}
