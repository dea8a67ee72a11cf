package parquetread

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/batch"
	"hyperlake/internal/storage"
	"hyperlake/transforms/parquetread/internal/column"
)

// batchBytes is how large a batch should be, about.
const batchBytes = 8 << 20

// groupReader decodes a row group. Its columns are decoded at the same time and batch by
// batch, rather than several row groups at once: batches come in order by themselves, and
// however large row groups are, only a few batches are in memory.
type groupReader struct {
	*shardReader
	file     *file
	selected selection
	layout   layout
	group    RowGroup
	picked   []int64 // rows of the group to read, 0-based in it; nil for all

	bytes   []int64       // of each column, uncompressed
	order   []int         // of the columns, the largest first
	decoded []arrow.Array // of each column: rows that were not sent yet, or nil
}

func (g *groupReader) run() error {
	rows := g.rows()
	if rows == 0 {
		return nil
	}
	if err := g.openColumns(); err != nil {
		return err
	}
	size := int64(g.batchRows())
	for done := int64(0); done < rows; {
		if err := g.decode(int(min(size, rows-done))); err != nil {
			return err
		}
		record, err := g.layout.record(g.assemble(int(min(size, rows-done))))
		if err != nil {
			return g.misplaced(done, err)
		}
		err = g.send(batch.Batch{
			Table:   g.shard.Table,
			Attempt: g.shard.Attempt,
			Origin:  batch.Origin{File: g.file.uri, RowGroup: g.group.Index, FirstRow: g.group.FirstRow + g.number(done)},
			Tally:   batch.Tally{Read: record.NumRows()},
			Record:  record,
		})
		if err != nil {
			return err
		}
		done += record.NumRows()
	}
	return nil
}

// rows is how many rows are to be read.
func (g *groupReader) rows() int64 {
	if g.picked != nil {
		return int64(len(g.picked))
	}
	return g.group.Rows
}

// number is that of a row in its row group, counted among those that are read.
func (g *groupReader) number(row int64) int64 {
	if g.picked != nil {
		return g.picked[row]
	}
	return row
}

func (g *groupReader) openColumns() error {
	nodes := g.selected.nodes
	g.bytes, g.order, g.decoded = make([]int64, len(nodes)), make([]int, len(nodes)), make([]arrow.Array, len(nodes))
	var ranges []storage.Range
	for i, n := range nodes {
		chunks, err := g.openColumn(i)
		if err != nil {
			return fmt.Errorf("column %q: %w", n.Name, err)
		}
		g.order[i] = i
		for _, chunk := range chunks {
			ranges = append(ranges, storage.Range{Start: chunk.Offset, Length: chunk.Length})
		}
	}
	g.file.reader.Prepare(ranges)
	slices.SortStableFunc(g.order, func(a, b int) int { return cmp.Compare(g.bytes[b], g.bytes[a]) })
	return nil
}

func (g *groupReader) openColumn(i int) ([]column.Chunk, error) {
	field := g.selected.leaf(i)
	var chunks []column.Chunk
	for _, leaf := range field.Leaves() {
		chunk, err := g.file.chunkOf(leaf, g.group)
		if err != nil {
			return nil, err
		}
		chunks = append(chunks, chunk)
		g.bytes[i] += chunk.Uncompressed
	}
	return chunks, g.readers[i].open(cancellable{g.file.reader, g.ctx}, field, chunks, g.readAhead, g.picked)
}

// batchRows cuts the row group into batches of the same number of rows, and of about
// batchBytes or less. It takes byte arrays and nested values to be as large as they are stored;
// where they turn out larger, their reader stops by itself.
func (g *groupReader) batchRows() int {
	width := int64(0) // bytes of a row
	for i, bytes := range g.bytes {
		if fixed, ok := g.selected.schema.Field(i).Type.(arrow.FixedWidthDataType); ok {
			width += int64(fixed.BitWidth()+7) / 8
		} else {
			width += int64(arrow.Int32SizeBytes) + bytes/g.group.Rows
		}
	}
	most := min(max(batchBytes/max(width, 1), 1), batch.MaxRows)
	batches := (g.rows() + most - 1) / most
	return int((g.rows() + batches - 1) / batches)
}

// decode makes sure that rows of every column are decoded. A column may end up with
// fewer rows than asked for.
func (g *groupReader) decode(rows int) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	work := func() {
		for failed.Load() == nil {
			i := int(next.Add(1)) - 1
			if i >= len(g.order) {
				return
			}
			if err := g.decodeColumn(g.order[i], rows); err != nil {
				failed.CompareAndSwap(nil, &err)
			}
		}
	}
	var others sync.WaitGroup
	for range min(g.decoders, len(g.order)) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (g *groupReader) decodeColumn(i, rows int) error {
	if g.decoded[i] != nil {
		return nil
	}
	err := guard(func() (err error) {
		g.decoded[i], err = g.readers[i].next(rows)
		return err
	})
	if err != nil {
		return fmt.Errorf("column %q: %w", g.selected.nodes[i].Name, err)
	}
	return nil
}

// assemble makes a record of the rows that every column has, at most the given number,
// and keeps the rest.
func (g *groupReader) assemble(rows int) arrow.Record {
	for _, decoded := range g.decoded {
		rows = min(rows, decoded.Len())
	}
	columns := make([]arrow.Array, len(g.decoded))
	for i, decoded := range g.decoded {
		columns[i], g.decoded[i] = decoded, nil
		if decoded.Len() > rows {
			columns[i] = array.NewSlice(decoded, 0, int64(rows))
			g.decoded[i] = array.NewSlice(decoded, int64(rows), int64(decoded.Len()))
		}
	}
	return array.NewRecord(g.selected.schema, columns, int64(rows))
}
