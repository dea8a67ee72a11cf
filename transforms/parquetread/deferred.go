package parquetread

import (
	"fmt"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread/internal/column"
)

// deferFile sends a batch that stands for a whole file, once it is known that the file is
// the one that was planned for and that its pages match the checksums they have: hyperd
// does not look at these.
func (r *shardReader) deferFile(ref FileRef) error {
	f, err := openFile(r.ctx, ref.Info)
	if err != nil {
		return err
	}
	defer f.reader.Close()
	if groups := f.rowGroups(); len(groups) != len(ref.RowGroups) || f.rows != ref.Rows() {
		return fmt.Errorf("the file is not the one that was planned for: it has %d rows", f.rows)
	}
	layout, err := f.layoutOf(r.table, ref.Partitions)
	if err != nil {
		return err
	}
	selected, err := f.selectColumns(layout.stored)
	if err != nil {
		return err
	}
	if err := f.verify(cancellable{f.reader, r.ctx}, selected); err != nil {
		return err
	}
	return r.send(batch.Batch{
		Table:    r.shard.Table,
		Origin:   batch.Origin{File: ref.Info.URI},
		Tally:    batch.Tally{Read: f.rows},
		Deferred: &batch.Deferred{File: ref},
	})
}

// verify holds the pages of some columns against their checksums.
func (f *file) verify(source cancellable, selected selection) error {
	var verifier column.Verifier
	for _, group := range f.rowGroups() {
		if group.Rows == 0 {
			continue
		}
		for _, n := range selected.nodes {
			chunk, err := f.chunkOf(n.shape(level{}), group)
			if err == nil {
				err = verifier.Verify(source, chunk)
			}
			if err != nil {
				return fmt.Errorf("row group %d: column %q: %w", group.Index, n.Name, err)
			}
		}
	}
	return nil
}
