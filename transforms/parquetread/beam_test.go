package parquetread_test

import (
	"testing"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/runners/direct/directtest"
	"hyperlake/transforms/parquetread"
)

func init() {
	beam.RegisterFunction(describe)
}

// describe says what a batch is and what it holds in its first and last rows.
func describe(b batch.Batch, emit func(string)) {
	ids := texts([]batch.Batch{b}, "id")
	emit(b.Origin.String() + ": " + ids[0] + " to " + ids[len(ids)-1])
}

func runRead(t *testing.T, shards []parquetread.Shard, tables []parquetread.Projection) (directtest.Result, error) {
	return directtest.Run(t, func(s beam.Scope) []beam.PCollection {
		return []beam.PCollection{beam.ParDo(s, describe, parquetread.Read(s, beam.CreateList(s, shards), tables))}
	})
}

func TestPipeline(t *testing.T) {
	t.Parallel()
	pages, codec := footerOf(t, fixture("pages")), footerOf(t, fixture("codec_none"))
	var shards []parquetread.Shard
	for i := range pages.RowGroups {
		shards = append(shards, parquetread.Shard{Files: []parquetread.FileRef{{Info: pages.Info, RowGroups: pages.RowGroups[i : i+1]}}})
	}
	shards = append(shards, parquetread.Shard{Table: 1, Files: []parquetread.FileRef{{Info: codec.Info, RowGroups: codec.RowGroups}}})
	result, err := runRead(t, shards, []parquetread.Projection{tableOf(pages, "id", "text"), tableOf(codec, "id")})
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{
		"file " + fixture("pages") + ", row group 0, row 0: 0 to 299",
		"file " + fixture("pages") + ", row group 1, row 300: 300 to 599",
		"file " + fixture("pages") + ", row group 2, row 600: 600 to 899",
		"file " + fixture("pages") + ", row group 3, row 900: 900 to 999",
		"file " + fixture("codec_none") + ", row group 0, row 0: 0 to 199",
	}, result.Lines[0])

	bytes := codec.RowGroups[0].Bytes
	for _, group := range pages.RowGroups {
		bytes += group.Bytes
	}
	assert.Equal(t, map[string]int64{"rows_read": 1200, "bytes_read": bytes}, result.Counts)
}

func TestPipelineFailsWithTheFile(t *testing.T) {
	t.Parallel()
	path := store(t, read(t, fixture("pages")))
	footer := footerOf(t, path)
	damaged := read(t, path)
	for i := range damaged[4:300] {
		damaged[4+i] = 0xff
	}
	path = store(t, damaged)
	shard := parquetread.Shard{Files: []parquetread.FileRef{{Info: stat(t, path), RowGroups: footer.RowGroups}}}
	_, err := runRead(t, []parquetread.Shard{shard}, []parquetread.Projection{tableOf(footer, "id")})
	require.Error(t, err)
	failed, ok := failure.Decode(err.Error())
	require.True(t, ok, err)
	assert.Equal(t, failure.Source, failed.Kind)
	assert.Contains(t, failed.Message, "file "+path+`: row group 0: column "id": `)
	assert.NotEmpty(t, failed.Hint)
}

func TestReadRefusesShardsOfUnknownTables(t *testing.T) {
	t.Parallel()
	shard, table := allOf(t, fixture("types"))
	shard.Table = 1
	_, err := runRead(t, []parquetread.Shard{shard}, []parquetread.Projection{table})
	require.ErrorContains(t, err, "table 1 of 1")
}
