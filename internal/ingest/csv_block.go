package ingest

import "bytes"

const (
	blockBytes    = 512 << 10 // of the text that is read by one goroutine at a time
	smallestBlock = 4 << 10
)

// csvBlock is some whole rows of a text, which can be read without those around them.
type csvBlock struct {
	text []byte
	line int64    // where the first row begins, from 1
	rows int      // that it has at most
	flaw *csvFlaw // of the one row that the block stands for, whose text is not kept; else nil
}

// block takes the next rows out of the text; false at its end. A row that has no end because the text ends is left to whoever reads the
// block. A block has more rows than a chunk, or more bytes than blockBytes, only where a row has.
func (s *csvScanner) block() (b csvBlock, found bool, err error) {
	for want := s.blockBytes; ; {
		data := s.buffer[s.start:s.end]
		if len(data) < want && !s.eof {
			if err := s.fill(); err != nil {
				return b, false, err
			}
			continue
		}
		isAll := len(data) <= want
		end := s.wholeRows(data[:min(want, len(data))])
		rows := bytes.Count(data[:end], []byte{'\n'})
		switch {
		case rows > chunkRows && s.blockBytes > smallestBlock:
			s.blockBytes /= 2
			want = s.blockBytes
		case end > 0:
			return s.takeBlock(end, rows), true, nil
		case isAll && s.eof:
			return s.takeBlock(len(data), 1), len(data) > 0, nil
		case isAll && len(data) >= s.limit:
			found, err := s.scan()
			return csvBlock{line: s.row.line, rows: 1, flaw: s.row.flaw}, found, err
		default:
			want *= 2
		}
	}
}

func (s *csvScanner) takeBlock(size, rows int) csvBlock {
	b := csvBlock{text: bytes.Clone(s.buffer[s.start : s.start+size]), line: s.next, rows: rows}
	s.next += int64(rows)
	s.start += size
	return b
}

// over is a scanner of the rows of a block.
func (s *csvScanner) over(b csvBlock) *csvScanner {
	return &csvScanner{
		textBuffer: textBuffer{name: s.name, limit: s.limit, buffer: b.text, end: len(b.text), eof: true},
		delimiter:  s.delimiter, quote: s.quote, quotes: s.quotes, ends: s.ends, most: s.most, next: b.line,
	}
}

// wholeRows is where the last row ends that is whole in data, which begins with a row; 0 if none is. It looks only for what tells whether
// the end of a line is that of a row: quotes that begin a value, those that end it, and what makes the rest of a line part of no value.
func (s *csvScanner) wholeRows(data []byte) int {
	end, value := 0, 0 // value is where one begins
	for {
		quote := -1
		if s.quotes {
			quote = bytes.IndexByte(data[value:], s.quote)
		}
		if quote < 0 {
			if line := bytes.LastIndexByte(data[value:], '\n'); line >= 0 {
				end = value + line + 1
			}
			return end
		}
		quote += value
		if line := bytes.LastIndexByte(data[value:quote], '\n'); line >= 0 {
			value += line + 1
			end = value
		}
		begins := quote == value || data[quote-1] == s.delimiter
		behind := quote
		if begins && bytes.IndexByte(data[value:quote], '\r') < 0 {
			if behind = s.behindQuote(data, quote+1); behind < 0 {
				return end
			}
			if data[behind] == s.delimiter {
				value = behind + 1
				continue
			}
		}
		line := bytes.IndexByte(data[behind:], '\n')
		if line < 0 {
			return end
		}
		value = behind + line + 1
		end = value
	}
}

// behindQuote is where a value goes on or ends behind the quote that ends it, of a value that goes on at a place; negative if the data does
// not tell.
func (s *csvScanner) behindQuote(data []byte, at int) int {
	for at < len(data) {
		n := bytes.IndexByte(data[at:], s.quote)
		if n < 0 || at+n+1 == len(data) {
			return -1
		}
		if at += n + 1; data[at] != s.quote {
			return at
		}
		at++
	}
	return -1
}
