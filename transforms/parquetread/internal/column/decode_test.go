package column

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/transforms/parquetread/internal/format"
)

// pack packs values of a number of bits, from the lowest bit of each byte on.
func pack(width int, values ...uint64) []byte {
	data := make([]byte, (width*len(values)+7)/8)
	for i, value := range values {
		for b := range width {
			if value>>b&1 == 1 {
				at := i*width + b
				data[at/8] |= 1 << (at % 8)
			}
		}
	}
	return data
}

func TestUnpackerReadsEveryWidth(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	for width := range 65 {
		values := make([]uint64, 40)
		for i := range values {
			values[i] = random.Uint64() & (1<<width - 1)
			if width == 64 {
				values[i] = random.Uint64()
			}
		}
		data := pack(width, values...)
		one := newUnpacker(data, width, len(values))
		for i, value := range values {
			require.Equal(t, value, one.read64(), "width %d, value %d", width, i)
		}
		if width > 32 {
			continue
		}
		many, out := newUnpacker(data, width, len(values)), make([]uint32, 7)
		for i := 0; i < len(values); {
			n := many.read32(out)
			for _, got := range out[:n] {
				require.Equal(t, uint32(values[i]), got, "width %d, value %d", width, i)
				i++
			}
		}
		assert.Zero(t, many.left)
	}
}

func TestIndexesOfNoBits(t *testing.T) {
	t.Parallel()
	for _, data := range [][]byte{{0}, {0, 3 << 1}, {0, 0, 0}} {
		indexes, err := newIndexes(data)
		require.NoError(t, err)
		got := []uint32{7, 7, 7, 7, 7}
		require.NoError(t, indexes.read(got))
		assert.Equal(t, []uint32{0, 0, 0, 0, 0}, got)
	}
}

func TestRuns(t *testing.T) {
	t.Parallel()
	groups := append([]byte{2<<1 | 1}, pack(3, 1, 2, 3, 4, 5, 6, 7, 0, 0, 7, 6, 5, 4, 3, 2, 1)...)
	for name, c := range map[string]struct {
		data  []byte
		width int
		want  []uint32 // nil for an error
	}{
		"repeated":                  {[]byte{4 << 1, 9}, 8, []uint32{9, 9, 9, 9}},
		"repeated, two bytes":       {[]byte{2 << 1, 0x34, 0x12}, 13, []uint32{0x1234, 0x1234}},
		"packed":                    {groups, 3, []uint32{1, 2, 3, 4, 5, 6, 7, 0, 0, 7, 6, 5, 4, 3, 2, 1}},
		"packed, cut behind the 11": {groups[:1+5], 3, []uint32{1, 2, 3, 4, 5, 6, 7, 0, 0, 7, 6}},
		"packed, cut before the 11": {groups[:1+4], 3, nil},
		"one after another":         {append([]byte{2 << 1, 5}, groups...), 3, []uint32{5, 5, 1, 2, 3}},
		"empty runs first":          {[]byte{0, 7, 1, 0, 7, 2 << 1, 6}, 3, []uint32{6, 6}},
		"no bits":                   {[]byte{1 << 1, 1<<1 | 1}, 0, []uint32{0, 0, 0, 0, 0, 0, 0, 0, 0}},
		"no bits, without end":      {binary.AppendUvarint(nil, math.MaxUint64), 0, []uint32{0, 0, 0}},
		"packed, without end":       {append(binary.AppendUvarint(nil, math.MaxUint64), 0xff), 1, []uint32{1, 1, 1, 1, 1, 1, 1, 1}},
		"repeated, without end":     {append(binary.AppendUvarint(nil, math.MaxUint64-1), 1), 1, []uint32{1, 1, 1}},
		"too few":                   {[]byte{4 << 1, 9}, 8, nil},
		"no value":                  {[]byte{4 << 1}, 8, nil},
		"no run":                    {nil, 8, nil},
		"a count of eleven bytes":   {[]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1}, 8, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := make([]uint32, max(len(c.want), 11))
			if c.want != nil {
				got = got[:len(c.want)]
			}
			r := newRuns(c.data, c.width)
			err := r.read(got)
			if c.want == nil {
				require.ErrorIs(t, err, errMalformed)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestRunsOfBits(t *testing.T) {
	t.Parallel()
	data := []byte{5 << 1, 1, 1<<1 | 1, 0b10100101, 3 << 1, 0}
	want := []bool{true, true, true, true, true, true, false, true, false, false, true, false, true, false, false, false}
	for step := 1; step <= len(want); step++ {
		r, bitmap, ones := newRuns(data, 1), make([]byte, 3), 0
		for at := 0; at < len(want); at += step {
			n, err := r.readBits(bitmap, at+3, min(step, len(want)-at))
			require.NoError(t, err)
			ones += n
		}
		assert.Equal(t, 9, ones)
		for i, bit := range want {
			assert.Equal(t, bit, bitmap[(i+3)/8]>>((i+3)%8)&1 == 1, "step %d, bit %d", step, i)
		}
		_, err := r.readBits(bitmap, 0, 1)
		require.ErrorIs(t, err, errMalformed)
	}
}

// deltaStream encodes values in blocks of 128 in 4 miniblocks.
func deltaStream(values ...int64) []byte {
	data := binary.AppendUvarint(nil, 128)
	data = binary.AppendUvarint(data, 4)
	data = binary.AppendUvarint(data, uint64(len(values)))
	data = binary.AppendVarint(data, values[0])
	for block := 1; block < len(values); block += 128 {
		least := int64(math.MaxInt64)
		for i := block; i < min(block+128, len(values)); i++ {
			least = min(least, values[i]-values[i-1])
		}
		data = binary.AppendVarint(data, least)
		data = append(data, 64, 64, 64, 64)
		for i := block; i < block+128 && (i-block)/32*32+block < len(values); i++ {
			difference := uint64(0)
			if i < len(values) {
				difference = uint64(values[i] - values[i-1] - least)
			}
			data = binary.LittleEndian.AppendUint64(data, difference)
		}
	}
	return data
}

func TestDeltas(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	for _, size := range []int{1, 2, 32, 33, 34, 128, 129, 130, 300} {
		values := make([]int64, size)
		for i := range values {
			values[i] = int64(random.Uint64())
		}
		stream := deltaStream(values...)
		d, err := newDeltas(append(stream, "rest"...))
		require.NoError(t, err)
		rest, err := d.rest()
		require.NoError(t, err)
		assert.Equal(t, "rest", string(rest), "%d values", size)
		for _, value := range values {
			got, err := d.next()
			require.NoError(t, err)
			require.Equal(t, value, got)
		}
		_, err = d.next()
		require.ErrorIs(t, err, errMalformed)
	}
}

func TestDeltasThatAreDamaged(t *testing.T) {
	t.Parallel()
	head := func(numbers ...uint64) []byte {
		var data []byte
		for _, n := range numbers {
			data = binary.AppendUvarint(data, n)
		}
		return data
	}
	for name, data := range map[string][]byte{
		"nothing":             nil,
		"no block":            head(0, 4, 10, 0),
		"no miniblocks":       head(128, 0, 10, 0),
		"uneven miniblocks":   head(128, 3, 10, 0),
		"tiny miniblocks":     head(128, 64, 10, 0),
		"huge block":          head(1<<40, 4, 10, 0),
		"huge miniblocks":     head(128, 1<<62, 10, 0),
		"huge count":          head(128, 4, 1<<62, 0),
		"values without data": head(128, 4, 1<<31, 0),
		"wide differences":    append(head(128, 4, 10, 0), 0, 65, 0, 0, 0, 1, 2, 3),
	} {
		d, err := newDeltas(data)
		if err == nil {
			_, err = d.rest()
			require.ErrorIs(t, err, errMalformed, name)
			_, err = d.next()
			require.NoError(t, err, name)
			_, err = d.next()
		}
		assert.ErrorIs(t, err, errMalformed, name)
	}
	whole := deltaStream(1, 5, 2, 8)
	for size := range len(whole) - 29*8 { // the padding of the last miniblock may be missing
		d, err := newDeltas(whole[:size])
		for i := 0; err == nil && i < 4; i++ {
			_, err = d.next()
		}
		assert.ErrorIs(t, err, errMalformed, "%d bytes", size)
	}
}

func TestPagesOfByteArraysThatAreDamaged(t *testing.T) {
	t.Parallel()
	join := func(parts ...[]byte) (all []byte) {
		for _, part := range parts {
			all = append(all, part...)
		}
		return all
	}
	for name, p := range map[string]page{
		"plain, cut length":        {encoding: format.Plain, data: []byte{1, 0, 0}},
		"plain, cut value":         {encoding: format.Plain, data: []byte{2, 0, 0, 0, 'a'}},
		"plain, huge length":       {encoding: format.Plain, data: []byte{255, 255, 255, 255, 'a'}},
		"lengths beyond the bytes": {encoding: format.DeltaLengthByteArray, data: join(deltaStream(3, 3, 3), []byte("abcdefgh"))},
		"a negative length":        {encoding: format.DeltaLengthByteArray, data: join(deltaStream(1, -1, 3), []byte("abcdefgh"))},
		"too few lengths":          {encoding: format.DeltaLengthByteArray, data: join(deltaStream(1, 1), []byte("abcdefgh"))},
		"a prefix of nothing":      {encoding: format.DeltaByteArray, data: join(deltaStream(1, 0, 0), deltaStream(1, 1, 1), []byte("abc"))},
		"a long prefix":            {encoding: format.DeltaByteArray, data: join(deltaStream(0, 2, 0), deltaStream(1, 1, 1), []byte("abc"))},
		"a negative prefix":        {encoding: format.DeltaByteArray, data: join(deltaStream(0, -1, 0), deltaStream(1, 1, 1), []byte("abc"))},
		"no dictionary":            {encoding: format.RLEDictionary, data: []byte{1, 6, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			values, err := newByteValues(p, &byteDictionary{})
			if err == nil {
				err = values.read(&byteArrays{}, 3)
			}
			assert.ErrorIs(t, err, errMalformed)
		})
	}
	_, err := newByteValues(page{encoding: format.ByteStreamSplit}, &byteDictionary{})
	assert.ErrorIs(t, err, ErrUnsupported)
}

func TestDictionariesThatAreDamaged(t *testing.T) {
	t.Parallel()
	entries := []byte{1, 0, 0, 0, 'a', 2, 0, 0, 0, 'b', 'c'}
	d := &byteDictionary{}
	require.ErrorIs(t, d.load(page{values: 3, data: entries}), errMalformed)
	require.ErrorIs(t, d.load(page{values: 2, data: entries, encoding: format.RLE}), ErrUnsupported)
	require.NoError(t, d.load(page{values: 2, data: entries}))
	for name, data := range map[string][]byte{
		"index": {8, 1 << 1, 2}, "width": {33, 1 << 1, 0, 0, 0, 0, 0}, "runs": {8}, "high index": {32, 1 << 1, 255, 255, 255, 255},
	} {
		values, err := d.decode(data)
		if err == nil {
			err = values.read(&byteArrays{}, 1)
		}
		assert.ErrorIs(t, err, errMalformed, name)
	}
	values, err := d.decode([]byte{8, 2 << 1, 1})
	require.NoError(t, err)
	var out byteArrays
	require.NoError(t, values.read(&out, 2))
	assert.Equal(t, "bcbc", string(out.data))

	f := &fixedDictionary{width: 4}
	require.ErrorIs(t, f.load(page{values: 3, data: entries}), errMalformed)
	require.NoError(t, f.load(page{values: 2, data: entries}))
	fixed, err := f.decode([]byte{8, 1 << 1, 2})
	require.NoError(t, err)
	assert.ErrorIs(t, fixed.read(make([]byte, 4)), errMalformed)
}

func TestSpreading(t *testing.T) {
	t.Parallel()
	for mask := range 1 << 6 {
		validity := []byte{byte(mask) << 2, byte(mask >> 6)} // from bit 2 on
		fixed, present, want := make([]byte, 12), 0, make([]byte, 12)
		offsets, ends := []int32{0}, []int32{0}
		for row := range 6 {
			end := ends[row]
			if mask>>row&1 == 1 {
				value := byte(row + 1)
				binary.LittleEndian.PutUint16(fixed[present*2:], uint16(value))
				binary.LittleEndian.PutUint16(want[row*2:], uint16(value))
				end += int32(value)
				offsets = append(offsets, end)
				present++
			}
			ends = append(ends, end)
		}
		for i := present * 2; i < 12; i++ {
			fixed[i] = 0xee
		}
		grown := append(make([]int32, 0, 7), offsets...)
		if present < 6 {
			spreadFixed(fixed, 2, present, validity, 2)
			grown = spreadOffsets(grown, 1, 6, validity, 2)
		}
		assert.Equal(t, want, fixed, "%06b", mask)
		assert.Equal(t, ends, grown, "%06b", mask)
	}
}

func TestInt96(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		day         int32
		nanos, want int64
	}{
		{day: 2440588, want: 0},
		{day: 2440588, nanos: 999, want: 0},
		{day: 2440588, nanos: -1, want: -1},
		{day: 2440587, nanos: 86399999999999, want: -1},
		{day: 1721426, want: -62135596800000000},
		{day: 0, want: -210866803200000000},
		{day: -105862232, nanos: -32509551616000, want: 9089380393200000000}, // 290000-12-31, by Spark
	} {
		data := binary.LittleEndian.AppendUint64(nil, uint64(c.nanos))
		data = binary.LittleEndian.AppendUint32(data, uint32(c.day))
		column := Column{Physical: format.Int96, Type: &arrow.TimestampType{Unit: arrow.Microsecond}}
		got, err := fixedArray(column, data, validity{rows: 1})
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("[%d]", c.want), got.String())
	}
}
