package pipelines

import "hyperlake/transforms/parquetread"

// shardsPerWorker spreads the work when there are several workers: keys do not land
// evenly on them. A single worker gets one shard a table, which then is one partial.
const shardsPerWorker = 3

// cutShards divides the row groups of all tables into shards of about equal bytes, for
// the given number of workers. A shard holds row groups of one table, in order; one row
// group is never divided.
func cutShards(tables []*TablePlan, workers int) []parquetread.Shard {
	wanted := int64(1)
	if workers > 1 {
		wanted = int64(workers) * shardsPerWorker
	}
	var total int64
	for _, table := range tables {
		total += table.Bytes
	}
	target := max(total/wanted, 1)

	var shards []parquetread.Shard
	for i, table := range tables {
		limit := target
		if workers == 1 {
			limit = table.Bytes + 1 // all of it
		}
		shards = append(shards, cutTable(i, table.files, limit)...)
	}
	return shards
}

// cutTable closes a shard with the row group that fills it up to limit bytes.
func cutTable(table int, files []parquetread.Footer, limit int64) []parquetread.Shard {
	var shards []parquetread.Shard
	open := parquetread.Shard{Table: table}
	var filled int64
	for _, file := range files {
		ref := parquetread.FileRef{Info: file.Info}
		for _, group := range file.RowGroups {
			if group.Rows == 0 {
				continue
			}
			ref.RowGroups = append(ref.RowGroups, group)
			if filled += group.Bytes; filled >= limit {
				open.Files = append(open.Files, ref)
				shards = append(shards, open)
				open, filled = parquetread.Shard{Table: table}, 0
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
