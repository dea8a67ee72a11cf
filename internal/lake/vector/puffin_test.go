package vector_test

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/lake/vector"
)

// putPuffin writes a file that begins with a head, and has a vector as Iceberg has it in a Puffin file.
func putPuffin(t testing.TB, head string, rows *roaring64.Bitmap) vector.Vector {
	t.Helper()
	uri, raw := filepath.Join(t.TempDir(), "deletes.puffin"), encode(t, rows)
	file := binary.BigEndian.AppendUint32([]byte(head), uint32(len(raw)))
	file = append(file, raw...)
	file = binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(raw))
	require.NoError(t, os.WriteFile(uri, append(file, "footer"...), 0o600))
	return vector.Vector{URI: uri, Puffin: true, Offset: int64(len(head)), Size: int64(len(raw)), Cardinality: int64(rows.GetCardinality())}
}

func TestVectorsInPuffinFiles(t *testing.T) {
	t.Parallel()
	for name, rows := range sets() {
		found, err := putPuffin(t, "PFA1", rows).Read(t.Context())
		require.NoError(t, err, name)
		assert.True(t, rows.Equals(found), name)
	}
}

func TestPuffinFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	rows := roaring64.BitmapOf(1, 5, 1<<33)
	good := putPuffin(t, "PFA1", rows)
	for name, c := range map[string]struct {
		vector func() vector.Vector
		want   string
	}{
		"another kind of file": {func() vector.Vector { return putPuffin(t, "PAR1", rows) }, `no Puffin file: it begins with "PAR1"`},
		"in the head":          {func() vector.Vector { v := good; v.Offset = 0; return v }, ""},
		"a byte too far":       {func() vector.Vector { v := good; v.Offset++; return v }, "not the"},
		"too long":             {func() vector.Vector { v := good; v.Size += 100; return v }, "cut off"},
		"as one of Delta's":    {func() vector.Vector { v := good; v.Puffin = false; return v }, "version 80"},
		"other rows":           {func() vector.Vector { v := good; v.Cardinality = 2; return v }, "3 rows, not the 2 that the table says"},
	} {
		_, err := c.vector().Read(t.Context())
		if c.want == "" { // which stands for the first, as in files of Delta's
			assert.NoError(t, err, name)
			continue
		}
		assert.ErrorContains(t, err, c.want, name)
	}
}
