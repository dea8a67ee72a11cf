package ingest

import (
	"bytes"
	"fmt"
	"io"

	"hyperlake/internal/failure"
)

const (
	maxRow    = 16 << 20 // bytes
	maxFields = 16 << 10 // of a row of which it is not known how many it should have
)

// csvScanner reads the rows of CSV (RFC 4180) one after another. It differs from the RFC only in that rows may end with LF as
// with CRLF. A row that cannot be read is told as one with a flaw, and reading goes on after it: behind the end of the line in
// which the flaw is, or of the row that is too long. Memory is bounded by the longest row that is read.
type csvScanner struct {
	textBuffer // its limit is that of a row

	delimiter byte
	quote     byte
	quotes    bool      // there are quotes
	ends      [256]bool // bytes that are not part of a value without quotes

	blockBytes int // of a block, unless a row has more

	most  int   // fields that are kept of a row
	next  int64 // line
	row   csvRow
	state csvState // of a row that is skipped
}

// csvRow is valid until the next is read.
type csvRow struct {
	text   []byte // without its end; nil if the row has a flaw
	fields []csvField
	count  int   // of fields, those included that were not kept
	quoted bool  // a value is
	line   int64 // where it begins, from 1
	flaw   *csvFlaw
}

// csvField is where a value stands in the text of a row.
type csvField struct {
	start, end int32
	quoted     bool
	doubled    bool // it has quotes inside, written twice
}

// csvFlaw is why a row cannot be read.
type csvFlaw struct{ rule, reason string }

var (
	flawAfterQuote  = &csvFlaw{"quotes", "a quoted value goes on after the quote that ends it"}
	flawWithinValue = &csvFlaw{"quotes", "a quote stands within a value that does not begin with one"}
	flawReturn      = &csvFlaw{"line ends", "a carriage return stands outside of quotes, and no line feed follows it"}
	flawTooLong     = &csvFlaw{"length", fmt.Sprintf("the row is longer than %d MiB", maxRow>>20)}
)

func newCSVScanner(source io.Reader, name string, d csvDialect) *csvScanner {
	s := &csvScanner{
		textBuffer: textBuffer{source: source, name: name, limit: maxRow},
		delimiter:  d.delimiter, quote: d.quote, quotes: d.quotes, most: maxFields, next: 1, blockBytes: blockBytes,
	}
	for _, c := range []byte{d.delimiter, '\n', '\r'} {
		s.ends[c] = true
	}
	s.ends[d.quote] = s.ends[d.quote] || d.quotes
	return s
}

// scan reads the next row; false at the end of the text. A value of which the closing quote is missing is an error.
func (s *csvScanner) scan() (bool, error) {
	for {
		found, at := s.parse()
		switch {
		case found == csvNothing:
			return false, nil
		case found == csvComplete:
			s.finish(at)
			return true, nil
		case found == csvFlawed:
			s.state = csvLost
			return true, s.skip(at)
		case s.eof:
			return false, s.unclosed()
		case s.end-s.start >= s.limit:
			s.state, s.row.flaw = csvAtField, flawTooLong
			return true, s.skip(0)
		}
		if err := s.fill(); err != nil {
			return false, err
		}
	}
}

// csvFound is what the bytes in the buffer are.
type csvFound int

const (
	csvNothing    csvFound = iota // the text is at its end
	csvComplete                   // a row
	csvFlawed                     // a row with a flaw
	csvIncomplete                 // the beginning of a row
)

// parse looks for the row at the beginning of the buffer. at is behind it, with its end, or where its flaw is.
func (s *csvScanner) parse() (found csvFound, at int) {
	data := s.buffer[s.start:s.end]
	row := &s.row // of which one part after the other is reset, for that is cheaper than to write it whole
	row.fields, row.count, row.quoted, row.line = row.fields[:0], 0, false, s.next
	if row.flaw != nil {
		row.flaw = nil
	}
	switch at = s.plain(data); {
	case at > 0:
		return csvComplete, at
	case len(data) == 0 && s.eof:
		return csvNothing, 0
	case len(data) == 0:
		return csvIncomplete, 0
	}
	for {
		var field csvField
		if field, at, found = s.field(data, at); found != csvComplete {
			return found, at
		}
		s.row.quoted = s.row.quoted || field.quoted
		if s.row.count++; s.row.count <= s.most {
			s.row.fields = append(s.row.fields, field)
		}
		switch {
		case at == len(data):
			return s.atEnd(), at
		case data[at] == s.delimiter:
			at++
		case data[at] == '\n':
			s.row.text = data[:at]
			return csvComplete, at + 1
		case data[at] != '\r':
			s.row.flaw = flawAfterQuote
			if !field.quoted {
				s.row.flaw = flawWithinValue
			}
			return csvFlawed, at
		case at+1 < len(data) && data[at+1] == '\n':
			s.row.text = data[:at]
			return csvComplete, at + 2
		case at+1 == len(data) && !s.eof:
			return csvIncomplete, at
		default:
			s.row.flaw = flawReturn
			return csvFlawed, at
		}
	}
}

// plain reads a row that has neither quotes nor carriage returns within, as most have, and says where it ends; 0 if there is no such row.
func (s *csvScanner) plain(data []byte) int {
	end := bytes.IndexByte(data, '\n')
	if end < 0 || s.quotes && bytes.IndexByte(data[:end], s.quote) >= 0 {
		return 0
	}
	line := data[:end]
	if at := bytes.IndexByte(line, '\r'); at >= 0 {
		if at < end-1 {
			return 0
		}
		line = line[:at]
	}
	s.row.text = line
	for at := 0; ; s.row.count++ {
		n := bytes.IndexByte(line[at:], s.delimiter)
		if n < 0 {
			n = len(line) - at
		}
		if s.row.count < s.most {
			s.row.fields = append(s.row.fields, csvField{start: int32(at), end: int32(at + n)})
		}
		if at += n + 1; at > len(line) {
			s.row.count++
			return end + 1
		}
	}
}

// atEnd is what a row is that nothing follows in the buffer.
func (s *csvScanner) atEnd() csvFound {
	if !s.eof {
		return csvIncomplete
	}
	s.row.text = s.buffer[s.start:s.end]
	return csvComplete
}

// field reads a value; at is behind it then.
func (s *csvScanner) field(data []byte, at int) (field csvField, behind int, found csvFound) {
	if !s.quotes || at == len(data) || data[at] != s.quote {
		i := at
		for i < len(data) && !s.ends[data[i]] {
			i++
		}
		return csvField{start: int32(at), end: int32(i)}, i, csvComplete
	}
	field = csvField{start: int32(at + 1), quoted: true}
	for i := at + 1; ; i += 2 {
		n := bytes.IndexByte(data[i:], s.quote)
		if n < 0 {
			return field, i, csvIncomplete
		}
		i += n
		if i+1 == len(data) && !s.eof {
			return field, i, csvIncomplete
		}
		if i+1 == len(data) || data[i+1] != s.quote {
			field.end = int32(i)
			return field, i + 1, csvComplete
		}
		field.doubled = true
	}
}

// finish takes a row out of the buffer that ends before at.
func (s *csvScanner) finish(at int) {
	s.next++
	if s.row.quoted {
		s.next += int64(bytes.Count(s.row.text, []byte{'\n'}))
	}
	s.start += at
}

// unclosed is the error of a value that does not end.
func (s *csvScanner) unclosed() error {
	return failure.New(failure.Source, "%s: the row of line %d has a quoted value that does not end before the file does", s.name, s.row.line).
		WithHint("look for a quote there that is not written twice, or whether the file is whole; where quotes mean nothing, say quote: none")
}

// text is the text that a field of the row stands for.
func (s *csvScanner) text(field csvField) string {
	raw := s.row.text[field.start:field.end]
	if !field.doubled {
		return string(raw)
	}
	return string(s.appendUnquoted(nil, raw))
}

// appendUnquoted appends a text in which quotes are written twice.
func (s *csvScanner) appendUnquoted(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, s.quote)
		if i < 0 {
			return append(dst, raw...)
		}
		dst, raw = append(dst, raw[:i+1]...), raw[i+2:]
	}
}

// csvState is where in a row a byte is that is skipped.
type csvState int

const (
	csvAtField csvState = iota
	csvWithin           // a value without quotes
	csvQuoted
	csvAfterQuote
	csvReturned // after a carriage return, which only a line feed may follow
	csvLost     // the row goes on to the end of the line
)

// skip takes the row out that has a flaw, from a place in it on, without keeping it.
func (s *csvScanner) skip(from int) error {
	s.row.text = nil
	s.next += int64(bytes.Count(s.buffer[s.start:s.start+from], []byte{'\n'}))
	s.start += from
	for {
		for i, c := range s.buffer[s.start:s.end] {
			if c == '\n' {
				s.next++
			}
			if s.pass(c) {
				s.start += i + 1
				return nil
			}
		}
		s.start, s.end = 0, 0
		if s.eof && s.state == csvQuoted {
			return s.unclosed()
		}
		if s.eof {
			return nil
		}
		if err := s.fill(); err != nil {
			return err
		}
	}
}

// pass goes on by a byte, and says whether the row ends with it.
func (s *csvScanner) pass(c byte) bool {
	isQuote := s.quotes && c == s.quote
	switch {
	case s.state == csvQuoted:
		if isQuote {
			s.state = csvAfterQuote
		}
		return false
	case c == '\n':
		return true
	case s.state == csvLost || s.state == csvReturned:
		s.state = csvLost
	case c == '\r':
		s.state = csvReturned
	case c == s.delimiter:
		s.state = csvAtField
	case isQuote && s.state != csvWithin:
		s.state = csvQuoted
	case isQuote || s.state == csvAfterQuote:
		s.state = csvLost
	default:
		s.state = csvWithin
	}
	return false
}
