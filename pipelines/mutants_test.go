package pipelines_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	pqfile "github.com/apache/arrow/go/v17/parquet/file"
	"github.com/stretchr/testify/require"
)

// soundFile is a file of some writer, of which mutants are made.
type soundFile struct {
	name   string
	data   []byte
	footer int   // where the footer begins
	chunks []int // where column chunks begin
}

// soundFiles are those of testdata/damage, which tells how they are made.
func soundFiles(t *testing.T) []soundFile {
	paths, err := filepath.Glob("testdata/damage/*.parquet")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	var files []soundFile
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		f := soundFile{name: strings.TrimSuffix(filepath.Base(path), ".parquet"), data: data}
		f.footer = len(data) - 8 - int(binary.LittleEndian.Uint32(data[len(data)-8:]))
		reader, err := pqfile.NewParquetReader(bytes.NewReader(data))
		require.NoError(t, err)
		for _, group := range reader.MetaData().RowGroups {
			for _, chunk := range group.Columns {
				f.chunks = append(f.chunks, int(chunk.MetaData.GetDataPageOffset()))
				if chunk.MetaData.IsSetDictionaryPageOffset() {
					f.chunks = append(f.chunks, int(chunk.MetaData.GetDictionaryPageOffset()))
				}
			}
		}
		files = append(files, f)
	}
	return files
}

// mutant is a file with damage that depends on a seed alone, and says what it is.
func (f soundFile) mutant(seed uint64) (data []byte, damage string) {
	random := rand.New(rand.NewPCG(seed, uint64(len(f.name))))
	data = slices.Clone(f.data)
	for range 1 + random.IntN(8)/7 { // rarely two
		at := f.place(random)
		switch kind := random.IntN(8); kind {
		case 0, 1, 2:
			data[at] ^= 1 << random.IntN(8)
			damage += fmt.Sprintf(" bit at %d", at)
		case 3, 4:
			data[at] = byte(random.Uint32())
			damage += fmt.Sprintf(" byte at %d", at)
		case 5: // a number becomes the next one; in Thrift, numbers are doubled
			data[at] += byte(1 + random.IntN(2)*254)
			damage += fmt.Sprintf(" number at %d", at)
		case 6:
			n := min(1+random.IntN(16), len(data)-at)
			clear(data[at : at+n])
			damage += fmt.Sprintf(" %d zeros at %d", n, at)
		default:
			from, n := f.place(random), 1+random.IntN(32)
			copy(data[at:min(at+n, len(data))], f.data[from:])
			damage += fmt.Sprintf(" %d bytes of %d at %d", n, from, at)
		}
	}
	return data, damage
}

// place is where to do damage: anywhere, at the start of a column, or in the footer.
func (f soundFile) place(random *rand.Rand) int {
	switch random.IntN(4) {
	case 0:
		return f.footer + random.IntN(len(f.data)-f.footer)
	case 1:
		return min(f.chunks[random.IntN(len(f.chunks))]+random.IntN(60), len(f.data)-1)
	}
	return random.IntN(len(f.data))
}
