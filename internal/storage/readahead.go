package storage

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
)

const (
	maxGap      = 1 << 20   // bytes that nobody asked for, to save a request, where there are not too many of them
	smallGap    = 16 << 10  // such bytes that cost less than a request, however few are asked for
	minWindow   = 256 << 10 // bytes that are worth a request
	maxRequests = 16        // of one reader at once
)

var errNotPrepared = errors.New("not prepared")

// readAhead reads ranges of one file in the background.
//
// When all of them fit the budget, neighbours are joined to one request, and everything
// is kept until the readAhead is stopped. Otherwise each range is read through a window
// that moves forward with its reader, and the next window is on its way meanwhile; only
// small neighbours share one. Memory is at most the budget, or [minWindow] for each
// range if that is more.
type readAhead struct {
	open    func(ctx context.Context, start, end int64) io.ReadCloser
	size    int64     // of the file
	streams []*stream // in the order of the file, disjoint
	slots   chan struct{}

	ctx     context.Context
	cancel  context.CancelFunc
	mu      sync.Mutex // for stopped
	stopped bool
	running sync.WaitGroup
}

// newReadAhead starts to read ranges of a file of size bytes, with open, until ctx is done or stop is called.
func newReadAhead(ctx context.Context, ranges []Range, size, budget int64,
	open func(ctx context.Context, start, end int64) io.ReadCloser) *readAhead {
	a := &readAhead{open: open, size: size, slots: make(chan struct{}, maxRequests)}
	a.ctx, a.cancel = context.WithCancel(ctx)
	spans, window, depth := layOut(clip(ranges, size), budget)
	for _, span := range spans {
		a.streams = append(a.streams, &stream{
			ahead: a, start: span.Start, next: span.Start, end: span.end(), window: window, depth: depth,
		})
	}
	for _, s := range a.streams {
		s.fill()
	}
	return a
}

// clip sorts ranges and leaves out what is outside of the file.
func clip(ranges []Range, size int64) []Range {
	var inside []Range
	for _, r := range ranges {
		start, end := max(r.Start, 0), min(r.end(), size)
		if start < end {
			inside = append(inside, Range{start, end - start})
		}
	}
	slices.SortFunc(inside, func(a, b Range) int { return cmp.Compare(a.Start, b.Start) })
	return inside
}

// layOut decides what is read in one piece, in windows of how many bytes, and how many
// of them a stream holds.
func layOut(sorted []Range, budget int64) (spans []Range, window int64, depth int) {
	spans = join(sorted, budget)
	total := int64(0)
	for _, span := range spans {
		total += span.Length
	}
	if total <= budget {
		return spans, budget, 1
	}
	count := int64(len(sorted))
	window, depth = budget/(2*count), 2
	if window < minWindow {
		window, depth = max(minWindow, budget/count), 1
	}
	return join(sorted, window), window, depth
}

// join joins neighbours to spans of at most longest bytes, and cuts off what overlaps. A
// range that is longer by itself stays as it is.
func join(sorted []Range, longest int64) []Range {
	var spans []Range
	asked := int64(0) // bytes of the last span that somebody asked for
	for _, r := range sorted {
		if len(spans) > 0 {
			last := &spans[len(spans)-1]
			start := max(r.Start, last.end())
			end := max(r.end(), start)
			length := end - last.Start
			if length <= longest && isWorth(r.Start-last.end(), length, asked+end-start) {
				last.Length, asked = length, asked+end-start
				continue
			}
			r = Range{start, end - start}
		}
		if r.Length > 0 {
			spans, asked = append(spans, r), r.Length
		}
	}
	return spans
}

// isWorth says whether a gap is read to save a request: so that less than twice of what was asked for arrives, in a span of that length.
func isWorth(gap, length, asked int64) bool {
	return gap <= smallGap || gap <= maxGap && length <= asked+asked*3/4
}

// stop ends all requests and waits until they have ended.
func (a *readAhead) stop() {
	a.mu.Lock()
	a.stopped = true
	a.mu.Unlock()
	a.cancel()
	a.running.Wait()
}

// readSome reads at least one byte, or fails. Bytes that are not prepared, or not any
// more, are errNotPrepared.
func (a *readAhead) readSome(p []byte, off int64) (int, error) {
	i, _ := slices.BinarySearchFunc(a.streams, off, func(s *stream, off int64) int {
		return cmp.Compare(s.end, off+1) // the first stream that ends after off
	})
	if i == len(a.streams) {
		return 0, errNotPrepared
	}
	b := a.streams[i].blockAt(off)
	if b == nil {
		return 0, errNotPrepared
	}
	n, err := b.readSome(p, off)
	if err != nil && a.ctx.Err() != nil {
		err = errNotPrepared
	}
	return n, err
}

// nextAfter returns where the first stream begins that begins after off, or the file ends.
func (a *readAhead) nextAfter(off int64) int64 {
	for _, s := range a.streams {
		if s.start > off {
			return s.start
		}
	}
	return a.size
}

// start reads a block in the background.
func (a *readAhead) start(b *block) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		b.fail(errNotPrepared)
		return
	}
	ctx, cancel := context.WithCancel(a.ctx)
	b.cancel = cancel
	a.running.Go(func() {
		defer cancel()
		select {
		case a.slots <- struct{}{}:
			defer func() { <-a.slots }()
		case <-ctx.Done():
			b.fail(ctx.Err())
			return
		}
		source := a.open(ctx, b.start, b.start+int64(len(b.data)))
		defer source.Close()
		b.fill(source)
	})
}
