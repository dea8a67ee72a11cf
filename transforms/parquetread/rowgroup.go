package parquetread

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
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
	group    RowGroup                // as the file has it
	planned  RowGroup                // what of it is read
	picked   []int64                 // rows of the group to read, 0-based in it; nil for all
	deleted  roaring64.IntPeekable64 // rows of the file to leave out, those that are still to come; nil if there are none

	bytes   []int64         // of each column, uncompressed
	order   []int           // of the columns, the largest first
	decoded [][]arrow.Array // of each column: rows that were not sent yet
	left    []int64         // rows of each column that were not decoded yet, and are to be
	skipped []int64         // rows of each column to pass over before more are decoded

	memory *column.Memory // of the pages
	inTurn bool           // columns are decoded one after another
}

func (g *groupReader) run() error {
	rows := g.rows()
	if rows == 0 {
		return nil
	}
	if err := g.openColumns(); err != nil {
		return err
	}
	defer g.close()
	size, err := g.batchRows()
	if err != nil {
		return err
	}
	deleted := int64(0) // behind the last batch that was sent
	for done := int64(0); done < rows; {
		if run := g.deletedFrom(done); run > 0 {
			g.skip(run)
			done += run
			deleted += run
			continue
		}
		if err := g.decode(size); err != nil {
			return err
		}
		decoded := g.assemble(int(min(int64(size), rows-done)))
		b, err := g.part(decoded, done)
		if err != nil {
			return err
		}
		done += decoded.NumRows()
		if b.Record, err = g.layout.record(b.Record); err != nil {
			return misplaced(b, err)
		}
		b.Tally.Deleted += deleted
		deleted = 0
		if err := g.send(b); err != nil {
			return err
		}
	}
	return g.sendDeleted(deleted)
}

// rows is how many rows are to be read.
func (g *groupReader) rows() int64 {
	if g.picked != nil {
		return int64(len(g.picked))
	}
	return g.planned.Rows
}

func (g *groupReader) openColumns() error {
	nodes := g.selected.nodes
	g.bytes, g.order, g.decoded = make([]int64, len(nodes)), make([]int, len(nodes)), make([][]arrow.Array, len(nodes))
	g.left, g.skipped = slices.Repeat([]int64{g.rows()}, len(nodes)), make([]int64, len(nodes))
	g.memory = column.NewMemory(g.held)
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
		chunk.Memory = g.memory
		chunks = append(chunks, chunk)
		g.bytes[i] += chunk.Uncompressed
	}
	return chunks, g.readers[i].open(cancellable{g.file.reader, g.ctx}, field, chunks, g.readAhead, g.picked)
}

// batchRows cuts the row group into batches of the same number of rows, and of about
// the bytes of a batch or less. It takes byte arrays and nested values to be as large as they are stored;
// where they turn out larger, their reader stops by itself.
func (g *groupReader) batchRows() (int, error) {
	width, fixedWidth := int64(0), int64(0) // bytes of a row
	for i, bytes := range g.bytes {
		if fixed, ok := g.selected.schema.Field(i).Type.(arrow.FixedWidthDataType); ok {
			fixedWidth += int64(fixed.BitWidth()+7) / 8
		} else {
			width += int64(arrow.Int32SizeBytes) + bytes/g.group.Rows
		}
	}
	if fixedWidth > column.MaxHeld {
		return 0, fmt.Errorf("rows of %d bytes and more are %w", fixedWidth, column.ErrUnsupported)
	}
	most := min(max(g.batch/max(width+fixedWidth, 1), 1), batch.MaxRows)
	batches := (g.rows() + most - 1) / most
	return int((g.rows() + batches - 1) / batches), nil
}

// decode makes sure that rows of every column are decoded, about the given number. Columns are decoded
// at the same time, as long as there is memory for their pages.
func (g *groupReader) decode(rows int) error {
	if !g.inTurn {
		isShort, err := g.decodeTogether(rows)
		if err != nil || !isShort {
			return err
		}
		if err := g.takeTurns(); err != nil {
			return err
		}
	}
	return g.decodeInTurn(rows)
}

// decodeTogether decodes columns at the same time, and says whether memory was short for some. Of
// several that cannot be decoded, the error is that of the first, whichever was met first.
func (g *groupReader) decodeTogether(rows int) (isShort bool, err error) {
	var next atomic.Int64
	var short, failed atomic.Bool
	errs, tried := make([]error, len(g.order)), make([]bool, len(g.order)) // by column
	work := func() {
		for !failed.Load() {
			next := int(next.Add(1)) - 1
			if next >= len(g.order) {
				return
			}
			i := g.order[next]
			tried[i] = true
			switch err := g.decodeColumn(i, rows); {
			case errors.Is(err, column.ErrMemory):
				short.Store(true)
			case err != nil:
				errs[i] = err
				failed.Store(true)
			}
		}
	}
	var others sync.WaitGroup
	for range min(g.decoders, len(g.order)) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	if !failed.Load() {
		return short.Load(), nil
	}
	for i := range errs {
		if !tried[i] {
			errs[i] = g.decodeColumn(i, rows)
		}
		if err = errs[i]; err != nil && !errors.Is(err, column.ErrMemory) {
			break
		}
	}
	return false, err
}

// decodeColumn decodes more rows of a column, if none are waiting.
func (g *groupReader) decodeColumn(i, rows int) error {
	if len(g.decoded[i]) > 0 || g.left[i] == 0 {
		return nil
	}
	_, err := g.decodeMore(i, rows)
	return err
}

// decodeMore decodes rows of a column, at most the given number and those that are left. It returns how
// many bytes they take.
func (g *groupReader) decodeMore(i, rows int) (bytes int64, err error) {
	err = guard(func() error {
		if g.skipped[i] > 0 {
			skipped, err := g.readers[i].skip(g.skipped[i], rows)
			if g.skipped[i] -= skipped; err != nil {
				return err
			}
		}
		values, err := g.readers[i].next(int(min(int64(rows), g.left[i])))
		if err == nil {
			g.decoded[i] = append(g.decoded[i], values)
			g.left[i] -= int64(values.Len())
			bytes = heldBytes(values.Data())
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("column %q: %w", g.selected.nodes[i].Name, err)
	}
	return bytes, nil
}

// assemble makes a record of the rows that every column has, at most the given number,
// and keeps the rest.
func (g *groupReader) assemble(rows int) arrow.Record {
	for _, decoded := range g.decoded {
		rows = min(rows, decoded[0].Len())
	}
	columns := make([]arrow.Array, len(g.decoded))
	for i, decoded := range g.decoded {
		first := decoded[0]
		if columns[i] = first; first.Len() > rows {
			columns[i] = array.NewSlice(first, 0, int64(rows))
			decoded[0] = array.NewSlice(first, int64(rows), int64(first.Len()))
			continue
		}
		decoded[0] = nil // for the memory to be freed
		g.decoded[i] = decoded[1:]
	}
	return array.NewRecord(g.selected.schema, columns, int64(rows))
}
