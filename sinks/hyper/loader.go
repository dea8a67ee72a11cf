package hyper

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
)

const (
	// segmentBytes is how much of a table is sent to hyperd at once. A COPY is opened only
	// when its whole segment is there: hyperd cancels one that stalls.
	segmentBytes = 32 << 20

	partialAlias = "partial"
)

// segment is a run of rows of one table as an Arrow IPC stream, on its way into hyperd.
type segment struct {
	table       int
	first, last batch.Origin
	rows        int64
	stream      bytes.Buffer
	writer      *ipc.Writer
}

// loader puts batches into one new partial. Batches become segments in the caller's
// goroutine, and segments become rows in another; between them waits at most one, so
// that no more than three exist. Not safe for concurrent use.
type loader struct {
	layout  Layout
	path    string
	tallies []batch.Tally
	open    *segment // being filled; nil if none is
	session *session
}

// session is the half of a loader that a goroutine of its own works in. It must not
// refer to the loader: a loader that its owner lost ends its session when it is collected.
type session struct {
	layout Layout
	path   string
	lease  *hyperd.Lease
	conn   *hyperd.Conn
	cancel context.CancelFunc
	queue  chan *segment // closed when nothing more comes
	empty  chan *segment // segments to use again
	done   chan struct{} // closed when the goroutine ended; err is set before
	err    error
	end    sync.Once // either the partial is finished or it is abandoned
}

// newLoader makes the partial, at a local path that must not exist yet. The lease is the
// loader's from now on, whatever newLoader returns.
func newLoader(layout Layout, lease *hyperd.Lease, path string) (*loader, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &session{
		layout: layout, path: path, lease: lease, cancel: cancel,
		queue: make(chan *segment, 1), empty: make(chan *segment, 3), done: make(chan struct{}),
	}
	if err := s.begin(ctx); err != nil {
		s.release()
		return nil, errors.Join(err, removeFile(path))
	}
	go s.run(ctx)
	l := &loader{layout: layout, path: path, tallies: make([]batch.Tally, len(layout.Tables)), session: s}
	runtime.AddCleanup(l, func(s *session) { go s.abandon() }, s)
	return l, nil
}

// add takes one batch. An error is final: abandon the loader.
func (l *loader) add(b batch.Batch) error {
	table := l.layout.Tables[b.Table]
	l.tallies[b.Table].Add(b.Tally)
	if b.Record.NumRows() == 0 {
		return nil
	}
	record, err := stored(b.Record, table)
	if err == nil {
		record, err = Convert(record, table.Columns)
	}
	if err != nil {
		return fmt.Errorf("table %s: %s: %w", table, b.Origin, err)
	}
	if l.open != nil && (l.open.table != b.Table || l.open.stream.Len() >= segmentBytes) {
		if err := l.flush(); err != nil {
			return err
		}
	}
	if l.open == nil {
		l.open = l.session.newSegment(b)
	}
	if err := l.open.writer.Write(record); err != nil {
		return fmt.Errorf("table %s: %s: encode for hyperd: %w", table, b.Origin, err)
	}
	l.open.last = b.Origin
	l.open.rows += record.NumRows()
	return nil
}

// stored is the columns of a record that the table stores, in its order: there may be
// others, which only rules needed.
func stored(record arrow.Record, table Table) (arrow.Record, error) {
	schema := record.Schema()
	fields, columns := make([]arrow.Field, len(table.Columns)), make([]arrow.Array, len(table.Columns))
	for i, column := range table.Columns {
		at := schema.FieldIndices(column.Source)
		if len(at) != 1 {
			return nil, fmt.Errorf("the batch has %d columns named %q, but one was planned", len(at), column.Source)
		}
		fields[i], columns[i] = schema.Field(at[0]), record.Column(at[0])
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, record.NumRows()), nil
}

// flush hands the open segment over. Its writer is not closed: see [hyperd.Conn.CopyFrom].
func (l *loader) flush() error {
	if l.open == nil {
		return nil
	}
	full := l.open
	l.open = nil
	select {
	case l.session.queue <- full:
		return nil
	case <-l.session.done:
		return l.session.err
	}
}

// finish loads what is left, has hyperd count, and closes the partial. The loader is of
// no use afterwards; when finish fails, so is the partial: abandon it.
func (l *loader) finish(ctx context.Context) (File, error) {
	if err := l.flush(); err != nil {
		return File{}, err
	}
	close(l.session.queue)
	<-l.session.done
	if l.session.err != nil {
		return File{}, l.session.err
	}
	counts, err := l.layout.count(ctx, l.session.conn, partialAlias)
	if err != nil {
		return File{}, err
	}
	if err := l.layout.checkCounts(l.path, counts, func(i int) int64 { return l.tallies[i].Left() }); err != nil {
		return File{}, err
	}
	if err := l.session.conn.Detach(ctx, partialAlias); err != nil {
		return File{}, fmt.Errorf("close %s: %w", l.path, err)
	}
	l.session.end.Do(l.session.release)
	return describe(l.path, counts, l.tallies)
}

// abandon gives everything up: it stops the loading and removes the partial.
func (l *loader) abandon() { l.session.abandon() }

func (s *session) begin(ctx context.Context) error {
	conn, err := s.lease.Connect(ctx)
	if err != nil {
		return err
	}
	s.conn = conn
	return s.layout.create(ctx, conn, s.path, partialAlias)
}

// run loads segments until the queue is closed or one fails.
func (s *session) run(ctx context.Context) {
	defer close(s.done)
	for {
		select {
		case full, more := <-s.queue:
			if !more {
				return
			}
			if s.err = s.load(ctx, full); s.err != nil {
				return
			}
			s.empty <- full
		case <-ctx.Done():
			s.err = ctx.Err()
			return
		}
	}
}

// load sends one segment to hyperd.
func (s *session) load(ctx context.Context, full *segment) error {
	table := s.layout.Tables[full.table]
	load := s.copySegment
	if table.hasCasts() {
		load = s.castSegment
	}
	rows, err := load(ctx, table, full)
	if err != nil {
		return fmt.Errorf("load table %s from %s to %s: %w", table, full.first, full.last, err)
	}
	if rows != full.rows {
		return failure.New(failure.Hyperd, "hyperd took %d of %d rows of table %s from %s to %s", rows, full.rows, table, full.first, full.last)
	}
	return nil
}

// copySegment streams a segment into its table.
func (s *session) copySegment(ctx context.Context, table Table, full *segment) (int64, error) {
	statement := fmt.Sprintf("COPY %s (%s) FROM STDIN WITH (FORMAT arrowstream)", table.in(partialAlias), table.columnNames())
	return s.conn.CopyFrom(ctx, bytes.NewReader(full.stream.Bytes()), statement)
}

// castSegment has hyperd convert values on their way into a table, for which the segment
// has to be a file.
func (s *session) castSegment(ctx context.Context, table Table, full *segment) (int64, error) {
	if err := full.writer.Close(); err != nil { // a file ends with the mark that COPY must not get
		return 0, err
	}
	path := s.path + ".segment"
	if err := os.WriteFile(path, full.stream.Bytes(), 0o600); err != nil {
		return 0, failure.New(failure.Storage, "write a segment: %w", err)
	}
	rows, err := s.conn.Exec(ctx, table.insertSQL(partialAlias, path))
	return rows, errors.Join(err, removeFile(path))
}

// newSegment starts a segment with the memory of one that was loaded, if there is one.
func (s *session) newSegment(b batch.Batch) *segment {
	fresh := &segment{}
	select {
	case fresh = <-s.empty:
	default:
	}
	fresh.stream.Reset()
	fresh.table, fresh.first, fresh.rows = b.Table, b.Origin, 0
	fresh.writer = ipc.NewWriter(&fresh.stream, ipc.WithSchema(ArrowSchema(s.layout.Tables[b.Table].Columns)))
	return fresh
}

func (s *session) abandon() {
	s.end.Do(func() {
		s.cancel()
		<-s.done
		s.release()
		for _, path := range []string{s.path, s.path + ".segment"} {
			_ = removeFile(path) // if it stays, it goes with the staging of the run
		}
	})
}

// release ends the session with hyperd.
func (s *session) release() {
	s.cancel()
	if s.conn != nil {
		_ = s.conn.Close(context.Background()) // everything was committed and detached, or is not wanted
	}
	s.lease.Release()
}

// describe makes the reference to a finished local file.
func describe(path string, counts []int64, tallies []batch.Tally) (File, error) {
	bytes, sum, err := hashFile(path)
	if err != nil {
		return File{}, failure.New(failure.Storage, "read back %s: %w", path, err)
	}
	file := File{Path: path, Bytes: bytes, SHA256: sum, Tables: make([]Contents, len(counts))}
	for i := range counts {
		file.Tables[i] = Contents{Rows: counts[i], Tally: tallies[i]}
	}
	return file, nil
}

func hashFile(path string) (size int64, sum string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer file.Close()
	hash := sha256.New()
	if size, err = io.Copy(hash, file); err != nil {
		return 0, "", err
	}
	return size, hex.EncodeToString(hash.Sum(nil)), nil
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
