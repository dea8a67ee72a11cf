package column

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/transforms/parquetread/internal/format"
)

// someText is bytes that compress, other ones for each seed.
func someText(seed uint64, size int) []byte {
	random := rand.New(rand.NewPCG(seed, 1))
	data := make([]byte, size)
	for i := range data {
		data[i] = "aaab"[random.IntN(4)]
	}
	return data
}

func lz4Block(t *testing.T, data []byte) []byte {
	block := make([]byte, lz4.CompressBlockBound(len(data)))
	n, err := lz4.CompressBlock(data, block, nil)
	require.NoError(t, err)
	require.Positive(t, n)
	return block[:n]
}

// frame is Hadoop's frame around blocks of data of some size.
func frame(size int, blocks ...[]byte) []byte {
	data := binary.BigEndian.AppendUint32(nil, uint32(size))
	for _, block := range blocks {
		data = append(binary.BigEndian.AppendUint32(data, uint32(len(block))), block...)
	}
	return data
}

func TestHadoopFrames(t *testing.T) {
	t.Parallel()
	one, two := someText(1, 1000), someText(2, 300)
	both := slices.Concat(one, two)
	first, second := lz4Block(t, one), lz4Block(t, two)
	for name, c := range map[string]struct {
		stored []byte
		isGood bool
	}{
		"a frame of a block":    {frame(1300, lz4Block(t, both)), true},
		"a frame of two blocks": {frame(1300, first, second), true},
		"two frames":            {slices.Concat(frame(1000, first), frame(300, second)), true},
		"an empty frame first":  {slices.Concat(frame(0), frame(1300, first, second)), true},
		"no frame":              {lz4Block(t, both), true},
		"a frame too few":       {frame(1000, first), false},
		"a frame too many":      {slices.Concat(frame(1000, first), frame(300, second), frame(1, []byte{0x10, 'a'})), false},
		"a block too long":      {frame(999, first), false},
		"a frame too long":      {frame(1301, first, second), false},
		"a block that is cut":   {frame(1300, first, second)[:500], false},
		"a size that is cut":    {[]byte{0, 0, 5}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := make([]byte, len(both))
			err := new(codecs).decompress(format.LZ4Hadoop, got, c.stored)
			if !c.isGood {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, both, got)
		})
	}
}

func TestGzipOfSeveralMembers(t *testing.T) {
	t.Parallel()
	var stored bytes.Buffer
	for seed := range uint64(3) {
		w := gzip.NewWriter(&stored)
		_, err := w.Write(someText(seed, 500))
		require.NoError(t, err)
		require.NoError(t, w.Close())
	}
	want := slices.Concat(someText(0, 500), someText(1, 500), someText(2, 500))
	var c codecs
	for range 2 {
		got := make([]byte, len(want))
		require.NoError(t, c.decompress(format.Gzip, got, stored.Bytes()))
		assert.Equal(t, want, got)
	}
	require.ErrorIs(t, c.decompress(format.Gzip, make([]byte, 1000), stored.Bytes()), errMalformed)
	require.Error(t, c.decompress(format.Gzip, make([]byte, 1501), stored.Bytes()))
}
