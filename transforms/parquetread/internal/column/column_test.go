package column_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/transforms/parquetread/internal/column"
	"hyperlake/transforms/parquetread/internal/format"
)

// openFixture opens a column of integers that count from 0 to 299, after a change of
// what the footer says.
func openFixture(t *testing.T, readAhead int, change func(*column.Chunk)) *column.Reader {
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "encodings_v1.parquet"))
	require.NoError(t, err)
	end := len(data) - 8
	size := int(data[end]) | int(data[end+1])<<8
	m, err := format.ParseFileMetaData(data[end-size : end])
	require.NoError(t, err)
	const index = 7
	require.Equal(t, "split_i32", m.Schema[index+1].Name)
	chunk := m.RowGroups[0].Columns[index]
	described := column.Chunk{
		Codec: chunk.Codec, Offset: chunk.DataOffset, Length: chunk.CompressedSize, Uncompressed: chunk.UncompressedSize, Values: chunk.Values,
	}
	change(&described)
	integers := column.Column{Physical: format.Int32, Definition: 1, Type: arrow.PrimitiveTypes.Int32}
	var r column.Reader
	require.NoError(t, r.Open(bytes.NewReader(data), integers, described, readAhead))
	return &r
}

func TestReaderReturnsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	for _, step := range []int{1, 7, 50, 64, 300, 1000} {
		for _, readAhead := range []int{1, 16, 100, 1 << 20} {
			r := openFixture(t, readAhead, func(*column.Chunk) {})
			for next := 0; next < 300; {
				got, err := r.Next(step)
				require.NoError(t, err)
				require.Equal(t, min(step, 300-next), got.Len())
				for _, value := range got.(*array.Int32).Int32Values() {
					require.Equal(t, int32(next), value)
					next++
				}
			}
		}
	}
}

func TestReaderRefusesOtherNumbersOfValues(t *testing.T) {
	t.Parallel()
	for values, words := range map[int64]string{
		200: "more values than the footer says",
		260: "a page has 100 values where 60 are left",
		301: "ends 1 values early",
	} {
		_, err := openFixture(t, 100, func(c *column.Chunk) { c.Values = values }).Next(1000)
		assert.ErrorContains(t, err, words)
	}
}

func TestReaderRefusesOtherCodecs(t *testing.T) {
	t.Parallel()
	for _, codec := range []format.Codec{format.LZO, 99} {
		_, err := openFixture(t, 100, func(c *column.Chunk) { c.Codec = codec }).Next(1)
		require.ErrorIs(t, err, column.ErrUnsupported)
		assert.ErrorContains(t, err, codec.String())
	}
	for _, codec := range []format.Codec{format.Gzip, format.Brotli, format.Zstd, format.LZ4, format.LZ4Hadoop, format.Uncompressed} {
		_, err := openFixture(t, 100, func(c *column.Chunk) { c.Codec = codec }).Next(1)
		assert.Error(t, err, codec)
	}
}

func TestReaderRefusesPagesLargerThanTheirChunk(t *testing.T) {
	t.Parallel()
	_, err := openFixture(t, 100, func(c *column.Chunk) { c.Uncompressed = 10 - 1<<20 }).Next(1)
	assert.ErrorContains(t, err, "in a chunk of")
	_, err = openFixture(t, 100, func(c *column.Chunk) { c.Length = 60 }).Next(1)
	assert.ErrorContains(t, err, "are left")
}
