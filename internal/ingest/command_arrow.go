package ingest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/internal/failure"
)

const (
	mostMessage = 1 << 30  // bytes of one batch of an Arrow stream
	mostSchema  = 16 << 20 // bytes of its schema
)

// endOfStream are the bytes with which an Arrow stream ends ("IPC Streaming Format": a continuation, and a length of zero).
var endOfStream = []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}

// arrowStream reads an Arrow stream. It is for one goroutine.
type arrowStream struct {
	reader *ipc.Reader
	input  *lastBytes
	rows   int64
}

// openArrow reads the schema of a stream. Text, such as what a program prints by mistake, is refused; but the library believes what
// well-framed messages say of themselves: the program is the user's own.
func openArrow(input io.Reader) (*arrowStream, error) {
	buffered := bufio.NewReader(input)
	start, err := buffered.Peek(len(endOfStream))
	if err != nil || !bytes.HasPrefix(start, endOfStream[:4]) || binary.LittleEndian.Uint32(start[4:]) > mostSchema {
		return nil, failure.New(failure.Source, "what it writes is no Arrow stream").
			WithHint("write an IPC stream (not a file) to stdout, and everything else to stderr")
	}
	last := &lastBytes{Reader: buffered}
	reader, err := ipc.NewReader(last, ipc.WithAllocator(boundedAllocator{memory.DefaultAllocator}))
	if err != nil {
		return nil, failure.New(failure.Source, "the Arrow stream cannot be read: %w", err)
	}
	return &arrowStream{reader: reader, input: last}, nil
}

// each gives all batches, and fails where the stream is cut.
func (s *arrowStream) each(ctx context.Context, give func(arrow.Record) error) error {
	for s.reader.Next() {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		s.rows += s.reader.Record().NumRows()
		if err := give(s.reader.Record()); err != nil {
			return err
		}
	}
	if err := s.reader.Err(); err != nil && !errors.Is(err, io.EOF) {
		return failure.New(failure.Source, "the Arrow stream cannot be read: %w", err)
	}
	if _, err := io.Copy(io.Discard, s.input); err != nil {
		return failure.New(failure.Source, "the Arrow stream cannot be read: %w", err)
	}
	if !bytes.Equal(s.input.last, endOfStream) {
		return failure.New(failure.Source, "the Arrow stream has no end: it is cut, or something follows it").
			WithHint("close the writer of the stream, and write nothing else to stdout")
	}
	return nil
}

// lastBytes is a reader that knows the last bytes that were read.
type lastBytes struct {
	io.Reader
	last []byte
}

// Read is that of io.Reader.
func (l *lastBytes) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	l.last = append(l.last, p[max(0, n-len(endOfStream)):n]...)
	l.last = bytes.Clone(l.last[max(0, len(l.last)-len(endOfStream)):])
	return n, err
}

// boundedAllocator refuses what no batch of a sane size needs. The reader of the stream makes an error of that.
type boundedAllocator struct{ memory.Allocator }

// Allocate is that of memory.Allocator.
func (b boundedAllocator) Allocate(size int) []byte {
	checkSize(size)
	return b.Allocator.Allocate(size)
}

// Reallocate is that of memory.Allocator.
func (b boundedAllocator) Reallocate(size int, old []byte) []byte {
	checkSize(size)
	return b.Allocator.Reallocate(size, old)
}

func checkSize(size int) {
	if size < 0 || size > mostMessage {
		panic(fmt.Errorf("a batch has more than %d MB", mostMessage>>20)) //nolint:forbidigo // the only way to refuse, recovered by ipc.Reader
	}
}

// pick is a record of some columns of another.
func pick(rows arrow.Record, columns []int, schema *arrow.Schema) arrow.Record {
	picked := make([]arrow.Array, len(columns))
	for i, column := range columns {
		picked[i] = rows.Column(column)
	}
	return array.NewRecord(schema, picked, rows.NumRows())
}
