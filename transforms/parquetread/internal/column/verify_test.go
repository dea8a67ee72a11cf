package column

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/golang/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/transforms/parquetread/internal/format"
)

// testPage is a page of version 1 of optional integers: levels behind their length, then values.
type testPage struct {
	kind        format.PageType
	values      int32
	body        []byte // what the page is decompressed
	stored      []byte // as it is stored; body if nil
	size        int32  // in the header; that of body if 0
	definitions format.Encoding
	encoding    format.Encoding
	checksum    uint32 // none if 0
}

func (p testPage) bytes() []byte {
	stored := p.stored
	if stored == nil {
		stored = p.body
	}
	size := p.size
	if size == 0 {
		size = int32(len(p.body))
	}
	number := func(to []byte, head byte, n int64) []byte { return binary.AppendVarint(append(to, head), n) }
	header := number(nil, 0x15, int64(p.kind))
	header = number(number(header, 0x15, int64(size)), 0x15, int64(len(stored)))
	last := byte(3)
	if p.checksum != 0 {
		header, last = number(header, 0x15, int64(int32(p.checksum))), 4
	}
	if p.kind == format.DictionaryPage {
		header = number(number(append(header, (7-last)<<4|0xc), 0x15, int64(p.values)), 0x15, int64(p.encoding))
	} else {
		header = number(number(append(header, (5-last)<<4|0xc), 0x15, int64(p.values)), 0x15, int64(p.encoding))
		header = number(number(header, 0x15, int64(p.definitions)), 0x15, int64(format.RLE))
	}
	return append(append(header, 0, 0), stored...)
}

// ofLevels is a page of three integers, of which runs say which are there.
func ofLevels(runs ...byte) testPage {
	body := append(binary.LittleEndian.AppendUint32(nil, uint32(len(runs))), runs...)
	return testPage{kind: format.DataPage, values: 3, body: append(body, make([]byte, 12)...), definitions: format.RLE}
}

// under is a page as a codec stores it.
func (p testPage) under(t *testing.T, codec format.Codec) testPage {
	var out bytes.Buffer
	switch codec {
	case format.Snappy:
		p.stored = snappy.Encode(nil, p.body)
	case format.Zstd:
		encoder, err := zstd.NewWriter(nil)
		require.NoError(t, err)
		p.stored = encoder.EncodeAll(p.body, nil)
	case format.Gzip:
		w := gzip.NewWriter(&out)
		_, err := w.Write(p.body)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		p.stored = out.Bytes()
	}
	return p
}

// verified verifies pages as a chunk.
func verified(codec format.Codec, dt arrow.DataType, values int64, pages ...testPage) (int64, error) {
	var data []byte
	first := int64(0) // page of values
	for _, p := range pages {
		data = append(data, p.bytes()...)
		if p.kind == format.DictionaryPage {
			first = int64(len(data))
		}
	}
	var v Verifier
	chunk := Chunk{Codec: codec, Length: int64(len(data)), Uncompressed: 1 << 20, Rows: values, Values: values, Data: first}
	size, err := v.Verify(bytes.NewReader(data), Column{Physical: format.Int32, Definition: 1, Type: dt}, chunk)
	if err == nil {
		err = v.Finish()
	}
	return size, err
}

var allThere = []byte{3 << 1, 1} // a run of three ones

func TestVerifier(t *testing.T) {
	t.Parallel()
	int32Type := arrow.PrimitiveTypes.Int32
	codecs := []format.Codec{format.Uncompressed, format.Snappy, format.Gzip, format.Zstd}
	for name, c := range map[string]struct {
		page  testPage
		sound bool
	}{
		"sound":                      {ofLevels(allThere...), true},
		"levels beyond their bits":   {ofLevels(3<<1, 9), false},
		"too few levels":             {ofLevels(2<<1, 1), false},
		"no levels":                  {ofLevels(), false},
		"levels longer than a page":  {testPage{kind: format.DataPage, values: 3, body: []byte{200, 0, 0, 0, 6, 1}, definitions: format.RLE}, false},
		"levels of another encoding": {testPage{kind: format.DataPage, values: 3, body: make([]byte, 20), definitions: format.BitPacked}, false},
		"a page of no known kind":    {testPage{kind: 7, values: 3, body: make([]byte, 20), definitions: format.RLE}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, codec := range codecs {
				_, err := verified(codec, int32Type, 3, c.page.under(t, codec))
				if c.sound {
					assert.NoError(t, err, codec)
				} else {
					assert.Error(t, err, codec)
				}
			}
		})
	}
	for _, codec := range codecs {
		page := ofLevels(allThere...).under(t, codec)
		_, err := verified(codec, int32Type, 4, page)
		assert.ErrorContains(t, err, "ends 1 values early", codec)
		_, err = verified(codec, int32Type, 2, page)
		assert.ErrorIs(t, err, errMoreValues, codec)
		_, err = verified(codec, int32Type, 3, page, page)
		assert.ErrorIs(t, err, errMoreValues, codec)
		page.checksum = crc32.ChecksumIEEE(page.under(t, codec).bytes()) | 1
		_, err = verified(codec, int32Type, 3, page)
		assert.ErrorContains(t, err, "checksum", codec)
		page = ofLevels(allThere...).under(t, codec)
		page.size = int32(len(page.body)) + 4
		_, err = verified(codec, int32Type, 3, page)
		assert.Equal(t, codec == format.Gzip, err == nil, "%s: %v", codec, err) // which knows its size and a checksum
	}
}

func TestVerifierOfDictionaries(t *testing.T) {
	t.Parallel()
	values := ofLevels(allThere...)
	dictionary := testPage{kind: format.DictionaryPage, values: 2, body: make([]byte, 8)}
	size, err := verified(format.Uncompressed, arrow.PrimitiveTypes.Int32, 3, dictionary, values)
	require.NoError(t, err)
	assert.EqualValues(t, len(values.body)+8, size)
	odd := dictionary
	odd.encoding = format.BitPacked
	for name, pages := range map[string][]testPage{
		"two": {dictionary, dictionary, values, values}, "behind values": {values, dictionary, values}, "of another encoding": {odd, values, values},
	} {
		_, err := verified(format.Uncompressed, arrow.PrimitiveTypes.Int32, 6, pages...)
		assert.Error(t, err, name)
	}
}

// Numbers of few bits are stored with more of them.
func TestVerifierOfNarrowNumbers(t *testing.T) {
	t.Parallel()
	page := ofLevels(allThere...)
	_, err := verified(format.Uncompressed, arrow.PrimitiveTypes.Int8, 3, page)
	require.NoError(t, err)
	page.body = slices.Clone(page.body)
	page.body[len(page.body)-3] = 1
	_, err = verified(format.Uncompressed, arrow.PrimitiveTypes.Int32, 3, page)
	require.NoError(t, err)
	for _, dt := range []arrow.DataType{arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Uint8} {
		_, err = verified(format.Uncompressed, dt, 3, page)
		require.ErrorContains(t, err, "does not fit")
	}
}
