package ingest

import (
	"bytes"
	"io"
)

// lineScanner reads the lines of a text one after another, in memory that is bounded by the longest line that is kept.
type lineScanner struct {
	textBuffer // its limit is that of a line

	line    []byte // without its end, valid until the next is read; nil of one that is too long
	number  int64  // of the line, from 1
	tooLong bool
}

func newLineScanner(source io.Reader, name string) *lineScanner {
	return &lineScanner{textBuffer: textBuffer{source: source, name: name, limit: maxRow}}
}

// scan reads the next line; false at the end of the text.
func (s *lineScanner) scan() (bool, error) {
	s.tooLong = false
	for searched := 0; ; {
		if at := bytes.IndexByte(s.buffer[s.start+searched:s.end], '\n'); at >= 0 {
			s.take(searched+at, 1)
			return true, nil
		}
		searched = s.end - s.start
		switch {
		case s.eof && searched == 0 && !s.tooLong:
			return false, nil
		case s.eof:
			s.take(searched, 0)
			return true, nil
		case searched >= s.limit || s.tooLong: // what is kept of it goes
			s.tooLong, s.start, s.end, searched = true, 0, 0, 0
		}
		if err := s.fill(); err != nil {
			return false, err
		}
	}
}

// take makes the line of the next bytes, and leaves its end out.
func (s *lineScanner) take(length, end int) {
	s.line = bytes.TrimSuffix(s.buffer[s.start:s.start+length], []byte{'\r'})
	if s.tooLong {
		s.line = nil
	}
	s.start += length + end
	s.number++
}
