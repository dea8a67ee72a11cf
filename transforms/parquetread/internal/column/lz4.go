package column

import (
	"encoding/binary"
	"fmt"

	"github.com/pierrec/lz4/v4"
)

// fillHadoop decompresses LZ4 as Hadoop frames it. Writers that did not know of the
// frames stored bare blocks under the same codec.
func fillHadoop(dst, src []byte) error {
	framedErr := fillFrames(dst, src)
	if framedErr == nil {
		return nil
	}
	n, err := lz4.UncompressBlock(src, dst)
	if err != nil || n != len(dst) {
		return framedErr
	}
	return nil
}

// fillFrames decompresses frames: the size of the data, then blocks of it behind their
// sizes until there is as much. Sizes are big-endian.
func fillFrames(dst, src []byte) error {
	for len(dst) > 0 {
		size, rest, err := frameSize(src)
		if err != nil || size > len(dst) {
			return fmt.Errorf("%w: a frame of %d bytes where %d are left", errMalformed, size, len(dst))
		}
		frame := dst[:size]
		dst, src = dst[size:], rest
		for len(frame) > 0 {
			size, rest, err := frameSize(src)
			if err != nil || size > len(rest) {
				return fmt.Errorf("%w: a block of %d bytes where %d are left", errMalformed, size, len(rest))
			}
			n, err := lz4.UncompressBlock(rest[:size], frame)
			if err != nil {
				return err
			}
			frame, src = frame[n:], rest[size:]
		}
	}
	return exact(len(src), 0, nil)
}

func frameSize(src []byte) (size int, rest []byte, err error) {
	if len(src) < 4 {
		return 0, nil, errShortPage()
	}
	return int(binary.BigEndian.Uint32(src)), src[4:], nil
}
