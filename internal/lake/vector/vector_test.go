package vector_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/lake/vector"
)

// encode writes a set as Delta does.
func encode(t testing.TB, rows *roaring64.Bitmap) []byte {
	t.Helper()
	raw := bytes.NewBuffer(binary.LittleEndian.AppendUint32(nil, 1681511377))
	_, err := rows.WriteTo(raw)
	require.NoError(t, err)
	return raw.Bytes()
}

// put writes a file that has vectors one after another, and returns where they are.
func put(t testing.TB, vectors ...[]byte) []vector.Vector {
	t.Helper()
	uri := filepath.Join(t.TempDir(), "deletion_vector.bin")
	file := []byte{1}
	places := make([]vector.Vector, len(vectors))
	for i, raw := range vectors {
		places[i] = vector.Vector{URI: uri, Offset: int64(len(file)), Size: int64(len(raw))}
		file = binary.BigEndian.AppendUint32(file, uint32(len(raw)))
		file = append(file, raw...)
		file = binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(raw))
	}
	require.NoError(t, os.WriteFile(uri, file, 0o600))
	return places
}

// sets are such as have containers of every kind.
func sets() map[string]*roaring64.Bitmap {
	random := rand.New(rand.NewPCG(1, 2))
	scattered, all := roaring64.New(), roaring64.New()
	for range 20_000 {
		scattered.Add(random.Uint64N(300_000))
	}
	runs := roaring64.New()
	for i := uint64(0); i < 10; i++ {
		runs.AddRange(i*100_000, i*100_000+30_000)
	}
	runs.RunOptimize()
	all.AddRange(0, 1<<16)
	far := roaring64.BitmapOf(0, 5, 1<<32, 1<<40+3, 1<<62)
	return map[string]*roaring64.Bitmap{
		"one": roaring64.BitmapOf(7), "none": roaring64.New(), "scattered": scattered, "runs": runs, "a full container": all, "far": far,
	}
}

func TestVectorsInFiles(t *testing.T) {
	t.Parallel()
	var raws [][]byte
	var all []*roaring64.Bitmap
	for _, rows := range sets() {
		all, raws = append(all, rows), append(raws, encode(t, rows))
	}
	for i, place := range put(t, raws...) {
		place.Cardinality = int64(all[i].GetCardinality())
		travelled, err := json.Marshal(place)
		require.NoError(t, err)
		var arrived vector.Vector
		require.NoError(t, json.Unmarshal(travelled, &arrived))
		rows, err := arrived.Read(t.Context())
		require.NoError(t, err)
		assert.True(t, all[i].Equals(rows))
	}
}

func TestTheFirstVectorNeedsNoOffset(t *testing.T) {
	t.Parallel()
	place := put(t, encode(t, roaring64.BitmapOf(3)))[0]
	place.Offset, place.Cardinality = 0, 1
	rows, err := place.Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []uint64{3}, rows.ToArray())
}

func TestVectorsInTheLog(t *testing.T) {
	t.Parallel()
	// The rows are those that the kernel of Delta has in its tests for this text.
	raw, err := vector.DecodeZ85("^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L")
	require.NoError(t, err)
	rows, err := vector.Vector{Inline: raw, Size: 44, Cardinality: 6}.Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []uint64{3, 4, 7, 11, 18, 29}, rows.ToArray())
}

func TestVectorsThatAreRefused(t *testing.T) {
	t.Parallel()
	good := encode(t, roaring64.BitmapOf(1, 2, 3))
	change := func(at int, to byte) []byte {
		raw := bytes.Clone(good)
		raw[at] = to
		return raw
	}
	inline := func(raw []byte) vector.Vector {
		return vector.Vector{Inline: raw, Size: int64(len(raw)), Cardinality: 3}
	}
	stored := func(change func(file []byte) []byte) vector.Vector {
		place := put(t, good)[0]
		file, err := os.ReadFile(place.URI)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(place.URI, change(file), 0o600))
		place.Cardinality = 3
		return place
	}
	cases := map[string]struct {
		vector vector.Vector
		want   string
	}{
		"another magic number":   {inline(change(0, 0)), "magic number"},
		"the native format":      {inline(change(0, good[0]-1)), "native format"},
		"very many parts":        {inline(change(11, 0xff)), "cut off"},
		"a negative part":        {inline(change(15, 0x80)), "part 2147483648"},
		"another cookie":         {inline(change(16, 0)), "cookie"},
		"very many containers":   {inline(change(23, 0xff)), "containers"},
		"no containers":          {inline(change(20, 0)), "0 containers"},
		"values out of order":    {inline(change(len(good)-2, 0)), "out of order"},
		"cut off":                {inline(good[:len(good)-1]), "cut off"},
		"too long":               {inline(append(bytes.Clone(good), 0)), "1 bytes are left over"},
		"too short":              {inline(good[:3]), "3 bytes"},
		"fewer rows":             {vector.Vector{Inline: good, Size: int64(len(good)), Cardinality: 4}, "has 3 rows, not the 4"},
		"another size":           {vector.Vector{Inline: good, Size: 40, Cardinality: 3}, "not the 40"},
		"a size that cannot be":  {vector.Vector{Inline: good, Size: 1 << 40, Cardinality: 3}, "cannot be"},
		"another size in a file": {stored(func(file []byte) []byte { file[4]++; return file }), "bytes, not the"},
		"another checksum":       {stored(func(file []byte) []byte { file[len(file)-1]++; return file }), "checksum"},
		"another bit":            {stored(func(file []byte) []byte { file[len(file)-6] ^= 8; return file }), "checksum"},
		"another version":        {stored(func(file []byte) []byte { file[0] = 2; return file }), "version 2"},
		"a file that is cut off": {stored(func(file []byte) []byte { return file[:len(file)-1] }), "cut off"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.vector.Read(t.Context())
			var failed *failure.Error
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, failure.Source, failed.Kind)
			assert.Contains(t, failed.Message, c.want)
			assert.False(t, failed.Retry)
		})
	}
}

func TestContainersThatContradictTheirHeaders(t *testing.T) {
	t.Parallel()
	bits := roaring64.New()
	for row := uint64(0); row < 1<<16; row += 2 {
		bits.Add(row)
	}
	last := func(name string, raw []byte, change ...byte) {
		copy(raw[len(raw)-len(change):], change)
		_, err := vector.Decode(raw)
		assert.ErrorContains(t, err, "damaged", name)
	}
	last("one more bit", encode(t, bits), 0xff)
	last("a run behind the last value", encode(t, sets()["runs"]), 0xff, 0xff, 1, 0)
	last("a run that is longer", encode(t, sets()["runs"]), 0xd0, 0x30)
	last("a value that is there", encode(t, roaring64.BitmapOf(1, 2, 3)), 2, 0)
	for name, rows := range sets() {
		raw := encode(t, rows)
		for length := range min(len(raw), 3000) {
			_, err := vector.Decode(raw[:length])
			assert.Error(t, err, "%s, cut off after %d bytes", name, length)
		}
	}
}

func TestAVectorThatIsGoneMayBeRetried(t *testing.T) {
	t.Parallel()
	_, err := vector.Vector{URI: filepath.Join(t.TempDir(), "gone.bin"), Size: 20}.Read(t.Context())
	var failed *failure.Error
	require.ErrorAs(t, err, &failed)
	assert.True(t, failed.Retry)
	assert.Contains(t, failed.Message, "gone.bin")
}

func TestZ85(t *testing.T) {
	t.Parallel()
	raw, err := vector.DecodeZ85("HelloWorld") // the example of its specification
	require.NoError(t, err)
	assert.Equal(t, []byte{0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B}, raw)
	for _, bad := range []string{"Hell", "Hell~", "Hellü", "#####", `He"lo`} {
		_, err := vector.DecodeZ85(bad)
		assert.Error(t, err, bad)
	}
}

// TestMemoryOfHostileVectors has vectors whose counts promise far more than their bytes hold.
func TestMemoryOfHostileVectors(t *testing.T) {
	for _, text := range []string{
		"\xd1\x01\x03\x64\x00\x00\x00\xff\x00\x00\x00\x00" + strings.Repeat("\x00\x00\x00\x00:0\x00\x00\xff\xff\x00\x00", 10),
		"\xd1\x01\x03\x64\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00:0\x00\x00\x00\x00\x01\x00",
		"\xd1\x01\x03\x64\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00;0\xff\xff\xff",
	} {
		raw := binary.LittleEndian.AppendUint32(nil, 1681511377)
		raw = append(raw, text[4:]...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := vector.Decode(raw)
		runtime.ReadMemStats(&after)
		assert.ErrorContains(t, err, "damaged")
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<16))
	}
}

// FuzzDecode holds that whatever is taken is a set that is written again as the same rows.
func FuzzDecode(f *testing.F) {
	for _, rows := range sets() {
		if raw := encode(f, rows); len(raw) < 1<<16 {
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		rows, err := vector.Decode(raw)
		if err != nil {
			return
		}
		last, count := int64(-1), uint64(0)
		for it := rows.Iterator(); it.HasNext() && count < 1<<20; count++ {
			row := it.Next()
			require.Greater(t, int64(row), last)
			last = int64(row)
		}
		if count < 1<<20 {
			require.Equal(t, count, rows.GetCardinality())
		}
		again, err := vector.Decode(encode(t, rows))
		require.NoError(t, err)
		require.True(t, rows.Equals(again))
	})
}

func FuzzZ85(f *testing.F) {
	f.Add("HelloWorld")
	f.Add("ab^-aqEH.-t@S}K{vb[*k^")
	f.Fuzz(func(t *testing.T, text string) {
		if raw, err := vector.DecodeZ85(text); err == nil {
			require.Len(t, raw, len(text)/5*4)
		}
	})
}
