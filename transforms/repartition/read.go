package repartition

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/internal/batch"
	"hyperlake/internal/storage"
)

// ReadTarget emits the rows of one target: all its parts, in an order that does not depend
// on that of parts. It reads only the target's pieces of a spill, one at a time, and stops
// at the first error, its own, which names the spill, or that of emit. Every part emits at
// least one batch.
func ReadTarget(ctx context.Context, parts []Part, emit func(batch.Batch) error) error {
	for _, part := range inOrder(parts) {
		if err := readPart(ctx, part, emit); err != nil {
			return err
		}
	}
	return nil
}

func readPart(ctx context.Context, part Part, emit func(batch.Batch) error) error {
	r := &partReader{part: part, emit: emit}
	if part.Account != nil {
		r.tally.Add(*part.Account)
	}
	if len(part.Pieces) == 0 {
		return r.emitAccount()
	}
	if err := r.open(ctx); err != nil {
		return spillFailure("read", part.Spill.URI, err)
	}
	defer r.file.Close()
	for i := range part.Pieces {
		if err := r.readPiece(i); err != nil {
			return err
		}
	}
	return nil
}

// partReader reads the pieces of a part.
type partReader struct {
	part  Part
	emit  func(batch.Batch) error
	file  storage.Reader
	tally batch.Tally  // that the next batch takes along
	row   int64        // of the part, that comes next
	bytes bytes.Buffer // of a piece; kept for the next one
}

// open has the pieces of remote spills read ahead.
func (r *partReader) open(ctx context.Context) error {
	store, err := storage.For(r.part.Spill.URI)
	if err != nil {
		return err
	}
	if r.file, err = store.Open(ctx, r.part.Spill); err != nil {
		return err
	}
	ranges := make([]storage.Range, len(r.part.Pieces))
	for i, piece := range r.part.Pieces {
		ranges[i] = storage.Range{Start: piece.Offset, Length: piece.Length}
	}
	r.file.Prepare(ranges)
	return nil
}

// readPiece emits the batches of a piece, once all its bytes have proved to be good.
func (r *partReader) readPiece(i int) error {
	piece := r.part.Pieces[i]
	err := r.fetch(piece)
	if err == nil {
		err = r.decode(i)
	}
	var emitted emitError
	switch {
	case errors.As(err, &emitted):
		return emitted.error
	case err != nil:
		return spillFailure("read", r.part.Spill.URI, fmt.Errorf("bytes %d to %d: %w", piece.Offset, piece.Offset+piece.Length, err))
	}
	return nil
}

// fetch reads a piece and compares its checksum.
func (r *partReader) fetch(piece Piece) error {
	r.bytes.Reset()
	r.bytes.Grow(int(piece.Length) + bytes.MinRead) // else its last read would double it
	if _, err := io.Copy(&r.bytes, io.NewSectionReader(r.file, piece.Offset, piece.Length)); err != nil {
		return err
	}
	if int64(r.bytes.Len()) != piece.Length {
		return fmt.Errorf("the spill ends after %d of them", r.bytes.Len())
	}
	if sum := crc32.Checksum(r.bytes.Bytes(), castagnoli); sum != piece.Checksum {
		return fmt.Errorf("they are damaged: their checksum is %08x, but %08x was written", sum, piece.Checksum)
	}
	return nil
}

// emitError is an error of who takes the batches, which has nothing to do with the spill.
type emitError struct{ error }

func (r *partReader) decode(i int) error {
	stream, err := ipc.NewReader(bytes.NewReader(r.bytes.Bytes()))
	if err != nil {
		return err
	}
	defer stream.Release()
	rows := int64(0)
	for stream.Next() {
		record := stream.Record()
		record.Retain() // the stream releases its own reference
		rows += record.NumRows()
		if err := r.take(i, record); err != nil {
			return emitError{err}
		}
	}
	if err := stream.Err(); err != nil {
		return err
	}
	if wanted := r.part.Pieces[i].Rows; rows != wanted {
		return fmt.Errorf("they hold %d rows, but %d were written", rows, wanted)
	}
	return nil
}

// take emits a record with its own rows counted as read.
func (r *partReader) take(i int, record arrow.Record) error {
	r.tally.Read += record.NumRows()
	b := batch.Batch{
		Table: r.part.Table, Target: r.part.Target, Tally: r.tally, Record: record,
		Origin: batch.Origin{File: r.part.Spill.URI, RowGroup: i, FirstRow: r.row},
	}
	r.row += record.NumRows()
	r.tally = batch.Tally{}
	return r.emit(b)
}

// emitAccount emits a batch without rows, whose origin is that of the batches that it
// accounts for.
func (r *partReader) emitAccount() error {
	schema := arrow.NewSchema(nil, nil)
	if r.part.Schema != nil {
		schema = r.part.Schema.Schema
	}
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	return r.emit(batch.Batch{
		Table: r.part.Table, Target: r.part.Target, Tally: r.tally, Record: builder.NewRecord(), Origin: r.part.First,
	})
}
