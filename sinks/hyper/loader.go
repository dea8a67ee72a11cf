package hyper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
	"hyperlake/internal/storage"
)

// loader puts batches into one new partial. Batches become segments in the caller's
// goroutine, and segments become rows in that of the session. Not safe for concurrent use.
type loader struct {
	layout   Layout
	path     string
	schemas  []*arrow.Schema // of each table, as hyperd is sent it
	tallies  []batch.Tally
	segments int      // made so far
	open     *segment // being filled; nil if none is
	files    *fileGroup
	tooLarge []Doubtful // files that the spool cannot hold
	session  *session
}

// newLoader makes the partial, at a local path that must not exist yet. The lease is the
// loader's from now on, whatever newLoader returns.
func newLoader(layout Layout, config SpoolConfig, verify Verify, lease *hyperd.Lease, path string) (*loader, error) {
	spool, err := config.open()
	if err != nil {
		lease.Release()
		return nil, err
	}
	s, err := newSession(layout, lease, spool, verify, path)
	if err != nil {
		return nil, errors.Join(err, removeFile(path))
	}
	l := &loader{layout: layout, path: path, tallies: make([]batch.Tally, len(layout.Tables)), session: s}
	for _, table := range layout.Tables {
		l.schemas = append(l.schemas, ArrowSchema(table.Columns))
	}
	runtime.AddCleanup(l, func(s *session) { go s.abandon() }, s)
	return l, nil
}

// add takes one batch. An error is final: abandon the loader.
func (l *loader) add(b batch.Batch) error {
	if b.Deferred != nil {
		return l.addFile(b)
	}
	table := l.layout.Tables[b.Table]
	l.tallies[b.Table].Add(b.Account())
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
	if l.open != nil && (l.open.table != b.Table || l.open.isFull(l.session.spool.segmentBytes())) {
		if err := l.flush(); err != nil {
			return err
		}
	}
	if l.open == nil {
		if err := l.begin(b); err != nil {
			return err
		}
	}
	if err := l.open.write(record, b.Origin); err != nil {
		return fmt.Errorf("table %s: %s: %w", table, b.Origin, err)
	}
	return nil
}

// begin starts a segment, as soon as there is room for it.
func (l *loader) begin(b batch.Batch) (err error) {
	if s := l.session; !s.room.TryAcquire(s.spool.segmentBytes()) {
		if err := l.flushFiles(); err != nil { // copies of them may be what fills the spool
			return err
		}
		if err := s.reserve(s.spool.segmentBytes()); err != nil {
			return err
		}
	}
	l.segments++
	l.open, err = createSegment(l.session.spool.folder, l.segments, b.Table, l.schemas[b.Table])
	return err
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

// flush hands the open segment over.
func (l *loader) flush() error {
	if l.open == nil {
		return nil
	}
	full := l.open
	l.open = nil
	if err := full.close(); err != nil {
		return err
	}
	return l.send(work{segment: full})
}

// addFile takes a deferred file, of which the session keeps the account. It waits until the
// spool has room for a copy of a remote one.
func (l *loader) addFile(b batch.Batch) error {
	file := deferredFile{Deferred: *b.Deferred, path: b.Deferred.File.Info.URI}
	most, bytes := l.session.spool.maxBytes, bytesOf(file.File)
	if isRemote(file.File) && bytes > most {
		refused := fmt.Sprintf("it has %d bytes, the spool holds %d", bytes, most)
		l.tooLarge = append(l.tooLarge, Doubtful{Table: b.Table, Parts: []Judged{{Files: []batch.FileRef{file.File}}}, Refused: refused})
		return nil
	}
	if l.files != nil && !l.files.hasRoom(b, most) {
		if err := l.flushFiles(); err != nil {
			return err
		}
	}
	if isRemote(file.File) {
		if err := l.makeRoom(bytes); err != nil {
			return err
		}
		file.copy = l.session.fetch.start(file.Deferred)
		file.path = file.copy.path
	}
	if l.files == nil {
		l.files = &fileGroup{table: b.Table}
	}
	l.files.files = append(l.files.files, file)
	l.files.bytes += bytes
	return nil
}

// makeRoom waits until the copy of a file fits the spool. Where it does not yet, all that was
// added goes to hyperd: nothing else would make room.
func (l *loader) makeRoom(bytes int64) error {
	if l.session.room.TryAcquire(bytes) {
		return nil
	}
	if _, err := l.handOver(); err != nil {
		return err
	}
	return l.session.reserve(bytes)
}

// handOver gives the session all that was added, for it to load without waiting for more.
func (l *loader) handOver() (loaded <-chan struct{}, err error) {
	done := make(chan struct{})
	return done, errors.Join(l.flushFiles(), l.flush(), l.send(work{loaded: done}))
}

// drain waits until all that was added is loaded.
func (l *loader) drain() error {
	loaded, err := l.handOver()
	if err != nil {
		return err
	}
	select {
	case <-loaded:
		return nil
	case <-l.session.done:
		return l.session.err
	}
}

func (l *loader) flushFiles() error {
	if l.files == nil {
		return nil
	}
	full := l.files
	l.files = nil
	return l.send(work{files: full})
}

// send gives work to the session, as soon as it has a place for it.
func (l *loader) send(w work) error {
	select {
	case l.session.queue <- w:
		return nil
	case <-l.session.done:
		return l.session.err
	}
}

// wait has all that was added loaded. After that, add must not be called, and it is known
// which files are doubtful. When wait fails, abandon the loader.
func (l *loader) wait() error {
	if err := errors.Join(l.flushFiles(), l.flush()); err != nil {
		return err
	}
	close(l.session.queue)
	<-l.session.done
	return l.session.err
}

// doubtful is known after wait.
func (l *loader) doubtful() []Doubtful { return slices.Concat(l.session.doubtful, l.tooLarge) }

// finish, after wait, has hyperd count, and closes the partial. The loader is of no use
// afterwards; when finish fails, so is the partial: abandon it.
func (l *loader) finish(ctx context.Context) (File, error) {
	for i, tally := range l.session.tallies {
		l.tallies[i].Add(tally)
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
func (l *loader) abandon() {
	if l.open != nil {
		_ = l.open.file.Close() // it goes with the spool
		l.open = nil
	}
	l.session.abandon()
}

// describe makes the reference to a finished local file.
func describe(path string, counts []int64, tallies []batch.Tally) (File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return File{}, failure.New(failure.Storage, "look at %s: %w", path, err).WithHint("%s", storage.Hint(err))
	}
	file := File{Path: path, Bytes: info.Size(), Tables: make([]Contents, len(counts))}
	for i := range counts {
		file.Tables[i] = Contents{Rows: counts[i], Tally: tallies[i]}
	}
	return file, nil
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
