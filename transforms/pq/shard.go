package parquetread

import (
	"context"
	"runtime"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"golang.org/x/sync/errgroup"

	"hyperlake/internal/batch"
)

const (
	// maxDecoders is how many row groups of a shard are decoded at once, at most.
	maxDecoders = 4

	// decodedAhead is how many batches of a row group wait for their turn.
	decodedAhead = 2
)

// Table says what to read of a table's files.
type Table struct {
	Columns []string `json:"columns"` // top-level columns, in the order of the records
}

// ReadShard decodes the row groups of a shard and calls emit for each batch, in the order
// of files, row groups and rows, from the calling goroutine. Several row groups are
// decoded at once; each waits with a few batches until its turn comes. An error of emit
// ends the reading and is returned. All goroutines have ended when ReadShard returns.
func ReadShard(ctx context.Context, shard Shard, table Table, emit func(batch.Batch) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	decoders, decoding := errgroup.WithContext(ctx)
	decoders.SetLimit(min(runtime.GOMAXPROCS(0), maxDecoders))

	turns := make(chan chan batch.Batch, maxDecoders) // the queues of the row groups, in order
	var dispatcher sync.WaitGroup
	dispatcher.Go(func() {
		defer close(turns)
		dispatch(decoding, decoders, shard, table, turns)
	})

	var emitErr error
	for queue := range turns {
		for b := range queue {
			if emitErr != nil || decoding.Err() != nil {
				continue // drain
			}
			if emitErr = emit(b); emitErr != nil {
				cancel()
			}
		}
	}
	dispatcher.Wait()
	err := decoders.Wait()
	if emitErr != nil {
		return emitErr
	}
	return err
}

// dispatch starts a decoder for one row group after the other. Decoders.Go blocks while
// the most that may run are running.
func dispatch(ctx context.Context, decoders *errgroup.Group, shard Shard, table Table, turns chan<- chan batch.Batch) {
	for _, ref := range shard.Files {
		shared := &sharedFile{ref: ref, users: len(ref.RowGroups)}
		for _, group := range ref.RowGroups {
			queue := make(chan batch.Batch, decodedAhead)
			turns <- queue
			decoders.Go(func() error {
				defer close(queue)
				return decode(ctx, shared, group, shard.Table, table, queue)
			})
		}
	}
}

// decode puts the batches of one row group into its queue.
func decode(ctx context.Context, shared *sharedFile, group RowGroup, tableIndex int, table Table, queue chan<- batch.Batch) error {
	defer shared.done()
	if err := ctx.Err(); err != nil {
		return err
	}
	opened, err := shared.open(ctx)
	if err != nil {
		return err
	}
	return readRowGroup(ctx, opened, group, table.Columns, func(first int64, record arrow.Record) error {
		b := batch.Batch{
			Table:  tableIndex,
			Origin: batch.Origin{File: shared.ref.Info.URI, RowGroup: group.Index, FirstRow: group.FirstRow + first},
			Tally:  batch.Tally{Read: record.NumRows()},
			Record: record,
		}
		select {
		case queue <- b:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// sharedFile opens a file for the first of its row groups and closes it after the last.
type sharedFile struct {
	ref FileRef

	mu     sync.Mutex
	users  int
	opened *openedFile
	err    error
}

func (s *sharedFile) open(ctx context.Context) (*openedFile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened == nil && s.err == nil {
		s.opened, s.err = open(ctx, s.ref.Info)
	}
	return s.opened, s.err
}

func (s *sharedFile) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 && s.opened != nil {
		s.opened.close()
	}
}
