package hyper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"hyperlake/internal/batch"
	"hyperlake/internal/failure"
	"hyperlake/internal/hyperd"
)

const (
	// spoolSegments is how many segments are in a spool at most. Of these one is being
	// filled; the others wait for hyperd, or are what it loads.
	spoolSegments = 6

	// segmentsAtOnce is how many segments hyperd is given at least, as long as more come.
	segmentsAtOnce = 2

	partialAlias = "partial"
)

// work is a segment or a group of files to load, or the wish to have loaded what came before.
type work struct {
	segment *segment
	files   *fileGroup
	loaded  chan struct{} // to close then
}

// table is the table of a segment; -1 if it is none.
func (w work) table() int {
	if w.segment == nil {
		return -1
	}
	return w.segment.table
}

// session is the half of a loader that a goroutine of its own works in. It must not
// refer to the loader: a loader that its owner lost ends its session when it is collected.
type session struct {
	layout Layout
	path   string
	spool  spool
	lease  *hyperd.Lease
	conn   *hyperd.Conn
	cancel context.CancelFunc
	queue  chan work           // closed when nothing more comes
	room   *semaphore.Weighted // bytes in the spool
	fetch  *fetcher
	done   chan struct{} // closed when the goroutine ended; what follows is set before
	err    error

	tallies  []batch.Tally // by table: of deferred files
	doubtful []Doubtful

	aside []bool // by table: rows wait in another file to be sorted; nil if there is none

	rowsLoaded atomic.Int64 // of deferred files, so far

	end sync.Once // either the partial is finished or it is abandoned
}

// newSession makes the partial and starts the goroutine. The lease and the spool are the
// session's from now on, whatever newSession returns.
func newSession(layout Layout, lease *hyperd.Lease, spool spool, verify Verify, path string) (*session, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &session{
		layout: layout, path: path, spool: spool, lease: lease, cancel: cancel,
		queue: make(chan work, spoolSegments), tallies: make([]batch.Tally, len(layout.Tables)), done: make(chan struct{}),
		room: semaphore.NewWeighted(spool.maxBytes), fetch: newFetcher(ctx, spool.folder, verify),
	}
	if err := s.begin(ctx); err != nil {
		s.release()
		return nil, err
	}
	go func() {
		defer close(s.done)
		defer s.fetch.stop() // nobody needs the copies any more
		s.err = s.run(ctx)
	}()
	return s, nil
}

func (s *session) begin(ctx context.Context) error {
	conn, err := s.lease.Connect(ctx)
	if err != nil {
		return err
	}
	s.conn = conn
	return s.layout.create(ctx, conn, s.path, partialAlias)
}

// run loads what comes until the queue is closed or something fails.
func (s *session) run(ctx context.Context) error {
	for {
		waiting, more, err := s.await(ctx)
		if err != nil {
			return err
		}
		for len(waiting) > 0 {
			first := waiting[0]
			if first.loaded != nil {
				close(first.loaded)
				waiting = waiting[1:]
				continue
			}
			if first.files != nil {
				if err := s.loadGroup(ctx, first.files); err != nil {
					return err
				}
				waiting = waiting[1:]
				continue
			}
			var segments []*segment
			for len(waiting) > 0 && waiting[0].table() == first.table() {
				segments = append(segments, waiting[0].segment)
				waiting = waiting[1:]
			}
			if err := s.load(ctx, segments, more); err != nil {
				return err
			}
		}
		if !more {
			return s.sortAside(ctx)
		}
	}
}

// await takes all the work there is: at least as many segments as are loaded at once,
// unless other work is behind them, or no more comes. What is to be sorted is taken together,
// as far as the spool goes.
func (s *session) await(ctx context.Context) (waiting []work, more bool, err error) {
	wanted := segmentsAtOnce
	if s.layout.sortsPartials() {
		wanted = spoolSegments - 1
	}
	isEnough := false
	for {
		isEnough = isEnough || len(waiting) >= wanted
		if isEnough && len(s.queue) == 0 {
			return waiting, true, nil
		}
		select {
		case next, open := <-s.queue:
			if !open {
				slices.SortStableFunc(waiting, func(a, b work) int { return cmp.Compare(a.table(), b.table()) })
				return waiting, false, nil
			}
			isEnough = isEnough || next.segment == nil
			waiting = append(waiting, next)
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}

// load has hyperd read segments of one table in one statement, and makes room for others.
// Rows that are to be sorted with more than these are set aside.
func (s *session) load(ctx context.Context, segments []*segment, more bool) error {
	table, alias, order := s.layout.Tables[segments[0].table], partialAlias, ""
	if table.sortsPartial() {
		order = table.orderSQL()
		if more || s.aside != nil {
			alias, order = unsortedAlias, ""
			if err := s.setAside(ctx, segments[0].table); err != nil {
				return err
			}
		}
	}
	var want int64
	for _, segment := range segments {
		want += segment.rows
	}
	rows, err := s.conn.Exec(ctx, table.insertSQL(alias, segments)+order)
	if err != nil {
		return fmt.Errorf("load table %s from %s: %w", table, blameSegment(segments, err.Error()), err)
	}
	if rows != want {
		return failure.New(failure.Hyperd, "hyperd took %d of %d rows of table %s from %s", rows, want, table, blameSegment(segments, ""))
	}
	for _, segment := range segments {
		if err := removeFile(segment.path); err != nil {
			return spoolFailure(err)
		}
		s.room.Release(s.spool.segmentBytes())
	}
	return nil
}

// reserve waits for room in the spool.
func (s *session) reserve(bytes int64) error {
	if s.room.Acquire(s.fetch.ctx, bytes) != nil {
		<-s.done
		return s.err
	}
	return nil
}

// abandon stops the loading and removes the partial.
func (s *session) abandon() {
	s.end.Do(func() {
		s.cancel()
		<-s.done
		s.release()
		_ = errors.Join(removeFile(s.path), removeFile(s.unsortedPath())) // if they stay, they go with the staging of the run
	})
}

// release ends the session with hyperd.
func (s *session) release() {
	s.cancel()
	s.fetch.close()
	if s.conn != nil {
		_ = s.conn.Close(context.Background()) // everything was committed and detached, or is not wanted
	}
	s.lease.Release()
	s.spool.close()
}
