package ingest

import (
	"sync"

	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/klauspost/compress/zstd"
)

// The levels of zstd at which pages are compressed.
const (
	zstdFast    = 1
	zstdDefault = 3
)

// zstdCodec is the Arrow module's codec of that name, but for pages that are written: the module sets up an encoder for every page, which
// costs as much as to use it. It is safe for concurrent use.
type zstdCodec struct{ compress.Codec }

func init() {
	if module, err := compress.GetCodec(compress.Codecs.Zstd); err == nil { // which is the place that the module has for others
		compress.RegisterCodec(compress.Codecs.Zstd, zstdCodec{module})
	}
}

// Encode compresses a page to a frame, which has a checksum.
func (c zstdCodec) Encode(dst, src []byte) []byte { return c.EncodeLevel(dst, src, zstdDefault) }

// EncodeLevel does so at the fast level, or at the default one.
func (c zstdCodec) EncodeLevel(dst, src []byte, level int) []byte {
	encoder := defaultEncoder
	if level == zstdFast {
		encoder = fastEncoder
	}
	frames, err := encoder()
	if err != nil { // never: the options are right
		return c.Codec.EncodeLevel(dst, src, level)
	}
	return frames.EncodeAll(src, dst[:0])
}

var (
	fastEncoder    = sync.OnceValues(func() (*zstd.Encoder, error) { return newEncoder(zstdFast) })
	defaultEncoder = sync.OnceValues(func() (*zstd.Encoder, error) { return newEncoder(zstdDefault) })
)

// newEncoder sets up an encoder for as many pages at a time as columns are encoded, each of which takes some megabytes.
func newEncoder(level int) (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)), zstd.WithWindowSize(mostPageBytes),
		zstd.WithEncoderConcurrency(columnsAtOnce()), zstd.WithZeroFrames(true),
		zstd.WithAllLitEntropyCompression(true)) // also of texts in which nothing is there twice
}

// paysDefault says whether the default level, which takes up to twice the time, saves a sixteenth of a page like this one or more.
func paysDefault(page []byte) bool {
	codec := zstdCodec{}
	return len(codec.EncodeLevel(nil, page, zstdFast))-len(codec.Encode(nil, page)) > len(page)/16
}
