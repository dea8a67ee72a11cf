package column

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/transforms/parquetread/internal/format"
)

// Verifier looks for damage in chunks of flat columns that a reader of Parquet might not notice, or
// not take for the same: it compares the sizes and counts of pages with each other, holds pages against
// the checksums they have, and looks into them as far as that takes little time or other readers are known
// not to. What it finds fault with may be sound all the same: a Reader tells. Its zero value is ready for
// use; it keeps memory from one chunk to the next.
type Verifier struct {
	pages
	reader Reader
	snappy snappyScan
	levels []byte // of a page
}

// errOdd says that a page is of a form that readers may take for different things.
var errOdd = fmt.Errorf("%w: a page has an odd form", errMalformed)

// verifyAhead is how many bytes Verify reads at once, where a page is not larger.
const verifyAhead = 4 << 10

// Verify reads a chunk of src, and returns how many bytes its largest page takes together with its
// dictionary. Some of what is wrong is found by Finish only, or with a later chunk. Its error says what is wrong, or is
// src's own. Where a chunk turns out to take more than [MaxHeld], it ends early: that is no error.
func (v *Verifier) Verify(src io.ReaderAt, column Column, chunk Chunk) (bytes int64, err error) {
	v.open(src, column, chunk, verifyAhead)
	var dictionary, largest int64
	for left, isFirst := chunk.Values, true; left > 0; isFirst = false {
		h, err := v.header()
		switch {
		case errors.Is(err, io.EOF):
			return 0, fmt.Errorf("%w: the column ends %d values early", errMalformed, left)
		case err != nil:
			return 0, err
		}
		size := int64(h.UncompressedSize)
		switch h.Type {
		case format.DictionaryPage:
			isPlain := h.Encoding == format.Plain || h.Encoding == format.PlainDictionary
			if dictionary = size; !isPlain || !isFirst || v.offset()+int64(h.CompressedSize) != chunk.Data {
				return 0, errOdd
			}
		case format.DataPage, format.DataPageV2:
			left, largest = left-int64(h.Values), max(largest, size)
		default:
			return 0, errOdd
		}
		if dictionary+largest > MaxHeld {
			return dictionary + largest, nil // too large to look into
		}
		if err := v.anyPage(h); err != nil {
			return 0, err
		}
		if left < 0 {
			return 0, errMoreValues
		}
	}
	if v.hasValues() {
		return 0, errMoreValues
	}
	if isNarrow(column.Type) {
		err = v.decode(src, column, chunk)
	}
	return dictionary + largest, err
}

// Finish ends the looking into pages of all chunks before, and returns what was wrong with any of them that was not
// told yet.
func (v *Verifier) Finish() error { return v.snappy.finish() }

// isNarrow says whether values of a type are stored with more bits than the type has: readers may cut
// off what does not fit.
func isNarrow(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.INT8, arrow.INT16, arrow.UINT8, arrow.UINT16:
		return true
	}
	return false
}

// decodedRows is how many rows of a chunk are decoded at once.
const decodedRows = 64 << 10

// decode reads all values of a chunk.
func (v *Verifier) decode(src io.ReaderAt, column Column, chunk Chunk) error {
	if err := v.reader.Open(src, column, chunk, verifyAhead); err != nil {
		return err
	}
	for rows := int64(0); rows < chunk.Rows; {
		values, err := v.reader.Next(decodedRows)
		if err != nil {
			return err
		}
		rows += int64(values.Len())
	}
	return nil
}

const largePage = 16 << 20

// largePages is held while a large page is looked into, of which this process holds one at a time.
var largePages sync.Mutex

// anyPage verifies the page behind its header.
func (v *Verifier) anyPage(h format.PageHeader) error {
	if max(h.CompressedSize, h.UncompressedSize) < largePage {
		return v.page(h)
	}
	largePages.Lock()
	defer largePages.Unlock()
	defer func() { v.packed, v.unpacked, v.codecs, *v.snappy.buffer() = nil, nil, codecs{}, nil }()
	return v.page(h)
}

// page verifies a page.
func (v *Verifier) page(h format.PageHeader) error {
	isV1 := h.Type == format.DataPage && v.definitionBits > 0
	if isV1 && h.Definitions != format.RLE || h.RepetitionBytes > 0 || v.definitionBits == 0 && h.DefinitionBytes > 0 {
		return errOdd
	}
	if v.codec == format.Uncompressed && h.CompressedSize != h.UncompressedSize {
		return errOdd
	}
	if v.codec == format.Uncompressed && !h.HasCRC && v.definitionBits == 0 {
		return v.pass(int(h.CompressedSize)) // whatever it holds
	}
	into := &v.packed
	if v.codec == format.Snappy {
		into = v.snappy.buffer()
	}
	stored, err := v.take(int(h.CompressedSize), into)
	if err != nil {
		return err
	}
	if h.HasCRC && crc32.ChecksumIEEE(stored) != h.CRC {
		return fmt.Errorf("%w: the checksum of a page does not match", errMalformed)
	}
	size := int(h.UncompressedSize)
	if h.Type == format.DataPageV2 {
		levels := int(h.DefinitionBytes)
		if levels > len(stored) || levels > size {
			return errOdd
		}
		if err := v.checkLevels(stored[:levels], h); err != nil {
			return err
		}
		stored, size = stored[levels:], size-levels
	}
	if v.codec == format.Uncompressed || !h.IsCompressed || size == 0 {
		if len(stored) != size && (v.codec == format.Uncompressed || !h.IsCompressed) {
			return errOdd
		}
		return v.checkPrefixed(h, isV1, func(dst []byte) error { return fillFrom(dst, stored) })
	}
	return v.compressed(h, isV1, stored, size)
}

// compressed verifies the bytes of a page that become size bytes.
func (v *Verifier) compressed(h format.PageHeader, hasLevels bool, stored []byte, size int) error {
	switch v.codec {
	case format.Snappy:
		if err := checkSnappySize(stored, size); err != nil {
			return err
		}
		if err := v.snappy.add(stored); err != nil {
			return err
		}
		return v.checkPrefixed(h, hasLevels, func(dst []byte) error { return snappyPrefix(dst, stored) })
	case format.Gzip: // has checksums of its own, which every reader looks at
		return v.checkPrefixed(h, hasLevels, func(dst []byte) error { return v.codecs.gzipPrefix(dst, stored) })
	}
	if h.HasCRC {
		return nil
	}
	v.unpacked = resize(v.unpacked[:0], size)
	if err := v.codecs.decompress(v.codec, v.unpacked, stored); err != nil {
		return err
	}
	return v.checkPrefixed(h, hasLevels, func(dst []byte) error { return fillFrom(dst, v.unpacked) })
}

func fillFrom(dst, src []byte) error {
	if copy(dst, src) < len(dst) {
		return errShortPage()
	}
	return nil
}

// checkPrefixed verifies the levels that a page of version 1 begins with, behind their length.
func (v *Verifier) checkPrefixed(h format.PageHeader, hasLevels bool, fill func(dst []byte) error) error {
	if !hasLevels {
		return nil
	}
	const length = 4
	v.levels = resize(v.levels[:0], length)
	if err := fill(v.levels); err != nil {
		return err
	}
	size := int64(littleEndian(v.levels))
	if size > int64(h.UncompressedSize)-length {
		return errShortPage()
	}
	v.levels = resize(v.levels, length+int(size))
	if err := fill(v.levels); err != nil {
		return err
	}
	return v.checkLevels(v.levels[length:], h)
}

// checkLevels makes sure that definition levels are there for all values, and within their bits.
func (v *Verifier) checkLevels(block []byte, h format.PageHeader) error {
	if v.definitionBits == 0 {
		return nil
	}
	definitions := newRuns(block, v.definitionBits)
	return definitions.skip(int(h.Values))
}

// gzipPrefix fills dst with the start of what src decompresses to.
func (c *codecs) gzipPrefix(dst, src []byte) error {
	c.source.Reset(src)
	if err := c.gzip.Reset(&c.source); err != nil {
		return err
	}
	_, err := io.ReadFull(&c.gzip, dst)
	return err
}
