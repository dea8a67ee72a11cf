package column

import (
	"bytes"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/golang/snappy"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"hyperlake/transforms/parquetread/internal/format"
)

// codecs decompresses pages. What is costly to make is made once, when it is needed.
type codecs struct {
	source bytes.Reader
	gzip   gzip.Reader
	brotli brotli.Reader
	zstd   *zstd.Decoder
}

// decompress fills dst, whose length is that of the data, from src.
func (c *codecs) decompress(codec format.Codec, dst, src []byte) error {
	if len(dst) == 0 {
		return nil
	}
	if err := c.fill(codec, dst, src); err != nil {
		return fmt.Errorf("%s page: %w", codec, err)
	}
	return nil
}

func (c *codecs) fill(codec format.Codec, dst, src []byte) error {
	switch codec {
	case format.Snappy:
		if err := checkSnappySize(src, len(dst)); err != nil {
			return err
		}
		_, err := snappy.Decode(dst, src)
		return err
	case format.LZ4:
		n, err := lz4.UncompressBlock(src, dst)
		return exact(n, len(dst), err)
	case format.LZ4Hadoop:
		return fillHadoop(dst, src)
	case format.Zstd:
		return c.fillZstd(dst, src)
	case format.Gzip:
		c.source.Reset(src)
		if err := c.gzip.Reset(&c.source); err != nil {
			return err
		}
		return readExactly(&c.gzip, dst)
	case format.Brotli:
		c.source.Reset(src)
		if err := c.brotli.Reset(&c.source); err != nil {
			return err
		}
		return readExactly(&c.brotli, dst)
	}
	return fmt.Errorf("the codec is %w", ErrUnsupported)
}

// checkSnappySize makes sure that src says of itself that it becomes size bytes: Decode would
// allocate whatever it says.
func checkSnappySize(src []byte, size int) error {
	if n, err := snappy.DecodedLen(src); err != nil || n != size {
		return fmt.Errorf("%w: %d bytes instead of %d", errMalformed, n, size)
	}
	return nil
}

func (c *codecs) fillZstd(dst, src []byte) error {
	if c.zstd == nil {
		decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return err
		}
		c.zstd = decoder
	}
	out, err := c.zstd.DecodeAll(src, dst[:0:len(dst)])
	return exact(len(out), len(dst), err)
}

func exact(got, want int, err error) error {
	if err == nil && got != want {
		return fmt.Errorf("%w: %d bytes instead of %d", errMalformed, got, want)
	}
	return err
}

// readExactly fills dst and reads on to the end, where checksums are verified.
func readExactly(r io.Reader, dst []byte) error {
	if n, err := io.ReadFull(r, dst); err != nil {
		return fmt.Errorf("%w: %d bytes instead of %d", err, n, len(dst))
	}
	var more [1]byte
	n, err := r.Read(more[:])
	if n == 0 && err == io.EOF {
		return nil
	}
	return exact(len(dst)+n, len(dst), err)
}
