package xlsx

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"hyperlake/internal/failure"
)

const (
	maxToken   = 4 << 20 // bytes of one name with its attributes, or of one text, of which a cell of Excel has 32,767 characters
	maxDepth   = 256     // elements within each other
	readBuffer = 64 << 10
)

var errTooLarge = errors.New("it is larger than any that spreadsheet programs write")

// parser reads the XML of a part as a stream. Memory is bounded by the longest token, and by how deep elements may stand in each other.
type parser struct {
	decoder *xml.Decoder
	bounded *boundedReader
	source  io.ReadCloser
	book    string // for people
	part    string
	depth   int
}

// open opens a part that may have so many bytes; any number if most is 0.
func (w *Workbook) open(part string, most int64) (*parser, error) {
	found := w.parts[part]
	p := &parser{book: w.name, part: part}
	if found == nil {
		return nil, p.damaged(errors.New("it is missing"))
	}
	source, err := found.Open()
	if err != nil {
		return nil, p.failed(err)
	}
	p.source, p.bounded = source, &boundedReader{source: source, total: most, stopped: w.stopped}
	p.decoder = xml.NewDecoder(bufio.NewReaderSize(p.bounded, readBuffer))
	return p, nil
}

// close ends reading. What is wrong with the part was told while it was read.
func (p *parser) close() { _ = p.source.Close() }

// next is the next token, valid until the one after it; io.EOF behind the last, if the part is whole.
func (p *parser) next() (xml.Token, error) {
	p.bounded.left = maxToken
	token, err := p.decoder.Token()
	if errors.Is(err, io.EOF) && errors.Unwrap(err) == nil {
		return nil, io.EOF
	}
	if err != nil {
		return nil, p.failed(err)
	}
	switch token.(type) {
	case xml.StartElement:
		if p.depth++; p.depth > maxDepth {
			return nil, p.damaged(errors.New("its elements stand too deep in each other"))
		}
	case xml.EndElement:
		p.depth--
	}
	return token, nil
}

// each calls a function for the beginning of every element.
func (p *parser) each(use func(start element) error) error {
	for {
		token, err := p.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok {
			if err := use(element{start}); err != nil {
				return err
			}
		}
	}
}

// skip reads to the end of the element that has begun.
func (p *parser) skip() error {
	for depth := p.depth; p.depth >= depth; {
		if _, err := p.next(); err != nil {
			return p.cut(err)
		}
	}
	return nil
}

// cut says of an end that comes within an element that the part is cut off.
func (p *parser) cut(err error) error {
	if errors.Is(err, io.EOF) {
		return p.damaged(io.ErrUnexpectedEOF)
	}
	return err
}

// failed tells damaged parts from storage that fails, whose errors stay as they are.
func (p *parser) failed(err error) error {
	var syntax *xml.SyntaxError
	var corrupt flate.CorruptInputError
	if errors.As(err, &syntax) || errors.As(err, &corrupt) || errors.Is(err, errTooLarge) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrAlgorithm) {
		return p.damaged(err)
	}
	return fmt.Errorf("its part %s: %w", p.part, err)
}

func (p *parser) damaged(err error) error {
	return failure.New(failure.Source, "%s: its part %s is damaged: %w", p.book, p.part, err).
		WithHint("open it in a spreadsheet program, and save it again; or have it written again")
}

// element is the beginning of one.
type element struct{ xml.StartElement }

// value is that of an attribute without a prefix.
func (e element) value(name string) string {
	for _, attribute := range e.Attr {
		if attribute.Name.Local == name && attribute.Name.Space == "" {
			return attribute.Value
		}
	}
	return ""
}

// foreign is the value of an attribute with a prefix.
func (e element) foreign(name string) string {
	for _, attribute := range e.Attr {
		if attribute.Name.Local == name && attribute.Name.Space != "" {
			return attribute.Value
		}
	}
	return ""
}

// boundedReader fails when one token, or the whole, is larger than it may be.
type boundedReader struct {
	source io.Reader
	left   int   // of the token
	total  int64 // of the whole; none if it was 0
	read   int64

	stopped func() error
}

func (b *boundedReader) Read(to []byte) (int, error) {
	if b.left <= 0 || b.total > 0 && b.read > b.total {
		return 0, errTooLarge
	}
	if err := b.stopped(); err != nil {
		return 0, err
	}
	n, err := b.source.Read(to)
	b.left -= n
	b.read += int64(n)
	return n, err
}

// boundedReaderAt fails when more is read than may be, unless left is negative.
type boundedReaderAt struct {
	io.ReaderAt
	left int
}

func (b *boundedReaderAt) ReadAt(to []byte, at int64) (int, error) {
	if b.left >= 0 {
		if b.left -= len(to); b.left < 0 {
			b.left = 0
			return 0, errTooLarge
		}
	}
	return b.ReaderAt.ReadAt(to, at)
}
