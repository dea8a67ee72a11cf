package column

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"

	"hyperlake/transforms/parquetread/internal/format"
)

const (
	// maxHeader bounds a page header. Statistics, which are not read, can make one long.
	maxHeader = 16 << 20
	// sizeSlack is how much a page may be larger than the footer says that its whole
	// chunk is, because old writers left page headers out of that sum.
	sizeSlack = 1 << 20
)

// page is a page of data or of dictionary entries, decompressed. Its bytes are valid
// until the next one is read.
type page struct {
	isDictionary bool
	encoding     format.Encoding
	values       int    // nulls included
	definitions  []byte // levels in RLE; empty where there can be no nulls
	repetitions  []byte // levels in RLE; empty where nothing repeats
	data         []byte
}

// pages reads the pages of a chunk in order.
type pages struct {
	stream
	codecs           codecs
	codec            format.Codec
	uncompressed     int64 // of the whole chunk, in bytes
	definitionBits   int   // of a definition level
	repetitionBits   int   // of a repetition level
	packed, unpacked []byte

	memory     *Memory
	held       int64 // bytes of memory that the page takes
	dictionary int64 // and the dictionary
	start      int64 // offset of the page's header
}

// open starts a chunk.
func (p *pages) open(src io.ReaderAt, column Column, chunk Chunk, readAhead int) {
	p.forget()
	p.memory = chunk.Memory
	p.stream.open(src, chunk.Offset, chunk.Length, readAhead)
	p.codec, p.uncompressed = chunk.Codec, chunk.Uncompressed
	p.definitionBits = bits.Len8(column.Definition)
	p.repetitionBits = bits.Len(uint(len(column.Repeated)))
}

// forget gives back the memory of the page and of the dictionary.
func (p *pages) forget() {
	p.memory.give(p.held + p.dictionary)
	p.held, p.dictionary = 0, 0
}

// reserve takes memory for the page behind a header, in place of that of the page before. Where there
// is not enough, the header is read again the next time.
func (p *pages) reserve(h format.PageHeader, start int64) error {
	p.memory.give(p.held)
	p.held = 0
	size := int64(max(h.CompressedSize, h.UncompressedSize))
	if err := p.memory.take(size); err != nil {
		p.packed, p.unpacked = nil, nil
		p.seek(start)
		return err
	}
	if p.start = start; h.Type == format.DictionaryPage {
		p.dictionary += size
	} else {
		p.held = size
	}
	return nil
}

// next returns the next page of data or of dictionary entries, io.EOF after the last.
func (p *pages) next() (page, error) {
	for {
		start := p.offset()
		h, err := p.header()
		if err == nil {
			err = p.reserve(h, start)
		}
		if err != nil {
			return page{}, err
		}
		p.packed = shrunk(p.packed, int(h.CompressedSize))
		stored, err := p.take(int(h.CompressedSize), &p.packed)
		if err != nil {
			return page{}, err
		}
		if h.HasCRC && crc32.ChecksumIEEE(stored) != h.CRC {
			return page{}, fmt.Errorf("%w: the checksum of a page does not match", errMalformed)
		}
		switch h.Type {
		case format.DataPage:
			return p.dataPage(h, stored)
		case format.DataPageV2:
			return p.dataPageV2(h, stored)
		case format.DictionaryPage:
			data, err := p.unpack(h, stored, int(h.UncompressedSize))
			return page{isDictionary: true, encoding: h.Encoding, values: int(h.Values), data: data}, err
		}
		// Index pages, and whatever else may be added to the format, hold no values.
	}
}

func (p *pages) header() (format.PageHeader, error) {
	for more := 0; ; {
		ahead, err := p.peek(more)
		if err != nil {
			return format.PageHeader{}, err
		}
		if len(ahead) == 0 {
			return format.PageHeader{}, io.EOF
		}
		h, size, err := format.ParsePageHeader(ahead)
		if err == nil {
			p.skip(size)
			return h, p.check(h)
		}
		if !errors.Is(err, format.ErrShort) || len(ahead) <= more || len(ahead) > maxHeader {
			return format.PageHeader{}, err
		}
		more = len(ahead)
	}
}

// hasValues says whether a page with values follows. Bytes that are no page are padding.
func (p *pages) hasValues() bool {
	h, err := p.header()
	return err == nil && (h.Type == format.DataPage || h.Type == format.DataPageV2) &&
		h.Values > 0 && int64(h.CompressedSize) <= p.left()
}

// check refuses sizes that cannot be, before anything is allocated for them.
func (p *pages) check(h format.PageHeader) error {
	switch {
	case h.CompressedSize < 0 || h.UncompressedSize < 0 || h.Values < 0 || h.DefinitionBytes < 0 || h.RepetitionBytes < 0:
		return fmt.Errorf("%w: a size in a page header is negative", errMalformed)
	case int64(h.UncompressedSize) > p.uncompressed+sizeSlack:
		return fmt.Errorf("%w: a page of %d bytes in a chunk of %d", errMalformed, h.UncompressedSize, p.uncompressed)
	case max(h.CompressedSize, h.UncompressedSize) > MaxHeld:
		return errLargePage(int64(max(h.CompressedSize, h.UncompressedSize)), MaxHeld)
	}
	return nil
}

// dataPage takes a page apart whose levels are compressed with its values.
func (p *pages) dataPage(h format.PageHeader, stored []byte) (page, error) {
	data, err := p.unpack(h, stored, int(h.UncompressedSize))
	if err != nil {
		return page{}, err
	}
	result := page{encoding: h.Encoding, values: int(h.Values)}
	if result.repetitions, data, err = levels(data, h.Repetitions, p.repetitionBits, result.values); err != nil {
		return page{}, err
	}
	result.definitions, result.data, err = levels(data, h.Definitions, p.definitionBits, result.values)
	return result, err
}

// dataPageV2 takes a page apart whose levels stand uncompressed before its values.
func (p *pages) dataPageV2(h format.PageHeader, stored []byte) (page, error) {
	levels := int64(h.RepetitionBytes) + int64(h.DefinitionBytes)
	if levels > int64(h.CompressedSize) || levels > int64(h.UncompressedSize) {
		return page{}, fmt.Errorf("%w: levels of %d bytes in a page of %d", errMalformed, levels, h.UncompressedSize)
	}
	result := page{
		encoding: h.Encoding, values: int(h.Values),
		repetitions: stored[:h.RepetitionBytes], definitions: stored[h.RepetitionBytes:levels],
	}
	var err error
	result.data, err = p.unpack(h, stored[levels:], int(h.UncompressedSize)-int(levels))
	return result, err
}

// unpack decompresses stored to size bytes.
func (p *pages) unpack(h format.PageHeader, stored []byte, size int) ([]byte, error) {
	if p.codec == format.Uncompressed || !h.IsCompressed {
		return stored, exact(len(stored), size, nil)
	}
	p.unpacked = resize(shrunk(p.unpacked, size)[:0], size)
	return p.unpacked, p.codecs.decompress(p.codec, p.unpacked, stored)
}
