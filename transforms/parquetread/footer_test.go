package parquetread_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread"
)

func read(t testing.TB, path string) []byte {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

// assertSourceError checks that an error is one for the user: of kind source, with
// something to do, and with some words in it.
func assertSourceError(t *testing.T, err error, words ...string) {
	t.Helper()
	var failed *failure.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, failure.Source, failed.Kind)
	assert.NotEmpty(t, failed.Hint)
	assert.False(t, failed.Early)
	for _, word := range words {
		assert.Contains(t, failed.Message, word)
	}
}

func TestFooterHasRowGroups(t *testing.T) {
	t.Parallel()
	path := fixture("pages")
	footer := footerOf(t, path)
	assert.Equal(t, stat(t, path), footer.Info)
	assert.Equal(t, int64(1000), footer.Rows)
	require.Len(t, footer.RowGroups, 4)
	bytes := int64(0)
	for i, group := range footer.RowGroups {
		assert.Equal(t, i, group.Index)
		assert.Equal(t, int64(i)*300, group.FirstRow)
		assert.Equal(t, min(int64(300), 1000-group.FirstRow), group.Rows)
		bytes += group.Bytes
	}
	assert.Greater(t, bytes, footer.Info.Size*8/10)
	assert.Less(t, bytes, footer.Info.Size)
}

func TestFilesThatAreNotWhole(t *testing.T) {
	t.Parallel()
	whole := read(t, fixture("codec_snappy"))
	encrypted := append(append([]byte("PARE"), whole[4:len(whole)-4]...), "PARE"...)
	shifted := append(append([]byte{}, whole[:4]...), whole[40:]...) // pages are missing, the footer is there
	endless := append([]byte{}, whole...)
	copy(endless[len(endless)-8:], "\xff\xff\xff\x7f")
	for name, c := range map[string]struct {
		data  []byte
		words string
	}{
		"empty":            {nil, "is empty (0 bytes)"},
		"a few bytes":      {[]byte("PAR1PAR1"), "not Parquet: it has 8 bytes only"},
		"text":             {[]byte("a,b,c\n1,2,3\n4,5,6\n"), "not Parquet"},
		"cut off":          {whole[:len(whole)-20], "cut off"},
		"encrypted":        {encrypted, "encrypted"},
		"without pages":    {shifted, "cut off or damaged"},
		"long footer":      {endless, "a footer of 2147483647 bytes"},
		"footer of zeros":  {append(append([]byte("PAR1"), make([]byte, 16)...), "\x10\x00\x00\x00PAR1"...), "there is no schema"},
		"footer of nested": {append(append([]byte("PAR1"), []byte(nestedThrift(200))...), "\xc8\x00\x00\x00PAR1"...), "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			path := store(t, c.data)
			_, err := parquetread.ReadFooter(context.Background(), stat(t, path))
			assertSourceError(t, err, path, c.words)
		})
	}
}

// A file must have the rows that its footer promises, unless that says nothing of them.
func TestRowsOfTheFooter(t *testing.T) {
	t.Parallel()
	whole := read(t, fixture("pages"))
	for promised, words := range map[int64]string{
		999:  "1000 rows in the row groups, 999 in the file",
		1001: "1000 rows in the row groups, 1001 in the file",
		700:  "1000 rows in the row groups, 700 in the file",
		-1:   "1000 rows in the row groups, -1 in the file",
	} {
		path := store(t, promising(t, whole, promised))
		_, err := parquetread.ReadFooter(t.Context(), stat(t, path))
		assertSourceError(t, err, path, words)
	}
	assert.EqualValues(t, 1000, footerOf(t, store(t, promising(t, whole, 0))).Rows)
}

// promising is a file whose footer says that there are so many rows.
func promising(t *testing.T, data []byte, rows int64) []byte {
	t.Helper()
	reader, err := file.NewParquetReader(bytes.NewReader(data))
	require.NoError(t, err)
	meta := reader.MetaData()
	meta.NumRows = rows
	end := len(data) - 8 - int(binary.LittleEndian.Uint32(data[len(data)-8:]))
	out := bytes.NewBuffer(slices.Clone(data[:end]))
	size, err := meta.WriteTo(out, nil)
	require.NoError(t, err)
	return append(binary.LittleEndian.AppendUint32(out.Bytes(), uint32(size)), "PAR1"...)
}

// nestedThrift is a structure in a structure, and so on.
func nestedThrift(depth int) string {
	data := make([]byte, depth)
	for i := range data {
		data[i] = 0x1c
	}
	return string(data)
}

func TestFilesThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	path := store(t, read(t, fixture("codec_none")))
	info := stat(t, path)

	changed := info
	changed.Modified = changed.Modified.Add(1)
	_, err := parquetread.ReadFooter(context.Background(), changed)
	assertSourceError(t, err, path)
	require.ErrorIs(t, err, storage.ErrChanged)

	gone := storage.Info{URI: filepath.Join(t.TempDir(), "gone.parquet"), Size: 10}
	_, err = parquetread.ReadFooter(context.Background(), gone)
	assertSourceError(t, err, gone.URI)
	require.ErrorIs(t, err, fs.ErrNotExist)

	_, err = parquetread.ReadFooter(context.Background(), storage.Info{URI: "ftp://host/x.parquet"})
	assertSourceError(t, err, "ftp://host/x.parquet")

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = parquetread.ReadFooter(ctx, info)
	var failed *failure.Error
	assert.Equal(t, context.Canceled, err)
	assert.False(t, errors.As(err, &failed))
}

func TestWritersThatLeftHeadersOutOfSizes(t *testing.T) {
	t.Parallel()
	for createdBy, want := range map[string]bool{
		"parquet-mr version 1.2.8 (build abc)":    true,
		"parquet-mr version 1.0.0":                true,
		"parquet-mr version 1.2.9 (build abc)":    false,
		"parquet-mr version 1.13.1 (build abc)":   false,
		"parquet-mr":                              true,
		"parquet-cpp-arrow version 1.2.0":         false,
		"impala version 1.0.0-INTERNAL (build 1)": false,
	} {
		assert.Equal(t, want, parquetread.HasShortChunks(createdBy), createdBy)
	}
}
