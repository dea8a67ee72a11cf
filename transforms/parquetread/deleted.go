package parquetread

import (
	"fmt"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/take"
)

// deletedRows is which rows of a file are no rows of the table. nil has none.
type deletedRows struct{ *roaring64.Bitmap }

// loadDeleted reads which rows of a file are deleted. Numbers that the file has no rows for give
// away that it is not the file that was meant, or not its vector.
func (r *shardReader) loadDeleted(f *file, ref FileRef) (*deletedRows, error) {
	if !ref.HasDeletes() {
		return nil, nil
	}
	rows, err := r.readDeleted(ref)
	if err != nil {
		if r.ctx.Err() == nil {
			err = failure.Of(fmt.Errorf("file %s: %w", f.uri, err), failure.Source)
		}
		return nil, err
	}
	if !rows.IsEmpty() && rows.Maximum() >= uint64(f.rows) {
		return nil, fmt.Errorf("row %d of it is said to be deleted, but the file has %d rows: one of them is not the one that the table means",
			rows.Maximum(), f.rows)
	}
	return &deletedRows{rows}, nil
}

// readDeleted reads which rows all say that are deleted.
func (r *shardReader) readDeleted(ref FileRef) (*roaring64.Bitmap, error) {
	rows := roaring64.New()
	if ref.Deletes != nil {
		var err error
		if rows, err = ref.Deletes.Read(r.ctx); err != nil {
			return nil, err
		}
	}
	if r.deletes == nil {
		r.deletes = r.newDeleteFiles()
	}
	named, err := r.deletes.named(ref)
	if err != nil {
		return nil, err
	}
	equal, err := r.deletes.equal(ref)
	if err != nil {
		return nil, err
	}
	rows.Or(named)
	rows.Or(equal)
	return rows, nil
}

// countIn counts the deleted rows of a row group.
func (d *deletedRows) countIn(group RowGroup) int64 {
	if d == nil || group.Rows == 0 {
		return 0
	}
	count := d.Rank(uint64(group.FirstRow + group.Rows - 1))
	if group.FirstRow > 0 {
		count -= d.Rank(uint64(group.FirstRow - 1))
	}
	return int64(count)
}

// from iterates over the deleted rows, by their numbers in the file, from one on.
func (d *deletedRows) from(row int64) roaring64.IntPeekable64 {
	rows := d.Iterator()
	rows.AdvanceIfNeeded(uint64(row))
	return rows
}

// without returns the rows that are not deleted.
func (d *deletedRows) without(rows []int64) []int64 {
	if d == nil {
		return rows
	}
	var kept []int64
	for _, row := range rows {
		if !d.Contains(uint64(row)) {
			kept = append(kept, row)
		}
	}
	return kept
}

// deletedFrom is how many rows from one of the row group on are deleted and follow each other.
func (g *groupReader) deletedFrom(row int64) (run int64) {
	for first := g.group.FirstRow + row; run < g.rows()-row; run++ {
		if g.deleted == nil || !g.deleted.HasNext() || g.deleted.PeekNext() != uint64(first+run) {
			break
		}
		g.deleted.Next()
	}
	return run
}

// skip leaves rows out that would be decoded next: what was decoded of them is dropped, and the rest never is, in flat
// columns.
func (g *groupReader) skip(rows int64) {
	for i := range g.decoded {
		rest := rows
		for rest > 0 && len(g.decoded[i]) > 0 {
			first := g.decoded[i][0]
			if length := int64(first.Len()); length > rest {
				g.decoded[i][0] = array.NewSlice(first, rest, length)
				rest = 0
			} else {
				g.decoded[i][0] = nil // for the memory to be freed
				g.decoded[i] = g.decoded[i][1:]
				rest -= length
			}
		}
		g.left[i] -= rest
		g.skipped[i] += rest
	}
}

// part makes a batch of decoded rows, of which the first is the given one of those that are read, without those
// that are deleted. Its columns are still those of the file.
func (g *groupReader) part(decoded arrow.Record, done int64) (batch.Batch, error) {
	b := batch.Batch{
		Table:   g.shard.Table,
		Attempt: g.shard.Attempt,
		Origin:  batch.Origin{File: g.file.uri, RowGroup: g.group.Index, FirstRow: g.group.FirstRow + done},
		Record:  decoded,
	}
	switch {
	case g.picked != nil:
		for _, row := range g.picked[done : done+decoded.NumRows()] {
			b.Rows = append(b.Rows, g.group.FirstRow+row)
		}
		b.Origin.FirstRow = b.Rows[0]
	case g.deleted != nil:
		if err := g.leaveOut(&b); err != nil {
			return batch.Batch{}, err
		}
	}
	b.Tally.Read = b.Record.NumRows()
	return b, nil
}

// leaveOut takes the deleted rows out of a batch of rows that follow each other.
func (g *groupReader) leaveOut(b *batch.Batch) error {
	first, rows := b.Origin.FirstRow, b.Record.NumRows()
	if !g.deleted.HasNext() || g.deleted.PeekNext() >= uint64(first+rows) {
		return nil
	}
	var kept take.Selection
	next, runs := first, 0
	keepUntil := func(end int64) {
		if end > next {
			kept.Add(int(next-first), int(end-next))
			runs++
			for row := next; row < end; row++ {
				b.Rows = append(b.Rows, row)
			}
		}
	}
	for g.deleted.HasNext() && g.deleted.PeekNext() < uint64(first+rows) {
		row := int64(g.deleted.Next())
		keepUntil(row)
		next = row + 1
	}
	keepUntil(first + rows)
	if len(b.Rows) > 0 {
		b.Origin.FirstRow = b.Rows[0]
	}
	if runs <= 1 {
		b.Rows = nil // they follow each other
	}
	b.Tally.Deleted = rows - int64(kept.Rows())
	var err error
	b.Record, err = kept.Record(b.Record)
	return err
}

// sendDeleted sends the number of rows that are deleted behind all that were sent of a row group, if there are any.
func (g *groupReader) sendDeleted(rows int64) error {
	if rows == 0 {
		return nil
	}
	builder := array.NewRecordBuilder(memory.DefaultAllocator, g.layout.schema)
	defer builder.Release()
	return g.send(batch.Batch{
		Table:   g.shard.Table,
		Attempt: g.shard.Attempt,
		Origin:  batch.Origin{File: g.file.uri, RowGroup: g.group.Index, FirstRow: g.group.FirstRow},
		Tally:   batch.Tally{Deleted: rows},
		Record:  builder.NewRecord(),
	})
}
