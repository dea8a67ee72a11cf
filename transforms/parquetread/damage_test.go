package parquetread_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/transforms/parquetread"
	"hyperlake/transforms/parquetread/internal/format"
)

// readDamaged reads a file that may be damaged and checks that it ends either in an error
// for the user or in the rows that the footer promises.
func readDamaged(t *testing.T, path string, data []byte) ([]batch.Batch, error) {
	require.NoError(t, os.WriteFile(path, data, 0o600))
	footer, err := parquetread.ReadFooter(context.Background(), stat(t, path))
	if err != nil {
		assertSourceError(t, err, path)
		return nil, err
	}
	var fields []arrow.Field
	seen := map[string]bool{}
	for _, field := range footer.Schema.Fields() {
		if !seen[field.Name] {
			fields = append(fields, field)
		}
		seen[field.Name] = true
	}
	table := parquetread.Projection{Schema: batch.Schema{Schema: arrow.NewSchema(fields, nil)}}
	shard := parquetread.Shard{Files: []parquetread.FileRef{{Info: footer.Info, RowGroups: footer.RowGroups}}}
	batches, err := readAll(shard, table)
	if err != nil {
		assertSourceError(t, err, path)
		return nil, err
	}
	for _, b := range batches {
		require.Equal(t, b.Tally.Read, b.Record.NumRows())
		for _, column := range b.Record.Columns() {
			require.Equal(t, int(b.Record.NumRows()), column.Len())
			if _, isNested := column.DataType().(arrow.NestedType); isNested {
				for row := range column.Len() {
					canonical(t, column, row) // what a damaged list refers to must be there
				}
			}
		}
	}
	require.Equal(t, footer.Rows, rowsOf(batches))
	return batches, nil
}

func TestFilesThatAreCutOffAnywhere(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"types", "empty_row_group", "nested"} {
		whole := read(t, fixture(name))
		path := filepath.Join(t.TempDir(), "file.parquet")
		for size := 0; size < len(whole); size += 3 {
			_, err := readDamaged(t, path, whole[:size])
			require.Error(t, err, "%d bytes", size)
		}
	}
}

func TestFilesWithWrongBytesAnywhere(t *testing.T) {
	for name, stride := range map[string]int{
		"types": 5, "encodings_v1": 5, "encodings_v2": 5, "codec_snappy": 1, "codec_zstd_v2": 1, "codec_gzip": 1, "int96": 1, "embedded": 1,
		"nested": 3, "nested_shapes_odd": 41, "nested_duckdb": 2, "nested_polars": 5,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := read(t, fixture(name))
			path := filepath.Join(t.TempDir(), "file.parquet")
			failed := 0
			for i := 0; i < len(data); i += stride {
				flip := byte(1) << (i % 8)
				data[i] ^= flip
				if _, err := readDamaged(t, path, data); err != nil {
					failed++
				}
				data[i] ^= flip
			}
			assert.NotZero(t, failed)
		})
	}
}

// TestChecksums changes bytes of every page of files with checksums.
func TestChecksums(t *testing.T) {
	for _, name := range []string{"encodings_v1", "encodings_v2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := read(t, fixture(name))
			path := filepath.Join(t.TempDir(), "file.parquet")
			pages := 0
			for pos := 4; ; pages++ {
				header, size, err := format.ParsePageHeader(data[pos:])
				if err != nil || !header.HasCRC {
					break
				}
				pos += size
				for i := 0; i < int(header.CompressedSize); i += 7 {
					data[pos+i] ^= 0x10
					_, err := readDamaged(t, path, data)
					data[pos+i] ^= 0x10
					require.ErrorContains(t, err, "checksum")
				}
				pos += int(header.CompressedSize)
			}
			assert.Greater(t, pages, 20)
		})
	}
}

// TestCountsThatDisagree makes the footer promise other rows than the pages have.
func TestCountsThatDisagree(t *testing.T) {
	t.Parallel()
	shard, table := allOf(t, fixture("pages"))
	shard.Files[0].RowGroups[1].Rows = 299
	_, err := readAll(shard, table)
	assertSourceError(t, err, fixture("pages"), "row group 1")

	shard, table = allOf(t, fixture("pages"))
	shard.Files[0].RowGroups[0].Index = 4
	_, err = readAll(shard, table)
	assertSourceError(t, err, fixture("pages"), "row group 4")
}

func TestColumnsThatAreNotThere(t *testing.T) {
	t.Parallel()
	shard, table := allOf(t, fixture("types"), fixture("codec_none"))
	i8, _ := table.Schema.FieldsByName("i8")
	i8[0].Nullable = false
	table.Schema.Schema = arrow.NewSchema(i8, nil)
	var rows int64
	err := parquetread.ReadShard(context.Background(), shard, table, func(b batch.Batch) error {
		rows += b.Record.NumRows()
		return nil
	})
	assertSourceError(t, err, fixture("codec_none"), `there is no "i8"`)
	assert.Equal(t, int64(3), rows)
}

func FuzzReadShard(f *testing.F) {
	names, err := filepath.Glob("testdata/*.parquet")
	require.NoError(f, err)
	for _, name := range names {
		f.Add(read(f, name))
	}
	path := filepath.Join(f.TempDir(), "file.parquet")
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := readDamaged(t, path, data)
		var known *failure.Error
		if err != nil {
			require.ErrorAs(t, err, &known)
		}
	})
}
