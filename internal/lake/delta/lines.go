package delta

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"hyperlake/internal/storage"
)

const (
	maxLine    = 64 << 20  // bytes; the longest is that of a schema
	lineBuffer = 256 << 10 // bytes that are read at once
)

// errEnough ends reading before the end, without an error.
var errEnough = errors.New("no more is wanted")

// readLines visits the lines of a file that are not empty, which are valid until visit returns. It fails where
// the file cannot be read, for a line that is too long, and with the errors of visit.
func readLines(ctx context.Context, info storage.Info, visit func(line []byte) error) error {
	store, err := storage.For(info.URI)
	if err != nil {
		return unread(info.URI, err)
	}
	reader, err := store.Open(ctx, info)
	if err != nil {
		return unread(info.URI, err)
	}
	defer reader.Close()
	reader.Prepare([]storage.Range{{Start: 0, Length: reader.Size()}})
	return readText(ctx, info.URI, io.NewSectionReader(reader, 0, reader.Size()), visit)
}

// readText is readLines of the text of a file.
func readText(ctx context.Context, uri string, text io.Reader, visit func(line []byte) error) error {
	err := splitLines(text, maxLine, func(line []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return visit(line)
	})
	var bad *lineError
	switch {
	case err == nil || errors.Is(err, errEnough):
		return nil
	case errors.As(err, &bad):
		return damaged(uri, "%w", err)
	}
	return unread(uri, err)
}

// lineError says what is wrong with a line.
type lineError struct{ err error }

func (e *lineError) Error() string { return e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

// splitLines visits the lines of a text that are not blank; the last need not end. Errors of a line say its
// number.
func splitLines(text io.Reader, most int, visit func(line []byte) error) error {
	buffered := bufio.NewReaderSize(text, min(lineBuffer, most))
	var long []byte
	for number := 1; ; number++ {
		line, err := nextLine(buffered, &long, most)
		isLast := errors.Is(err, io.EOF)
		if isLast {
			err = nil
		}
		if line = bytes.TrimSpace(line); err == nil && len(line) > 0 {
			err = visit(line)
		}
		var bad *lineError
		switch {
		case errors.As(err, &bad):
			return fmt.Errorf("line %d: %w", number, err)
		case err != nil || isLast:
			return err
		}
	}
}

// nextLine reads a line, which is valid until the next is read, and says io.EOF with the last. Long ones use
// the memory at long.
func nextLine(text *bufio.Reader, long *[]byte, most int) ([]byte, error) {
	*long = (*long)[:0]
	for {
		piece, err := text.ReadSlice('\n')
		if len(*long)+len(piece) > most {
			return nil, &lineError{fmt.Errorf("it is longer than %d bytes", most)}
		}
		if len(*long) == 0 && !errors.Is(err, bufio.ErrBufferFull) {
			return piece, err
		}
		*long = append(*long, piece...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return *long, err
		}
	}
}
