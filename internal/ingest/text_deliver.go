package ingest

import (
	"context"
	"runtime"

	"github.com/apache/arrow/go/v17/arrow"
	"golang.org/x/sync/errgroup"
)

// delivery is what became of some rows.
type delivery struct {
	rows    arrow.Record // nil if there is none
	rejects []Reject
}

// pending is a delivery in the making.
type pending struct {
	make     func() (delivery, error)
	delivery delivery
	err      error
	done     chan struct{}
}

// deliver gives the sink what the functions make that produce gives, in their order, while it makes several at once. Only so many
// are held that memory stays bounded: two more than there are makers. It returns the first error when all has ended.
func deliver(ctx context.Context, sink Sink, produce func(give func(func() (delivery, error)) error) error) error {
	const most = 4 // more are not of use beside one goroutine that cuts the text, and the writer
	makers := min(most, runtime.GOMAXPROCS(0))
	group, ctx := errgroup.WithContext(ctx)
	todo, ordered := make(chan *pending, makers), make(chan *pending, makers)
	group.Go(func() error {
		defer close(todo)
		defer close(ordered)
		return produce(func(maker func() (delivery, error)) error {
			p := &pending{make: maker, done: make(chan struct{})}
			for _, queue := range []chan *pending{ordered, todo} {
				select {
				case queue <- p:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	})
	for range makers {
		group.Go(func() error {
			for p := range todo {
				p.delivery, p.err = p.make()
				close(p.done)
			}
			return nil
		})
	}
	group.Go(func() error { return handOver(ctx, sink, ordered) })
	return group.Wait()
}

// handOver gives the sink what was made, in the order in which it was asked for.
func handOver(ctx context.Context, sink Sink, ordered <-chan *pending) error {
	for p := range ordered {
		select {
		case <-p.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if p.err != nil {
			return p.err
		}
		if p.delivery.rows != nil {
			err := sink.Batch(ctx, p.delivery.rows)
			p.delivery.rows.Release()
			if err != nil {
				return err
			}
		}
		for _, r := range p.delivery.rejects {
			if err := sink.Reject(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}
