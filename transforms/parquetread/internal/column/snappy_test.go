package column

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/s2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/transforms/parquetread/internal/format"
)

// scanned scans pages one after another.
func scanned(pages ...[]byte) error {
	var scan snappyScan
	for _, page := range pages {
		if err := scan.add(page); err != nil {
			return err
		}
	}
	return scan.finish()
}

// somePage is text that repeats itself more or less, of any length.
func somePage(random *rand.Rand) []byte {
	var text []byte
	for want := random.IntN(5000); len(text) < want; {
		switch random.IntN(4) {
		case 0: // which needs a length behind its tag
			for range random.IntN(300) {
				text = append(text, byte(random.Uint32()))
			}
		case 1:
			text = append(text, make([]byte, random.IntN(100))...)
		default:
			text = fmt.Appendf(text, "row %d ", random.IntN(20))
		}
	}
	return text
}

func TestSoundPagesUnderSnappy(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var pages [][]byte
	for range 300 {
		text := somePage(random)
		page := snappy.Encode(nil, text)
		pages = append(pages, page)
		for _, size := range []int{0, min(4, len(text)), len(text) / 2, len(text)} {
			prefix := make([]byte, size)
			require.NoError(t, snappyPrefix(prefix, page))
			require.True(t, bytes.HasPrefix(text, prefix))
		}
	}
	require.NoError(t, scanned(pages...))
	for count := range 10 {
		require.NoError(t, scanned(pages[:count]...))
	}
}

// What a scan refuses does not decompress. It is alone to find what it looks for.
func TestDamagedPagesUnderSnappy(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	sound := snappy.Encode(nil, bytes.Repeat([]byte("sound "), 3000))
	refused := 0
	for range 2000 {
		page := snappy.Encode(nil, somePage(random))
		page[random.IntN(len(page))] ^= 1 << random.IntN(8)
		size, err := snappy.DecodedLen(page)
		if err != nil || size > 1<<16 {
			continue
		}
		_, failed := snappy.Decode(make([]byte, size), page)
		if scanned(sound, page, sound, sound, sound) != nil {
			refused++
			require.Error(t, failed)
		}
		if failed == nil {
			require.NoError(t, snappyPrefix(make([]byte, size), page))
		}
	}
	assert.Greater(t, refused, 50)
}

// A copy of offset 0 is what S2 has for the offset of the copy before; snappy has none.
func TestCopiesOfNothing(t *testing.T) {
	t.Parallel()
	text := []byte{1, 0, 0, 0, 0, 0, 0, 0}
	for name, c := range map[string][]byte{
		"one byte of offset":   {32, 7 << 2, 1, 0, 0, 0, 0, 0, 0, 0, 4<<2 | 1, 0, 15<<2 | 2, 8, 0},
		"two bytes of offset":  {32, 7 << 2, 1, 0, 0, 0, 0, 0, 0, 0, 7<<2 | 2, 0, 0, 15<<2 | 2, 8, 0},
		"four bytes of offset": {32, 7 << 2, 1, 0, 0, 0, 0, 0, 0, 0, 7<<2 | 3, 0, 0, 0, 0, 15<<2 | 2, 8, 0},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, new(codecs).decompress(format.Snappy, make([]byte, 32), c))
			require.ErrorIs(t, scanned(c), errMalformed)
			require.ErrorIs(t, scanned(c, c, c, c), errMalformed)
			long := slices.Concat([]byte{32 + 8}, c[1:10], c[10:], []byte{7<<2 | 2, 8, 0})
			require.ErrorIs(t, scanned(long, long, long, long, long), errMalformed)
			require.ErrorIs(t, snappyPrefix(make([]byte, 20), c), errMalformed)
			prefix := make([]byte, 8)
			require.NoError(t, snappyPrefix(prefix, c))
			assert.Equal(t, text, prefix)
		})
	}
	repeats := s2.Encode(nil, bytes.Repeat([]byte("a text that goes on and on, with a number "), 100))
	require.ErrorIs(t, scanned(repeats), errMalformed)
	require.Error(t, new(codecs).decompress(format.Snappy, make([]byte, 4200), repeats))
}
