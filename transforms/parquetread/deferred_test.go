package parquetread_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/transforms/parquetread"
	"hyperlake/transforms/parquetread/internal/format"
)

func TestDeferredFilesAreNotDecoded(t *testing.T) {
	t.Parallel()
	shard, table := allOf(t, fixture("pages"), fixture("pages"))
	shard.Files[1].Deferred = true
	shard.Table = 3
	batches, err := readAll(shard, table)
	require.NoError(t, err)
	last := batches[len(batches)-1]
	assert.Nil(t, last.Record)
	require.NotNil(t, last.Deferred)
	assert.Equal(t, shard.Files[1], last.Deferred.File)
	assert.Equal(t, 3, last.Table)
	assert.Equal(t, footerOf(t, fixture("pages")).Rows, last.Tally.Read)
	assert.Equal(t, fixture("pages"), last.Origin.File)
	for _, b := range batches[:len(batches)-1] {
		assert.Nil(t, b.Deferred)
	}
}

func TestDeferredFilesAreThoseThatWerePlanned(t *testing.T) {
	t.Parallel()
	shard, table := allOf(t, fixture("pages"))
	shard.Files[0].Deferred = true
	shard.Files[0].RowGroups = shard.Files[0].RowGroups[1:]
	_, err := readAll(shard, table)
	assertSourceError(t, err, fixture("pages"), "not the one that was planned for")

	shard, table = allOf(t, fixture("pages"))
	shard.Files[0].Deferred = true
	shard.Files[0].Info.Size++
	_, err = readAll(shard, table)
	assertSourceError(t, err, fixture("pages"), "changed")
}

// hyperd does not look at checksums, so that this has to be done before.
func TestChecksumsOfDeferredFiles(t *testing.T) {
	for _, name := range []string{"encodings_v1", "encodings_v2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := read(t, fixture(name))
			path := filepath.Join(t.TempDir(), "file.parquet")
			readDeferred := func() error {
				require.NoError(t, os.WriteFile(path, data, 0o600))
				shard, table := allOf(t, path)
				shard.Files[0].Deferred = true
				_, err := readAll(shard, table)
				return err
			}
			require.NoError(t, readDeferred())
			pages := 0
			for pos := 4; ; pages++ {
				header, size, err := format.ParsePageHeader(data[pos:])
				if err != nil || !header.HasCRC {
					break
				}
				pos += size
				if header.CompressedSize > 0 {
					at := pos + int(header.CompressedSize)/2
					data[at] ^= 0x10
					assertSourceError(t, readDeferred(), path, "row group 0: column")
					data[at] ^= 0x10
				}
				pos += int(header.CompressedSize)
			}
			assert.Greater(t, pages, 20)
		})
	}
}

func TestPlainColumns(t *testing.T) {
	t.Parallel()
	isPlain := func(name string) map[bool][]string {
		columns := map[bool][]string{}
		footer := footerOf(t, fixture(name))
		for _, field := range footer.Schema.Fields() {
			is := footer.IsPlain(field.Name)
			columns[is] = append(columns[is], field.Name)
		}
		return columns
	}
	assert.Empty(t, isPlain("int96")[true])
	assert.Empty(t, isPlain("codec_brotli")[true])
	assert.Equal(t, []string{"flat", "text"}, isPlain("nested")[true])
	assert.NotEmpty(t, isPlain("codec_zstd")[true])
	assert.False(t, parquetread.Footer{Schema: footerOf(t, fixture("types")).Schema}.IsPlain("i8"), "nothing is known")
	types := isPlain("types")
	assert.Equal(t, []string{"i8", "u8", "i16", "u16", "date", "ts_ms_utc", "ts_us", "t_us", "dec_9_2", "dec_38_10", "bytes", "fixed", "text"}, types[true])
	assert.Equal(t, []string{"u32", "u64", "f16", "ts_ns", "t_ms", "t_ns", "dec_76_5", "uuid", "json", "nothing"}, types[false])
}

// A remote file is not touched: whoever copies it verifies the copy.
func TestRemoteDeferredFilesAreNotRead(t *testing.T) {
	t.Parallel()
	shard, table := allOf(t, fixture("pages"))
	file := &shard.Files[0]
	file.Deferred = true
	file.Info.URI, file.Info.Version = "gs://no-such-bucket/pages.parquet", "1"
	batches, err := readAll(shard, table)
	require.NoError(t, err)
	require.Len(t, batches, 1)
	assert.Equal(t, footerOf(t, fixture("pages")).Rows, batches[0].Tally.Read)
	var names []string
	for _, field := range table.Schema.Fields() {
		names = append(names, field.Name)
	}
	assert.Equal(t, names, batches[0].Deferred.Unverified)
}

func TestTheLastFileIsMarked(t *testing.T) {
	t.Parallel()
	shard, table := allOf(t, fixture("pages"), fixture("pages"))
	shard.Files[1].Info.URI, shard.Files[1].Info.Version = "gs://bucket/last.parquet", "1"
	shard.Files[0].Deferred, shard.Files[1].Deferred = true, true
	for _, last := range []bool{true, false} {
		shard.Last = last
		batches, err := readAll(shard, table)
		require.NoError(t, err)
		require.Len(t, batches, 2)
		assert.False(t, batches[0].Deferred.Last)
		assert.Equal(t, last, batches[1].Deferred.Last)
	}
}

func TestVerifyPages(t *testing.T) {
	t.Parallel()
	data := read(t, fixture("encodings_v1"))
	path := filepath.Join(t.TempDir(), "copy.parquet")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	require.NoError(t, parquetread.VerifyPages(t.Context(), path, []string{"delta_i64", "lengths"}))
	require.ErrorContains(t, parquetread.VerifyPages(t.Context(), path, []string{"other"}), "other")

	data[2000] ^= 0x10
	require.NoError(t, os.WriteFile(path, data, 0o600))
	require.ErrorContains(t, parquetread.VerifyPages(t.Context(), path, []string{"delta_i64", "lengths"}), `row group 0: column "delta_i64": `)
	require.NoError(t, parquetread.VerifyPages(t.Context(), path, []string{"lengths"}), "only what is read counts")

	require.NoError(t, os.WriteFile(path, []byte("no Parquet at all"), 0o600))
	require.Error(t, parquetread.VerifyPages(t.Context(), path, nil))
}
