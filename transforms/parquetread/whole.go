package parquetread

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/batch"
	"hyperlake/internal/storage"
)

// ReadColumns reads those of some top-level columns that a file has, by name, all if columns is nil, and calls emit for
// one record after another, of at most [batch.MaxRows] rows; not at all where it has none of them. It fails as
// [ReadShard] does. It is meant for files that describe others, such as the checkpoints of tables, and for those of rejects.
func ReadColumns(ctx context.Context, info storage.Info, columns []string, emit func(arrow.Record) error) error {
	footer, err := ReadFooter(ctx, info)
	if err != nil {
		return err
	}
	var fields []arrow.Field
	for _, field := range footer.Schema.Fields() {
		if columns == nil || slices.Contains(columns, field.Name) {
			fields = append(fields, field)
		}
	}
	if len(fields) == 0 {
		return nil
	}
	shard := Shard{Files: []FileRef{{Info: info, RowGroups: footer.RowGroups}}}
	table := Projection{Schema: batch.Schema{Schema: arrow.NewSchema(fields, nil)}}
	return ReadShard(ctx, shard, table, func(b batch.Batch) error { return emit(b.Record) })
}
