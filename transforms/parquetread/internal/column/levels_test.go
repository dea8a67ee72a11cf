package column

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/transforms/parquetread/internal/format"
)

// packHigh packs levels of a number of bits, from the highest bit of each byte on.
func packHigh(width int, levels ...uint8) []byte {
	data := make([]byte, (width*len(levels)+7)/8)
	for i, level := range levels {
		for b := range width {
			if level>>(width-1-b)&1 == 1 {
				at := i*width + b
				data[at/8] |= 0x80 >> (at % 8)
			}
		}
	}
	return data
}

func TestLevelsThatArePackedFromTheHighestBit(t *testing.T) {
	t.Parallel()
	// Parquet's specification has this example for levels 0 to 7 of three bits.
	assert.Equal(t, []byte{0b00000101, 0b00111001, 0b01110111}, packHigh(3, 0, 1, 2, 3, 4, 5, 6, 7))

	random := rand.New(rand.NewPCG(1, 1))
	for width := 1; width <= 6; width++ {
		for _, count := range []int{0, 1, 7, 8, 9, 100} {
			want := make([]uint8, count)
			for i := range want {
				want[i] = uint8(random.IntN(1 << width))
			}
			block, rest, err := levels(append(packHigh(width, want...), "rest"...), format.BitPacked, width, count)
			require.NoError(t, err)
			assert.Equal(t, "rest", string(rest))
			got, r := make([]uint8, count), newRuns(block, width)
			require.NoError(t, r.readLevels(got, 1<<width-1))
			assert.Equal(t, want, got, "width %d", width)
		}
	}
	_, _, err := levels(make([]byte, 3), format.BitPacked, 2, 13)
	require.ErrorIs(t, err, errMalformed)
	_, _, err = levels(make([]byte, 30), format.DeltaBinaryPacked, 2, 13)
	require.ErrorIs(t, err, ErrUnsupported)
}

func TestLevelsAboveTheHighest(t *testing.T) {
	t.Parallel()
	for _, data := range [][]byte{{3 << 1, 3}, append([]byte{1<<1 | 1}, pack(2, 0, 1, 3, 0, 0, 0, 0, 0)...)} {
		r := newRuns(data, 2)
		require.ErrorIs(t, r.readLevels(make([]uint8, 3), 2), errMalformed)
		r = newRuns(data, 2)
		require.NoError(t, r.readLevels(make([]uint8, 3), 3))
	}
}
