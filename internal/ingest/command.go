package ingest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
)

// CommandOptions say which program is run, and what it writes to stdout.
type CommandOptions struct {
	Run         []string      // the program and its arguments; no shell
	Folder      string        // where it runs
	Format      string        // jsonl, csv (with a header) or arrow, an IPC stream
	Nested      string        // of jsonl, as of JSONLOptions
	Timeout     time.Duration // after which it is killed; 0 is none
	Environment []string      // variables that it gets beside those of all programs
	Log         *slog.Logger  // is told what it says on stderr
}

// Formats of the output of a program.
const (
	FormatJSONL = "jsonl"
	FormatCSV   = "csv"
	FormatArrow = "arrow"
)

// NewCommand returns the source that the output of a program is. The program starts when its columns are asked for, once, and is part of
// the same run of it: what it wrote by then is kept. Where it fails, so does the source, whatever it has written.
func NewCommand(options CommandOptions) Source {
	text := &programText{name: options.Run[0], options: options}
	files := textFiles{program: text}
	switch options.Format {
	case FormatCSV:
		csv := CSVOptions{Header: true}
		return &commandSource{&csvSource{options: csv, dialect: csv.dialect(), files: files}, text}
	case FormatArrow:
		return &commandSource{&arrowSource{text: text}, text}
	}
	return &commandSource{&jsonlSource{options: JSONLOptions{Nested: options.Nested}, files: files}, text}
}

// commandSource is a source of what a program writes.
type commandSource struct {
	Source
	text *programText
}

// Columns implements [Source]: it starts the program.
func (c *commandSource) Columns(ctx context.Context) (*arrow.Schema, error) {
	if err := c.text.start(ctx); err != nil {
		return nil, err
	}
	schema, err := c.Source.Columns(ctx)
	return schema, c.text.reasonOf(err)
}

// Read implements [Source].
func (c *commandSource) Read(ctx context.Context, schema *arrow.Schema, sink Sink) (Said, error) {
	if err := c.text.start(ctx); err != nil {
		return Said{}, err
	}
	said, err := c.Source.Read(ctx, schema, sink)
	return said, c.text.reasonOf(err)
}

// Close implements [Source]: the program ends, if it still runs.
func (c *commandSource) Close() error {
	err := c.Source.Close()
	c.text.kill()
	return err
}

// programText is what a program writes, which can be read from its beginning again as long as only a sample was read. It is for one
// goroutine.
type programText struct {
	name    string
	options CommandOptions

	program *program // nil before it is started
	kept    bytes.Buffer
	ended   bool // its output was read to the end
}

// start starts the program, unless it was started. It runs on when ctx ends that is only for a sample: kill ends it.
func (p *programText) start(ctx context.Context) error {
	if p.program != nil {
		return nil
	}
	var err error
	p.program, err = startProgram(ctx, &p.options)
	return err
}

// open reads from the beginning, in an encoding. What is read is kept until it is opened for the second time.
func (p *programText) open(encoding string) (*textFile, error) {
	t := &textFile{name: p.name, check: func(context.Context) error { return p.end() }}
	var err error
	t.Reader, t.replace, err = decodeText(p.reader(), encoding)
	return t, err
}

// reader reads from the beginning, and keeps what it reads for the next reader, unless it is that.
func (p *programText) reader() io.Reader {
	source := readerFunc(func(buffer []byte) (int, error) {
		if p.ended { // and perhaps closed
			return 0, io.EOF
		}
		n, err := p.program.stdout.Read(buffer)
		p.ended = p.ended || errors.Is(err, io.EOF)
		return n, err
	})
	if p.kept.Len() > 0 || p.ended {
		return io.MultiReader(&p.kept, source)
	}
	return io.TeeReader(source, &p.kept)
}

type readerFunc func([]byte) (int, error)

// Read is that of io.Reader.
func (f readerFunc) Read(buffer []byte) (int, error) { return f(buffer) }

// end waits for the program, whose output was read to the end.
func (p *programText) end() error { return p.program.Wait() }

// reasonOf is why reading failed: the failure of the program, where it has ended with one, whatever was made of its output.
func (p *programText) reasonOf(err error) error {
	if p.ended {
		if failed := p.program.Wait(); failed != nil {
			return failed
		}
	}
	return err
}

// kill ends the program, if it runs.
func (p *programText) kill() {
	if p.program != nil {
		p.program.Kill()
	}
}

// arrowSource reads what a program writes as an Arrow stream.
type arrowSource struct {
	text   *programText
	stream *arrowStream // nil before it is opened
}

func (a *arrowSource) open() (err error) {
	if a.stream == nil {
		a.stream, err = openArrow(a.text.reader())
		a.text.kept = bytes.Buffer{} // the stream goes on where it is
	}
	return err
}

// Columns implements [Source].
func (a *arrowSource) Columns(context.Context) (*arrow.Schema, error) {
	if err := a.open(); err != nil {
		return nil, err
	}
	return a.stream.reader.Schema(), nil
}

// Read implements [Source].
func (a *arrowSource) Read(ctx context.Context, schema *arrow.Schema, sink Sink) (Said, error) {
	if err := a.open(); err != nil {
		return Said{}, err
	}
	columns, err := placesOf(a.stream.reader.Schema(), schema)
	if err != nil {
		return Said{}, err
	}
	err = a.stream.each(ctx, func(rows arrow.Record) error {
		picked := pick(rows, columns, schema)
		defer picked.Release()
		return sink.Batch(ctx, picked)
	})
	if err == nil {
		err = a.text.end()
	}
	return Said{Rows: a.stream.rows, By: "the batches of " + a.text.name}, err
}

// Close implements [Source].
func (a *arrowSource) Close() error {
	if a.stream != nil {
		a.stream.reader.Release()
	}
	return nil
}

// placesOf are the columns of a stream that a schema asks for.
func placesOf(stream, schema *arrow.Schema) ([]int, error) {
	var places []int
	for _, field := range schema.Fields() {
		at := stream.FieldIndices(field.Name)
		if len(at) != 1 || !arrow.TypeEqual(stream.Field(at[0]).Type, field.Type) {
			return nil, failure.New(failure.Source, "the stream has no column %q of type %s", field.Name, field.Type)
		}
		places = append(places, at[0])
	}
	return places, nil
}
