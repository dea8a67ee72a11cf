package column_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/transforms/parquetread/internal/column"
	"hyperlake/transforms/parquetread/internal/format"
)

// entry is the levels of an entry, which has a value when the definition level is 3.
type entry struct{ repetition, definition uint8 }

// listPage makes a page of version 1 of an optional list of optional integers. Its values
// count from first on.
func listPage(first int32, entries ...entry) []byte {
	repetitions, definitions, values := []byte{}, []byte{}, []byte{}
	for _, e := range entries {
		repetitions = append(repetitions, 1<<1, e.repetition)
		definitions = append(definitions, 1<<1, e.definition)
		if e.definition == 3 {
			values = binary.LittleEndian.AppendUint32(values, uint32(first))
			first++
		}
	}
	var body []byte
	for _, levels := range [][]byte{repetitions, definitions} {
		body = append(binary.LittleEndian.AppendUint32(body, uint32(len(levels))), levels...)
	}
	body = append(body, values...)
	page := []byte{0x15, 0} // field 1: a data page
	for range 2 {           // fields 2 and 3: its sizes
		page = binary.AppendVarint(append(page, 0x15), int64(len(body)))
	}
	page = binary.AppendVarint(append(page, 0x2c, 0x15), int64(len(entries))) // field 5.1
	page = append(page, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0)                      // PLAIN, RLE, RLE
	return append(page, body...)
}

// openLists opens pages as a chunk of some rows and values.
func openLists(t *testing.T, rows, values int64, pages ...[]byte) *column.LeafReader {
	data := bytes.Join(pages, nil)
	leaf := column.Column{Physical: format.Int32, Type: arrow.PrimitiveTypes.Int32, Definition: 3, Repeated: []uint8{2}}
	chunk := column.Chunk{Length: int64(len(data)), Uncompressed: int64(len(data)), Rows: rows, Values: values}
	var r column.LeafReader
	require.NoError(t, r.Open(bytes.NewReader(data), leaf, chunk, 10))
	return &r
}

var (
	start = entry{0, 3} // a row that starts with a value
	more  = entry{1, 3} // one more value
	hole  = entry{1, 2} // one more item, which is null
	none  = entry{0, 1} // an empty list
	null  = entry{0, 0}
)

func TestLeafReaderFindsRows(t *testing.T) {
	t.Parallel()
	pages := [][]byte{
		listPage(0, start, more), listPage(2, hole, more), listPage(0), listPage(3, more, null, none, start), listPage(5, start, none),
	}
	want := []string{"[0 1 (null) 2 3]", "[]", "[]", "[4]", "[5]", "[]"}
	for step := 1; step <= len(want)+1; step++ {
		r := openLists(t, 6, 10, pages...)
		for row := 0; row < len(want); {
			got, err := r.Next(step)
			require.NoError(t, err)
			require.Equal(t, min(step, len(want)-row), got.Rows)
			for tail := got; tail.Rows > 0; row++ {
				var head column.Leaf
				head, tail = tail.Cut(1)
				assert.Equal(t, uint8(0), head.Repetitions[0])
				assert.Equal(t, want[row], head.Values.String(), "row %d", row)
			}
		}
	}
}

func TestLeafReaderRefusesLevelsThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows, values int64
		pages        [][]byte
		words        string
	}{
		"a start inside a row":         {1, 2, [][]byte{listPage(0, more, start)}, "follows where there is no list"},
		"an item after a null list":    {1, 2, [][]byte{listPage(0, null, more)}, "follows where there is no list"},
		"an item after an empty list":  {1, 2, [][]byte{listPage(0, none), listPage(0, more)}, "follows where there is no list"},
		"an empty list inside a list":  {1, 2, [][]byte{listPage(0, start, entry{1, 1})}, "follows where there is no list"},
		"a repetition level of 2":      {1, 2, [][]byte{listPage(0, start, entry{2, 3})}, "more than 1 bits"},
		"a definition level of 4":      {1, 1, [][]byte{listPage(0, entry{0, 4})}, "more than 2 bits"},
		"more rows than said":          {1, 2, [][]byte{listPage(0, start, start)}, "more rows than the footer says"},
		"fewer rows than said":         {3, 2, [][]byte{listPage(0, start, start)}, "ends 1 rows early"},
		"more values than said":        {1, 2, [][]byte{listPage(0, start, more), listPage(0, more)}, "more values than the footer says"},
		"a page beyond the values":     {1, 2, [][]byte{listPage(0, start, more, more)}, "a page has 3 values where 2 are left"},
		"fewer values than said":       {1, 3, [][]byte{listPage(0, start, more)}, "ends 1 values early"},
		"fewer values than definition": {1, 1, [][]byte{listPage(0, start)[:len(listPage(0, start))-1]}, "a page of"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openLists(t, c.rows, c.values, c.pages...).Next(100)
			assert.ErrorContains(t, err, c.words)
		})
	}
}

// TestLeafReaderEndsFullBatches has rows of a quarter of a batch, and one of two batches.
func TestLeafReaderEndsFullBatches(t *testing.T) {
	t.Parallel()
	const quarter = 8 << 20 / (4 + 2) / 4
	var pages [][]byte
	values := int64(0)
	for _, items := range []int{quarter, quarter, 8 * quarter, 1, 1} {
		entries := append([]entry{start}, bytesOf(more, items-1)...)
		pages = append(pages, listPage(0, entries...))
		values += int64(items)
	}
	r := openLists(t, 5, values, pages...)
	var rows, items []int
	for total := 0; total < 5; {
		got, err := r.Next(100)
		require.NoError(t, err)
		rows, items = append(rows, got.Rows), append(items, got.Values.Len())
		total += got.Rows
	}
	assert.Equal(t, []int{3, 2}, rows)
	assert.Equal(t, []int{10 * quarter, 2}, items)
}

func bytesOf(e entry, n int) []entry {
	entries := make([]entry, n)
	for i := range entries {
		entries[i] = e
	}
	return entries
}

func TestFromPlain(t *testing.T) {
	t.Parallel()
	integers := column.Column{Physical: format.Int32, Type: arrow.PrimitiveTypes.Int8}
	got, err := column.FromPlain(integers, []byte{0xfe, 0xff, 0xff, 0xff}, []byte{7, 0, 0, 0})
	require.NoError(t, err)
	assert.Equal(t, []int8{-2, 7}, got.(*array.Int8).Int8Values())
	_, err = column.FromPlain(integers, []byte{0, 1, 0, 0}, []byte{7, 0, 0, 0})
	require.ErrorContains(t, err, "does not fit int8")
	_, err = column.FromPlain(integers, []byte{1, 0, 0}, []byte{7, 0, 0, 0, 0})
	require.ErrorContains(t, err, "a value of 3 bytes")

	got, err = column.FromPlain(column.Column{Physical: format.ByteArray, Type: arrow.BinaryTypes.String}, []byte(""), []byte("ab"))
	require.NoError(t, err)
	assert.Equal(t, `["" "ab"]`, got.String())
}
