package ingest

import (
	"context"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"hyperlake/internal/lake"
	"hyperlake/internal/storage"
)

// waitingRecords is how many records wait for the writer, at most. They have some megabytes each.
const waitingRecords = 2

// writer writes records to parts in a folder, in one goroutine of its own, so that a source reads on meanwhile. add is safe for
// concurrent use.
type writer struct {
	limits
	folder   string // in which the parts are written
	runID    string
	columns  *arrow.Schema
	progress func(rows int64)

	queue  chan arrow.Record
	done   chan struct{} // closed once the goroutine has ended
	broken chan struct{} // closed once err is set
	err    error
	once   sync.Once

	file  *partFile // nil when there is none
	parts []lake.Part
	rows  int64
	bytes int64
}

// startWriter starts a writer. It is ended by finish or abandon.
func startWriter(ctx context.Context, folder, runID string, columns *arrow.Schema, most limits, progress func(rows int64)) *writer {
	w := &writer{
		limits: most, folder: folder, runID: runID, columns: columns, progress: progress,
		queue: make(chan arrow.Record, waitingRecords), done: make(chan struct{}), broken: make(chan struct{}),
	}
	go w.work(ctx)
	return w
}

// add takes rows, and blocks while the writer is behind. It fails once writing failed.
func (w *writer) add(ctx context.Context, rows arrow.Record) error {
	rows.Retain()
	select {
	case w.queue <- rows:
		return nil
	case <-w.broken:
		rows.Release()
		return w.err
	case <-ctx.Done():
		rows.Release()
		return context.Cause(ctx)
	}
}

// work writes what is added until there is no more. After an error it takes rows, and does nothing with them.
func (w *writer) work(ctx context.Context) {
	defer close(w.done)
	for rows := range w.queue {
		if w.err == nil {
			if err := w.write(ctx, rows); err != nil {
				w.err = err
				close(w.broken)
			}
		}
		rows.Release()
	}
}

func (w *writer) write(ctx context.Context, rows arrow.Record) error {
	if rows.NumRows() == 0 {
		return nil
	}
	if w.file == nil {
		if err := w.open(ctx, rows); err != nil {
			return err
		}
	}
	if err := w.file.add(rows, w.limits); err != nil {
		return err
	}
	w.rows += rows.NumRows()
	if w.progress != nil {
		w.progress(w.rows)
	}
	if w.file.rows >= w.fileRows || w.file.bytes >= w.fileBytes {
		return w.end(ctx)
	}
	return nil
}

func (w *writer) open(ctx context.Context, first arrow.Record) (err error) {
	w.file, err = newPartFile(ctx, storage.Join(w.folder, lake.PartName(len(w.parts), w.runID)), first, false, w.limits)
	return err
}

// end ends the part in work.
func (w *writer) end(ctx context.Context) error {
	f := w.file
	w.file = nil
	if err := f.commit(ctx); err != nil {
		return err
	}
	w.parts = append(w.parts, lake.Part{Name: lake.PartName(len(w.parts), w.runID), Rows: f.rows, Bytes: f.bytes, SHA256: f.sha256()})
	w.bytes += f.bytes
	return nil
}

// finish ends the last part, and returns all. Without rows there is one that holds none, so that the columns are known.
func (w *writer) finish(ctx context.Context) ([]lake.Part, error) {
	w.stop()
	if w.err != nil {
		return nil, w.err
	}
	if w.file == nil && len(w.parts) == 0 {
		empty := array.NewRecordBuilder(memory.DefaultAllocator, w.columns).NewRecord()
		if err := w.open(ctx, empty); err != nil {
			return nil, err
		}
		if err := w.file.add(empty, w.limits); err != nil {
			return nil, err
		}
	}
	if w.file != nil {
		if err := w.end(ctx); err != nil {
			return nil, err
		}
	}
	return w.parts, nil
}

// abandon drops the part in work. It may follow finish.
func (w *writer) abandon() {
	w.stop()
	if w.file != nil {
		w.file.abort()
		w.file = nil
	}
}

// stop waits until everything is written that was added.
func (w *writer) stop() {
	w.once.Do(func() { close(w.queue) })
	<-w.done
}
