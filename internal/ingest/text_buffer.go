package ingest

import (
	"errors"
	"io"
)

// textBuffer is the part of a text that was read and is not used yet, in memory that is bounded.
type textBuffer struct {
	source io.Reader
	name   string
	limit  int // bytes of what must be in it as a whole

	buffer     []byte
	start, end int // of what is in the buffer and not used yet
	eof        bool
}

// fill reads more into the buffer, which grows if what is not used yet fills it.
func (b *textBuffer) fill() error {
	if b.buffer == nil {
		b.buffer = make([]byte, readBuffer)
	}
	if b.start > 0 {
		b.end = copy(b.buffer, b.buffer[b.start:b.end])
		b.start = 0
	}
	if b.end == len(b.buffer) {
		b.buffer = append(b.buffer, make([]byte, min(len(b.buffer), max(1, b.limit-len(b.buffer))))...)
	}
	n, err := io.ReadAtLeast(b.source, b.buffer[b.end:], 1)
	b.end += n
	if errors.Is(err, io.EOF) {
		b.eof, err = true, nil
	}
	if err != nil {
		return readFailure(b.name, err)
	}
	return nil
}
