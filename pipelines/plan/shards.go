package plan

import (
	"math"

	"hyperlake/transforms/parquetread"
)

// shardsPerWorker spreads the work when there are several workers: keys do not land
// evenly on them. A single worker gets one shard a table, which then is one partial.
const shardsPerWorker = 3

// cutShards divides the row groups of all tables into shards of about equal bytes, for
// the given number of workers. A shard holds row groups of one table, in order; a row group
// is never divided, nor is a file that hyperd reads, which none of read is.
func cutShards(tables []*TablePlan, workers int, read map[TableFile]bool) []parquetread.Shard {
	wanted := int64(1) // and at least one a table
	if workers > 1 {
		wanted = int64(workers) * shardsPerWorker
	}
	var total int64
	for _, table := range tables {
		total += table.BytesToRead()
	}
	var shards []parquetread.Shard
	for i, table := range tables {
		share := int64(1)
		if total > 0 {
			share = max(1, int64(math.Round(float64(wanted)*float64(table.BytesToRead())/float64(total))))
		}
		shards = append(shards, cutTable(i, table, share, read)...)
	}
	return shards
}

// cutTable cuts a table into at most n shards: one ends with the row group that reaches
// its part of the table's bytes.
func cutTable(index int, table *TablePlan, n int64, read map[TableFile]bool) []parquetread.Shard {
	var shards []parquetread.Shard
	open := parquetread.Shard{Table: index}
	var passed int64 // bytes of the row groups so far
	for _, file := range table.ToRead {
		ref := parquetread.FileRef{
			Info: file.Info, Partitions: file.Partitions, Folders: file.Folders,
			Deletes: file.Table.Deletes, PositionDeletes: file.Table.PositionDeletes, EqualityDeletes: file.Table.EqualityDeletes, Keys: file.keys,
			Columns: file.columns, Deferred: file.deferred && !read[TableFile{index, file.Info.URI}],
		}
		if table.countsUnits {
			ref.Unit = table.UnitOf(file)
		}
		if len(ref.PositionDeletes) > 0 {
			ref.Path = file.Table.Path
		}
		for i, group := range file.Groups {
			ref.RowGroups = append(ref.RowGroups, group)
			passed += group.Bytes
			if ref.Deferred && i < len(file.Groups)-1 {
				continue // hyperd reads it as a whole
			}
			done := float64(len(shards)+1) / float64(n) // of the table, when this shard is full
			if done < 1 && float64(passed) >= done*float64(table.BytesToRead()) {
				open.Files = append(open.Files, ref)
				shards = append(shards, open)
				open = parquetread.Shard{Table: index}
				ref.RowGroups = nil
			}
		}
		if len(ref.RowGroups) > 0 {
			open.Files = append(open.Files, ref)
		}
	}
	if len(open.Files) > 0 {
		shards = append(shards, open)
	}
	return shards
}
