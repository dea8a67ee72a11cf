package vector

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

const (
	magic       = 1681511377 // of the portable format, in little-endian
	nativeMagic = 1681511376 // of a format that Delta's first writers had
	magicBytes  = 4
)

// Decode reads a set of rows in Delta's form: a magic number, and a roaring bitmap of 64 bits in its portable
// format. Bytes that are left over, values out of order and whatever else a writer would not write are errors.
func Decode(raw []byte) (*roaring64.Bitmap, error) {
	if len(raw) < magicBytes {
		return nil, fmt.Errorf("it has %d bytes only", len(raw))
	}
	switch found := binary.LittleEndian.Uint32(raw); found {
	case magic:
	case nativeMagic:
		return nil, errors.New("it is in the native format of roaring bitmaps, which is not implemented: only the portable one is")
	default:
		return nil, fmt.Errorf("it is damaged: its magic number is %d, not %d", found, magic)
	}
	set := raw[magicBytes:]
	if err := check(set); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	rows := roaring64.New()
	if _, err := rows.ReadFrom(bytes.NewReader(set)); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	return rows, nil
}
