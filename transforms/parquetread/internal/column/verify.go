package column

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"hyperlake/transforms/parquetread/internal/format"
)

// verifyAhead is how many bytes Verify reads at once, where a page is not larger.
const verifyAhead = 1 << 20

// Verifier holds the pages of chunks against their checksums, without decoding them. Its
// zero value is ready for use; it keeps memory from one chunk to the next.
type Verifier struct{ pages }

// Verify reads a chunk of src. A chunk whose first page has no checksum has none: it
// passes, and is not read any further.
func (v *Verifier) Verify(src io.ReaderAt, chunk Chunk) error {
	v.stream.open(src, chunk.Offset, chunk.Length, 4<<10)
	v.uncompressed = chunk.Uncompressed
	for left := chunk.Values; left > 0; { // what comes behind the values is padding
		h, err := v.header()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil || !h.HasCRC {
			return err
		}
		v.readAhead = verifyAhead
		stored, err := v.take(int(h.CompressedSize), &v.packed)
		if err != nil {
			return err
		}
		if crc32.ChecksumIEEE(stored) != h.CRC {
			return fmt.Errorf("%w: the checksum of a page does not match", errMalformed)
		}
		if h.Type == format.DataPage || h.Type == format.DataPageV2 {
			left -= int64(h.Values)
		}
	}
	return nil
}
