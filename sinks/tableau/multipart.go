package tableau

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"strings"
	"sync"
)

// The parts of a publishing request. The name of the file is always the same and in
// ASCII, and its end tells the type, which is added; the real name stands in the XML.
const (
	partRequest    = "request_payload"
	partDatasource = "tableau_datasource"
	partChunk      = "tableau_file"
	fileName       = "extract"
	chunkName      = "file"
)

// fileRange is the part of a file that one request sends.
type fileRange struct {
	source io.ReaderAt
	offset int64
	size   int64
	meter  *meter

	mu  sync.Mutex // the transport may still read after it gave up a request
	err error
}

// open returns a reader from the start of the range.
func (f *fileRange) open() io.Reader {
	f.mu.Lock()
	f.err = nil
	f.mu.Unlock()
	return &rangeReader{file: f, section: io.NewSectionReader(f.source, f.offset, f.size), sent: f.meter.begin(f.offset)}
}

func (f *fileRange) failed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

type rangeReader struct {
	file    *fileRange
	section *io.SectionReader
	done    int64
	sent    func(int64)
}

func (r *rangeReader) Read(p []byte) (int, error) {
	n, err := r.section.Read(p)
	r.done += int64(n)
	if errors.Is(err, io.EOF) && r.done < r.file.size {
		err = fmt.Errorf("the file became shorter while it was sent: %w", io.ErrUnexpectedEOF)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		r.file.mu.Lock()
		r.file.err = err
		r.file.mu.Unlock()
	}
	if n > 0 {
		r.sent(r.done)
	}
	return n, err
}

// multipartBody makes a body of an XML part and, if file is not nil, of a part with a
// range of a file, which is read while it is sent.
func multipartBody(content []byte, part, name string, file *fileRange) (*body, error) {
	var text bytes.Buffer
	writer := multipart.NewWriter(&text)
	if err := writePart(writer, fmt.Sprintf(`form-data; name="%s"`, partRequest), "text/xml", content); err != nil {
		return nil, err
	}
	if file != nil {
		if err := writePart(writer, fmt.Sprintf(`form-data; name="%s"; filename="%s"`, part, name), "application/octet-stream", nil); err != nil {
			return nil, err
		}
	}
	head := text.Len()
	if err := writer.Close(); err != nil {
		return nil, err
	}
	before, after := text.String()[:head], text.String()[head:]
	made := &body{
		contentType: "multipart/mixed; boundary=" + writer.Boundary(),
		size:        int64(text.Len()),
		failed:      func() error { return nil },
	}
	if file == nil {
		made.open = func() io.ReadCloser { return io.NopCloser(strings.NewReader(before + after)) }
		return made, nil
	}
	made.size += file.size
	made.failed = file.failed
	made.open = func() io.ReadCloser {
		return io.NopCloser(io.MultiReader(strings.NewReader(before), file.open(), strings.NewReader(after)))
	}
	return made, nil
}

func writePart(writer *multipart.Writer, disposition, contentType string, content []byte) error {
	part, err := writer.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition}, "Content-Type": {contentType}})
	if err != nil {
		return err
	}
	_, err = part.Write(content)
	return err
}

// meter tells how many bytes of a file were sent.
type meter struct {
	total  int64
	report func(sent, total int64) // nil: nobody wants to know

	mu      sync.Mutex
	reading int // number of the reader that counts; earlier ones were given up
}

// begin starts a reader at an offset of the file.
func (m *meter) begin(offset int64) func(done int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reading++
	mine := m.reading
	return func(done int64) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if mine == m.reading && m.report != nil {
			m.report(offset+done, m.total)
		}
	}
}
