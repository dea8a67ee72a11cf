package ingest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// copyReader reads PostgreSQL's binary form of COPY as it comes in, in pieces of any length: a header, tuples of so many
// fields, and the end. It keeps a tuple that is not complete, and no other.
type copyReader struct {
	columns int
	row     func(fields [][]byte, size int) error // of one tuple; fields are valid during the call, nil is NULL

	pending []byte
	needed  int // that pending must hold before it is worth another look
	begun   bool
	ended   bool
	rows    int64
	fields  [][]byte
}

var copySignature = []byte("PGCOPY\n\xff\r\n\x00")

var errIncomplete = errors.New("incomplete")

// Write takes the next piece.
func (c *copyReader) Write(piece []byte) (int, error) {
	data := piece
	if len(c.pending) > 0 {
		c.pending = append(c.pending, piece...)
		if len(c.pending) < c.needed {
			return len(piece), nil
		}
		data = c.pending
	}
	for len(data) > 0 {
		used, err := c.next(data)
		if errors.Is(err, errIncomplete) {
			break
		}
		if err != nil {
			return 0, err
		}
		data = data[used:]
	}
	if len(data) == 0 && cap(c.pending) > maxRowBytes {
		c.pending = nil
	}
	c.pending = append(c.pending[:0], data...)
	return len(piece), nil
}

// next reads the header or a tuple, and says how long it is.
func (c *copyReader) next(data []byte) (int, error) {
	if !c.begun {
		return c.header(data)
	}
	if c.ended {
		return 0, errors.New("the server sent data after the end of COPY")
	}
	if len(data) < 2 {
		return c.wait(2)
	}
	count := int16(binary.BigEndian.Uint16(data))
	if count == -1 {
		c.ended = true
		return 2, nil
	}
	if int(count) != c.columns {
		return 0, fmt.Errorf("the server sent a row of %d values for %d columns", count, c.columns)
	}
	return c.tuple(data)
}

// header reads the beginning: a signature, flags, and an extension that may be passed over.
func (c *copyReader) header(data []byte) (int, error) {
	length := len(copySignature) + 8
	if len(data) < length {
		return c.wait(length)
	}
	if !bytes.HasPrefix(data, copySignature) {
		return 0, errors.New("the server did not begin the binary form of COPY")
	}
	flags := binary.BigEndian.Uint32(data[len(copySignature):])
	extension := binary.BigEndian.Uint32(data[len(copySignature)+4:])
	if flags != 0 || extension > math.MaxInt16 {
		return 0, fmt.Errorf("the server sent a form of COPY that is not known (flags %x)", flags)
	}
	if length += int(extension); len(data) < length {
		return c.wait(length)
	}
	c.begun = true
	return length, nil
}

// tuple reads one row.
func (c *copyReader) tuple(data []byte) (int, error) {
	c.fields = c.fields[:0]
	at := 2
	for range c.columns {
		if len(data) < at+4 {
			return c.wait(at + 4)
		}
		length := int32(binary.BigEndian.Uint32(data[at:]))
		at += 4
		if length == -1 {
			c.fields = append(c.fields, nil)
			continue
		}
		if length < 0 {
			return 0, fmt.Errorf("the server sent a value of %d bytes", length)
		}
		if len(data) < at+int(length) {
			return c.wait(at + int(length))
		}
		c.fields = append(c.fields, data[at:at+int(length):at+int(length)])
		at += int(length)
	}
	c.rows++
	return at, c.row(c.fields, at)
}

func (c *copyReader) wait(needed int) (int, error) {
	c.needed = needed
	return 0, errIncomplete
}

// finish says whether all came in that the server says it sent.
func (c *copyReader) finish(said int64) error {
	switch {
	case !c.ended || len(c.pending) > 0:
		return errors.New("the server ended COPY in the middle of it")
	case c.rows != said:
		return fmt.Errorf("the server says it sent %d rows, and %d came in", said, c.rows)
	}
	return nil
}
