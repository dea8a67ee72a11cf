package column

import (
	"fmt"
	"io"
	"slices"
)

// stream reads a range of a file in order, through a small buffer: the range itself is
// never held as a whole.
type stream struct {
	src       io.ReaderAt
	pos, end  int64 // what of the range was not read into ahead yet
	ahead     []byte
	used      int // how much of ahead was taken
	readAhead int // bytes
}

// open starts a range and keeps the buffer's memory.
func (s *stream) open(src io.ReaderAt, start, length int64, readAhead int) {
	*s = stream{src: src, pos: start, end: start + length, ahead: s.ahead[:0], readAhead: readAhead}
}

// seek goes to an offset in the range.
func (s *stream) seek(offset int64) { s.pos, s.ahead, s.used = offset, s.ahead[:0], 0 }

// offset is where in the file the next byte stands.
func (s *stream) offset() int64 { return s.pos - int64(len(s.ahead)-s.used) }

// left is how many bytes of the range were not taken yet.
func (s *stream) left() int64 { return int64(len(s.ahead)-s.used) + s.end - s.pos }

// peek returns the bytes that come next, without taking them: more than the given number
// of bytes unless the range ends there.
func (s *stream) peek(more int) ([]byte, error) {
	if next := s.ahead[s.used:]; len(next) > more || s.pos == s.end {
		return next, nil
	}
	wanted := max(s.readAhead, 2*more)
	have := copy(s.ahead, s.ahead[s.used:])
	s.used = 0
	s.ahead = resize(shrunk(s.ahead[:have], wanted), int(min(int64(wanted), int64(have)+s.end-s.pos)))
	return s.ahead, s.read(s.ahead[have:])
}

// skip takes n bytes that peek returned.
func (s *stream) skip(n int) { s.used += n }

// pass passes over the next n bytes without reading those that were not read ahead.
func (s *stream) pass(n int) error {
	if int64(n) > s.left() {
		return errPastEnd(n, s.left())
	}
	ahead := min(n, len(s.ahead)-s.used)
	s.used += ahead
	s.pos += int64(n - ahead)
	return nil
}

func errPastEnd(size int, left int64) error {
	return fmt.Errorf("%w: a page of %d bytes where %d are left", errMalformed, size, left)
}

// take returns the next n bytes: in place where they were read ahead, else in scratch,
// which grows as needed. They are valid until the next call of peek or take.
func (s *stream) take(n int, scratch *[]byte) ([]byte, error) {
	if int64(n) > s.left() {
		return nil, errPastEnd(n, s.left())
	}
	next := s.ahead[s.used:]
	if n <= len(next) {
		s.used += n
		return next[:n], nil
	}
	*scratch = resize((*scratch)[:0], n)
	have := copy(*scratch, next)
	s.used = len(s.ahead)
	return *scratch, s.read((*scratch)[have:])
}

func (s *stream) read(into []byte) error {
	n, err := s.src.ReadAt(into, s.pos)
	if n < len(into) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("read %d bytes at %d: %w", len(into), s.pos, err)
	}
	s.pos += int64(n)
	return nil
}

// keptBuffer is how many bytes a buffer may have that is kept for smaller ones.
const keptBuffer = 1 << 20

// shrunk is b, unless it is much too large for n bytes: then what it holds is moved.
func shrunk(b []byte, n int) []byte {
	if cap(b) > keptBuffer && cap(b)/4 > max(n, len(b)) {
		return slices.Clone(b)
	}
	return b
}

// resize gives b the length n and keeps what it holds.
func resize(b []byte, n int) []byte {
	if n <= cap(b) {
		return b[:n]
	}
	grown := make([]byte, n)
	copy(grown, b)
	return grown
}
