package plan

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread"
)

// filesOf makes files with row groups of the given bytes.
func filesOf(name string, groups ...[]int64) *TablePlan {
	table := &TablePlan{}
	for i, sizes := range groups {
		file := PlannedFile{Info: storage.Info{URI: fmt.Sprintf("%s%d", name, i)}}
		for index, bytes := range sizes {
			file.Groups = append(file.Groups, parquetread.RowGroup{Index: index, Rows: bytes * 10, Bytes: bytes})
			table.Bytes += bytes
		}
		table.ToRead = append(table.ToRead, file)
	}
	return table
}

func TestOneWorkerGetsOneShardATable(t *testing.T) {
	t.Parallel()
	shards := cutShards([]*TablePlan{filesOf("a", []int64{5, 5}, []int64{90}), filesOf("b", []int64{1})}, 1, nil)
	require.Len(t, shards, 2)
	assert.Len(t, shards[0].Files, 2)
	assert.Equal(t, 1, shards[1].Table)
}

func TestNoShardForNoRows(t *testing.T) {
	t.Parallel()
	assert.Empty(t, cutShards([]*TablePlan{filesOf("a", nil, nil)}, 4, nil))
}

// Whatever the sizes, every row group is in exactly one shard, in order.
func TestShardsCoverEveryRowGroupOnce(t *testing.T) {
	t.Parallel()
	tables := []*TablePlan{
		filesOf("a", []int64{1, 1, 1, 1, 1}, nil, []int64{100, 1}, []int64{3}),
		filesOf("b", []int64{7, 7, 7, 7, 7, 7, 7, 7, 7, 7}),
	}
	for workers := 1; workers < 9; workers++ {
		var got []string
		for _, shard := range cutShards(tables, workers, nil) {
			require.NotEmpty(t, shard.Files)
			for _, file := range shard.Files {
				require.NotEmpty(t, file.RowGroups)
				for _, group := range file.RowGroups {
					got = append(got, fmt.Sprint(shard.Table, file.Info.URI, group.Index))
				}
			}
		}
		var want []string
		for i, table := range tables {
			for _, file := range table.ToRead {
				for _, group := range file.Groups {
					want = append(want, fmt.Sprint(i, file.Info.URI, group.Index))
				}
			}
		}
		assert.Equal(t, want, got, "%d workers", workers)
	}
}

func TestShardsAreBalanced(t *testing.T) {
	t.Parallel()
	var sizes []int64
	for range 1000 {
		sizes = append(sizes, 10)
	}
	shards := cutShards([]*TablePlan{filesOf("a", sizes)}, 4, nil)
	assert.Len(t, shards, 4*shardsPerWorker)
	for _, shard := range shards {
		var bytes int64
		for _, group := range shard.Files[0].RowGroups {
			bytes += group.Bytes
		}
		assert.InDelta(t, 10_000/len(shards), bytes, 20)
	}
}
