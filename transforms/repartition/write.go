package repartition

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/take"
)

// DefaultBufferBytes is what a bundle holds in memory unless Params say otherwise. It is
// plenty for a hundred targets; with thousands, pieces become so small that they take twice
// the bytes and five times the time, and more memory is the remedy.
const DefaultBufferBytes = 32 << 20

// Params says what is moved and where to. All fields travel to workers.
type Params struct {
	Staging     string  `json:"staging"`                // folder of this run that every worker and the driver reach
	Tables      []Moves `json:"tables"`                 // of the run; batch.Batch.Table is an index
	BufferBytes int64   `json:"buffer_bytes,omitempty"` // of rows that a bundle holds in memory; 0 is DefaultBufferBytes

	// MaxBytes is what the spills of the run may take on staging; 0 is no bound. A bundle
	// counts those that were finished when its own began, whether they are still needed or
	// not, but not those that others write at the same time.
	MaxBytes int64 `json:"max_bytes,omitempty"`
}

// Moves says whether the rows of a table are moved.
func (p Params) Moves(table int) bool {
	return table >= 0 && table < len(p.Tables) && p.Tables[table].Moves()
}

// Writer writes the batches of one bundle to one spill. It is not safe for concurrent use.
// An error is final: abort it.
type Writer struct {
	params  Params
	budget  int64
	held    int64 // bytes of all buffers
	sources map[int]*source
	spill   *spill // nil before the first piece, and after the end
	bytes   int64  // of the spill that was finished
}

// source is a table in a bundle.
type source struct {
	table    int
	columns  []string
	assigner assigner
	buffers  []*buffer // by slot; nil where no row went
	first    batch.Origin
	tally    batch.Tally
	schema   *arrow.Schema

	slots  []int32        // of the rows of a batch; kept for the next one
	chosen take.Selection // the same
}

// NewWriter makes a Writer for a bundle. Nothing is written before there are rows.
func NewWriter(params Params) *Writer {
	return &Writer{params: params, budget: cmp.Or(params.BufferBytes, DefaultBufferBytes), sources: map[int]*source{}}
}

// Add takes a batch of a table that moves ([Params.Moves]). The batch is not kept. Another batch is a failure of kind
// Engine, a spill that cannot be written, or would take more than MaxBytes, one of kind Storage, and too many values
// to split by one of kind Data.
func (w *Writer) Add(ctx context.Context, b batch.Batch) error {
	if !w.params.Moves(b.Table) || b.Record == nil {
		return failure.New(failure.Engine, "a batch of table %d came to be moved that cannot be: %v", b.Table, b.Origin)
	}
	s := w.sources[b.Table]
	if s == nil {
		table := w.params.Tables[b.Table]
		s = &source{table: b.Table, columns: table.Columns, assigner: newAssigner(table), first: b.Origin}
		w.sources[b.Table] = s
	}
	if err := w.add(ctx, s, b); err != nil {
		return fmt.Errorf("move rows of table %d: %v: %w", b.Table, b.Origin, err)
	}
	return nil
}

func (w *Writer) add(ctx context.Context, s *source, b batch.Batch) error {
	s.tally.Add(b.Account())
	record, err := s.kept(b.Record)
	if err != nil {
		return err
	}
	s.schema = record.Schema()
	s.slots = slices.Grow(s.slots[:0], int(b.Record.NumRows()))[:b.Record.NumRows()]
	if err := s.assigner.assign(b, s.slots); err != nil {
		return err
	}
	rows, ends := bySlot(s.slots)
	first := int32(0)
	for slot, end := range ends {
		if first == end {
			continue
		}
		if err := w.move(ctx, s, int32(slot), record, rows[first:end]); err != nil {
			return err
		}
		first = end
	}
	return nil
}

// bySlot sorts the rows of a batch by slot: those of slot i are rows[ends[i-1]:ends[i]], in
// ascending order.
func bySlot(slots []int32) (rows, ends []int32) {
	if len(slots) == 0 {
		return nil, nil
	}
	ends = make([]int32, slices.Max(slots)+1)
	for _, slot := range slots {
		ends[slot]++
	}
	next := int32(0)
	for slot, count := range ends {
		ends[slot] = next // for now, the start
		next += count
	}
	rows = make([]int32, len(slots))
	for row, slot := range slots {
		rows[ends[slot]] = int32(row)
		ends[slot]++
	}
	return rows, ends
}

// move copies rows of a record to the buffer of a target, and makes room if that is too much.
func (w *Writer) move(ctx context.Context, s *source, slot int32, record arrow.Record, rows []int32) error {
	s.chosen.Reset()
	for _, row := range rows {
		s.chosen.Add(int(row), 1)
	}
	moved, err := s.chosen.Record(record)
	if err != nil {
		return err
	}
	b := s.buffer(slot)
	if !b.takes(moved.Schema()) {
		if err := w.flush(ctx, b); err != nil {
			return err
		}
	}
	w.held += b.add(moved)
	if w.held <= w.budget {
		return nil
	}
	return w.makeRoom(ctx)
}

// makeRoom writes the largest buffers until the others take half of the budget: so the
// search for them is rare, and small ones have time to grow.
func (w *Writer) makeRoom(ctx context.Context) error {
	for _, b := range w.bySize() {
		if w.held <= w.budget/2 {
			return nil
		}
		if err := w.flush(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// bySize are all buffers that hold rows, the largest first.
func (w *Writer) bySize() []*buffer {
	var all []*buffer
	for _, table := range slices.Sorted(maps.Keys(w.sources)) {
		for _, b := range w.sources[table].buffers {
			if b != nil && b.bytes > 0 {
				all = append(all, b)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *buffer) int { return cmp.Compare(b.bytes, a.bytes) })
	return all
}

// flush writes a buffer as a piece.
func (w *Writer) flush(ctx context.Context, b *buffer) error {
	if w.spill == nil {
		var err error
		if w.spill, err = newSpill(ctx, w.params.Staging, w.params.MaxBytes); err != nil {
			return err
		}
	}
	w.held -= b.bytes
	return b.writeTo(w.spill)
}

// Finish writes what is held, ends the spill, and returns the parts of the bundle, by
// table, and in a table by target, those of values in the order in which they were met. The
// Writer is of no use afterwards. Rows that are not as many as the tallies leave are a
// failure of kind Engine.
func (w *Writer) Finish(ctx context.Context) ([]Part, error) {
	var parts []Part
	for _, table := range slices.Sorted(maps.Keys(w.sources)) {
		s := w.sources[table]
		for _, b := range s.buffers {
			if b == nil {
				continue
			}
			if b.bytes > 0 {
				if err := w.flush(ctx, b); err != nil {
					return nil, err
				}
			}
			parts = append(parts, Part{Table: table, Target: s.assigner.target(b.slot), Pieces: b.pieces, Rows: b.rows, First: s.first})
		}
		var err error
		if parts, err = s.account(parts); err != nil {
			return nil, err
		}
	}
	if w.spill == nil {
		return parts, nil
	}
	written, err := w.spill.commit()
	w.spill, w.bytes = nil, written.Size
	for i := range parts {
		if len(parts[i].Pieces) > 0 {
			parts[i].Spill = written
		}
	}
	return parts, err
}

// account gives the tally of a table to its first part, or to one of its own.
func (s *source) account(parts []Part) ([]Part, error) {
	rows, first := int64(0), len(parts)
	for i := len(parts) - 1; i >= 0 && parts[i].Table == s.table; i-- {
		rows, first = rows+parts[i].Rows, i
	}
	if left := s.tally.Left(); left != rows {
		return nil, failure.New(failure.Engine, "%d rows of table %d came to be moved, but their tallies leave %d", rows, s.table, left)
	}
	account := s.tally
	account.Read -= rows // each batch that is read counts its own
	if first == len(parts) {
		parts = append(parts, Part{Table: s.table, First: s.first, Schema: &batch.Schema{Schema: s.schema}})
	}
	parts[first].Account = &account
	return parts, nil
}

// Bytes is the size of the spill, once it is finished.
func (w *Writer) Bytes() int64 { return w.bytes }

// Abort drops what was written. It does nothing after Finish.
func (w *Writer) Abort() {
	if w.spill != nil {
		w.spill.abort()
		w.spill = nil
	}
}

// kept is the columns of a record that are passed on.
func (s *source) kept(record arrow.Record) (arrow.Record, error) {
	if len(s.columns) == 0 {
		return record, nil
	}
	fields, columns := make([]arrow.Field, len(s.columns)), make([]arrow.Array, len(s.columns))
	for i, name := range s.columns {
		var err error
		if fields[i], columns[i], err = columnOf(record, name); err != nil {
			return nil, err
		}
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, record.NumRows()), nil
}

func (s *source) buffer(slot int32) *buffer {
	for int(slot) >= len(s.buffers) {
		s.buffers = append(s.buffers, nil)
	}
	if s.buffers[slot] == nil {
		s.buffers[slot] = &buffer{slot: slot}
	}
	return s.buffers[slot]
}
