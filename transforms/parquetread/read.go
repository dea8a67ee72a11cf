package parquetread

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"golang.org/x/sync/semaphore"

	"hyperlake/internal/batch"
	"hyperlake/transforms/parquetread/internal/column"
	"hyperlake/transforms/parquetread/internal/nested"
)

const (
	// queuedBatches is how many batches wait for emit while the next one is decoded.
	queuedBatches = 2
	// queuedBytes bounds them and the one that is emitted, unless there is only that.
	queuedBytes = 96 << 20
	// maxDecoders bounds how many columns are decoded at once.
	maxDecoders = 4
	// readAhead is how many bytes of a column are read at once; pages that are larger
	// are read in one more piece.
	readAhead = 64 << 10
)

// settings is how a shard is read.
type settings struct {
	decoders  int     // columns that are decoded at once
	readAhead int     // bytes
	held      int64   // bytes that the pages of a row group take at once
	batch     int64   // bytes of a batch, about
	turn      int64   // bytes of all columns that are decoded in a turn, about
	picked    []int64 // rows to read, 0-based in the file; nil for all
}

// ReadShard decodes the row groups of a shard and calls emit, from the caller's own
// goroutine, for one batch after another, in the order of the files, of their row groups
// and of their rows. While emit runs, the next batches are decoded: a few, and not more.
//
// A file that is deferred is one batch without a record: nothing of it is decoded, unless it has deleted rows.
// Those are in no batch but counted in the tallies; where the last rows of a row group are deleted, a batch without
// rows may count them.
//
// An error of emit ends everything and is returned as it is; so is that of ctx. All
// others are failure.Errors of kind source, or of kind data where a row lies in a folder that
// stands for another value. When ReadShard returns, nothing of it runs any more. It is safe for concurrent use.
func ReadShard(ctx context.Context, shard Shard, table Projection, emit func(batch.Batch) error) error {
	return readShard(ctx, shard, table, emit, usual())
}

// ReadRows is ReadShard for some rows of a file of a table, whose 0-based numbers in the file are
// given and ascend. Those that are deleted are left out, and counted nowhere. The columns must be flat. It fails as [ReadShard] does.
func ReadRows(ctx context.Context, tableIndex int, file FileRef, table Projection, rows []int64, emit func(batch.Batch) error) error {
	if len(rows) == 0 {
		return ctx.Err()
	}
	some := usual()
	some.picked = rows
	return readShard(ctx, Shard{Table: tableIndex, Files: []FileRef{file}}, table, emit, some)
}

func usual() settings {
	decoders := min(runtime.GOMAXPROCS(0), maxDecoders)
	return settings{decoders: decoders, readAhead: readAhead, held: column.MaxHeld, batch: batchBytes, turn: turnBytes}
}

func readShard(ctx context.Context, shard Shard, table Projection, emit func(batch.Batch) error, s settings) error {
	names, err := table.Mapping.compile()
	if err != nil {
		return err
	}
	inner, cancel := context.WithCancel(ctx)
	queue := make(chan queued, queuedBatches)
	room := semaphore.NewWeighted(queuedBytes)
	var failed error // set before queue is closed
	go func() {
		defer close(queue)
		r := shardReader{settings: s, ctx: inner, table: table, names: names, shard: shard, queue: queue, room: room}
		failed = r.run()
	}()
	defer func() {
		cancel()
		for range queue { // until the reader has ended
		}
	}()
	for b := range queue {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := emit(b.Batch); err != nil {
			return err
		}
		room.Release(b.bytes)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return failed
}

// queued is a batch that waits for emit, with the bytes that it takes, or as many as there may be.
type queued struct {
	batch.Batch
	bytes int64
}

// shardReader decodes a shard into a queue.
type shardReader struct {
	settings
	ctx     context.Context
	table   Projection
	names   *mappedNode // of the table; nil if it has no mapping
	shard   Shard
	queue   chan<- queued
	room    *semaphore.Weighted // bytes in the queue
	readers []columnReader      // of the columns of a file
	unit    string              // of the file that is read
	deletes *deleteFiles        // nil before there was a file with any
}

func (r *shardReader) run() error {
	for _, ref := range r.shard.Files {
		read := r.readFile
		r.unit = ref.Unit
		if ref.Deferred && !ref.HasDeletes() {
			read = r.deferFile
		}
		err := guard(func() error { return read(ref) })
		if err != nil {
			return fileError(ref.Info.URI, err)
		}
	}
	return nil
}

func (r *shardReader) readFile(ref FileRef) (err error) {
	f, err := openFile(r.ctx, ref.Info, r.names)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.reader.Close(); err == nil {
			err = closeErr
		}
	}()
	layout, err := f.layoutOf(r.table, ref)
	if err != nil {
		return err
	}
	selected, err := f.selectColumns(layout.stored)
	if err != nil {
		return err
	}
	deleted, err := r.loadDeleted(f, ref)
	if err != nil {
		return err
	}
	for len(r.readers) < len(layout.stored) {
		r.readers = append(r.readers, columnReader{})
	}
	actual := f.rowGroups()
	for _, group := range ref.RowGroups {
		if group.Index < 0 || group.Index >= len(actual) || cmp.Or(group.Of, group.Rows) != actual[group.Index].Rows {
			return fmt.Errorf("row group %d is not the one that was planned for: it had %d rows", group.Index, cmp.Or(group.Of, group.Rows))
		}
		g := groupReader{shardReader: r, file: f, selected: selected, layout: layout, group: actual[group.Index], planned: group}
		if err := g.readWithout(deleted); err != nil {
			return fmt.Errorf("row group %d: %w", group.Index, err)
		}
	}
	return nil
}

// readWithout reads a row group, or the rows of it that are picked, without those that are deleted. Nothing is decoded
// where all are.
func (g *groupReader) readWithout(deleted *deletedRows) error {
	if g.shardReader.picked != nil {
		g.picked = g.pickedOf(g.group, deleted)
		return g.run()
	}
	switch gone := deleted.countIn(g.planned); gone {
	case 0:
	case g.planned.Rows:
		return g.sendDeleted(gone)
	default:
		g.deleted = deleted.from(g.group.FirstRow)
	}
	return g.run()
}

// pickedOf is the picked rows of a row group, 0-based in it, but for those that are deleted.
func (r *shardReader) pickedOf(group RowGroup, deleted *deletedRows) []int64 {
	from, _ := slices.BinarySearch(r.picked, group.FirstRow)
	to, _ := slices.BinarySearch(r.picked, group.FirstRow+group.Rows)
	rows := make([]int64, 0, to-from)
	for _, row := range deleted.without(r.picked[from:to]) {
		rows = append(rows, row-group.FirstRow)
	}
	return rows
}

// send hands a batch to emit, and waits while the queue is full.
func (r *shardReader) send(b batch.Batch) error {
	b.Unit = r.unit
	bytes := int64(0)
	if b.Record != nil {
		for _, values := range b.Record.Columns() {
			bytes += heldBytes(values.Data())
		}
	}
	bytes = min(bytes, queuedBytes)
	if err := r.room.Acquire(r.ctx, bytes); err != nil {
		return err
	}
	select {
	case r.queue <- queued{b, bytes}:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// selection is the columns of a table in a file.
type selection struct {
	schema *arrow.Schema
	nodes  []node
}

// leaf is a column with the type that it has in the schema, or a nested one.
func (s selection) leaf(i int) nested.Field {
	field := s.nodes[i].shape(level{})
	if field.Kind == nested.Leaf {
		field.Column.Type = s.schema.Field(i).Type
	}
	return field
}

// selectColumns finds columns by their names.
func (f *file) selectColumns(names []string) (selection, error) {
	fields := make([]arrow.Field, len(names))
	nodes := make([]node, len(names))
	for i, name := range names {
		index, err := f.root.topLevel(name)
		if err != nil {
			return selection{}, err
		}
		fields[i], nodes[i] = f.schema.Field(index), f.root.children[index]
	}
	return selection{arrow.NewSchema(fields, nil), nodes}, nil
}

// cancellable is a file that cannot be read any more once a context is done.
type cancellable struct {
	io.ReaderAt
	ctx context.Context
}

func (c cancellable) ReadAt(p []byte, offset int64) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.ReaderAt.ReadAt(p, offset)
}
