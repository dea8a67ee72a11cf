package storage

import (
	"context"
	"errors"
	"io"
	"sync"
)

// stream reads one span of a file, window by window, ahead of its reader.
type stream struct {
	ahead      *readAhead
	start, end int64
	window     int64
	depth      int // windows that are held

	mu     sync.Mutex
	blocks []*block // neighbours
	next   int64    // start of the block after them
}

// blockAt returns the block that holds the byte at off, after it moved the windows there.
// For a byte that they have passed it returns nil.
func (s *stream) blockAt(off int64) *block {
	s.mu.Lock()
	defer s.mu.Unlock()
	if off < s.start || len(s.blocks) > 0 && off < s.blocks[0].start {
		return nil
	}
	for len(s.blocks) > 0 && s.blocks[0].end() <= off {
		s.blocks[0].fail(errNotPrepared) // for a reader that is behind this one
		s.blocks[0].cancel()
		s.blocks = s.blocks[1:]
	}
	if len(s.blocks) == 0 && s.next < off {
		s.next = off
	}
	s.fillLocked()
	return s.blocks[0]
}

// fill starts to read the first windows.
func (s *stream) fill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fillLocked()
}

func (s *stream) fillLocked() {
	for len(s.blocks) < s.depth && s.next < s.end {
		b := newBlock(s.next, min(s.window, s.end-s.next))
		s.ahead.start(b)
		s.blocks = append(s.blocks, b)
		s.next = b.end()
	}
}

// block is a piece of a file that is on its way into memory.
type block struct {
	start  int64
	data   []byte
	cancel context.CancelFunc // ends the way

	mu     sync.Mutex
	change *sync.Cond
	filled int   // bytes of data that have arrived
	err    error // why no more will
}

func newBlock(start, length int64) *block {
	b := &block{start: start, data: make([]byte, length), cancel: func() {}}
	b.change = sync.NewCond(&b.mu)
	return b
}

func (b *block) end() int64 { return b.start + int64(len(b.data)) }

// fill reads the block from source, and lets readers have what has arrived.
func (b *block) fill(source io.Reader) {
	for filled := 0; filled < len(b.data); {
		n, err := source.Read(b.data[filled:]) // readers see only what is before it
		filled += n
		if errors.Is(err, io.EOF) && filled < len(b.data) {
			err = io.ErrUnexpectedEOF
		}
		b.mu.Lock()
		b.filled = filled
		b.mu.Unlock()
		b.change.Broadcast()
		if err != nil && filled < len(b.data) {
			b.fail(err)
			return
		}
	}
}

// fail says why no more bytes will arrive. The first reason stays.
func (b *block) fail(err error) {
	b.mu.Lock()
	if b.err == nil {
		b.err = err
	}
	b.mu.Unlock()
	b.change.Broadcast()
}

// readSome copies at least one byte from off, once it has arrived.
func (b *block) readSome(p []byte, off int64) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.start+int64(b.filled) <= off && b.err == nil {
		b.change.Wait()
	}
	if b.start+int64(b.filled) <= off {
		return 0, b.err
	}
	return copy(p, b.data[off-b.start:b.filled]), nil
}
