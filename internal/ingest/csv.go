package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// csvSource reads CSV files.
type csvSource struct {
	options CSVOptions
	dialect csvDialect
	files   textFiles
	first   firstHeader
}

// NewCSV reads the files that the options name, in the order of their URIs: all have the same columns, in any order. What
// cannot be meant by the options is the error of the source's methods, as of [CSVOptions.Check].
func NewCSV(options CSVOptions) Source {
	return &csvSource{options: options, dialect: options.dialect(),
		files: textFiles{patterns: options.URI, compression: options.Compression, encoding: options.Encoding}}
}

// Close implements [Source].
func (c *csvSource) Close() error { return nil }

// Columns implements [Source]: it reads the header of every file, and rows from the beginning of each until the sample is full.
func (c *csvSource) Columns(ctx context.Context) (*arrow.Schema, error) {
	if err := c.options.Check(); err != nil {
		return nil, err
	}
	files, err := c.files.list(ctx)
	if err != nil {
		return nil, err
	}
	var sample *texts
	for _, info := range files {
		f, err := c.open(ctx, info)
		if err != nil {
			return nil, err
		}
		if sample == nil {
			sample = newTexts(len(c.first.names))
		}
		err = f.sample(c.first.names, sample, len(files))
		if err := errors.Join(err, f.text.Close()); err != nil {
			return nil, err
		}
	}
	if err := sample.checkReadable("check delimiter, quote and header"); err != nil {
		return nil, err
	}
	return inferAll(c.first.names, sample, func(int) evidence { return ofAnything })
}

// Read implements [Source]. A column of the schema that the files do not have is NULL; one of the files that the schema does not
// have is left out.
func (c *csvSource) Read(ctx context.Context, schema *arrow.Schema, sink Sink) (Said, error) {
	if err := c.options.Check(); err != nil {
		return Said{}, err
	}
	files, err := c.files.list(ctx)
	if err != nil {
		return Said{}, err
	}
	reader, err := newTextReader(schema)
	if err != nil {
		return Said{}, err
	}
	var rows atomic.Int64
	err = deliver(ctx, sink, func(give func(func() (delivery, error)) error) error {
		for _, info := range files {
			err := c.readFile(ctx, info, func(f *csvFile, b csvBlock) error {
				return give(func() (delivery, error) {
					read, n, err := f.read(b, reader)
					if err != nil {
						return delivery{}, err
					}
					rows.Add(n)
					return reader.finish(read)
				})
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return c.files.said(rows.Load(), "rows"), err
}

// readFile cuts a file into blocks.
func (c *csvSource) readFile(ctx context.Context, info storage.Info, give func(*csvFile, csvBlock) error) (err error) {
	f, err := c.open(ctx, info)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.text.Close()) }()
	for {
		b, found, err := f.scanner.block()
		if err != nil {
			return err
		}
		if !found {
			return f.text.check(ctx)
		}
		if err := give(f, b); err != nil {
			return err
		}
	}
}

// csvFile is a file whose header has been read.
type csvFile struct {
	csvReader
	text *textFile
}

// open opens a file and reads its header. A file whose columns are not those of the first is refused.
func (c *csvSource) open(ctx context.Context, info storage.Info) (*csvFile, error) {
	text, err := c.files.open(ctx, info)
	if err != nil {
		return nil, err
	}
	scanner := newCSVScanner(text, text.name, c.dialect)
	f := &csvFile{csvReader{scanner: scanner, replace: text.replace, header: c.options.Names, nulls: c.options.nulls()}, text}
	for _, null := range f.nulls {
		f.longestNull = max(f.longestNull, len(null))
	}
	if c.options.Header {
		f.header, err = f.readHeader()
	}
	if err == nil {
		f.scanner.most = len(f.header)
		err = c.first.check(f.header, f.scanner.name)
	}
	if err != nil {
		return nil, errors.Join(err, f.text.Close())
	}
	return f, nil
}

func (f *csvFile) readHeader() ([]string, error) {
	row := &f.scanner.row
	for {
		found, err := f.scanner.scan()
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, failure.New(failure.Source, "%s has no header: it is empty", f.scanner.name).
				WithHint("take it away, or give it a header; if its files never have one, say header: false and names").BeforeData()
		}
		if row.flaw != nil || len(row.text) > 0 {
			break
		}
	}
	flaw := row.flaw
	if flaw == nil {
		flaw = f.notText(row.text)
	}
	if flaw != nil {
		return nil, failure.New(failure.Source, "%s, line %d: the header cannot be read: %s", f.scanner.name, row.line, flaw.reason).
			WithHint("check delimiter, quote and encoding").BeforeData()
	}
	if row.count > len(row.fields) {
		return nil, failure.New(failure.Source, "%s has more than %d columns", f.scanner.name, len(row.fields)).
			WithHint("check delimiter and quote").BeforeData()
	}
	names := make([]string, len(row.fields))
	for i, field := range row.fields {
		names[i] = f.scanner.text(field)
	}
	return names, checkNames(names, f.scanner.name)
}

// checkNames refuses columns without a name, and names that several have.
func checkNames(names []string, where string) error {
	for i, name := range names {
		if name == "" {
			return failure.New(failure.Source, "%s: column %d has no name", where, i+1).WithHint("name it in the header").BeforeData()
		}
		if slices.Contains(names[:i], name) {
			return failure.New(failure.Source, "%s: two columns are named %q", where, name).WithHint("give one of them another name").BeforeData()
		}
	}
	return nil
}

// firstHeader is the header of the first file that was looked at.
type firstHeader struct {
	names []string
	of    string // which file that was
}

// check holds the columns of a file against those of the first.
func (h *firstHeader) check(header []string, name string) error {
	if h.names == nil {
		h.names, h.of = header, name
		return nil
	}
	var differ []string
	for _, name := range h.names {
		if !slices.Contains(header, name) {
			differ = append(differ, fmt.Sprintf("%q is missing", name))
		}
	}
	for _, name := range header {
		if !slices.Contains(h.names, name) {
			differ = append(differ, fmt.Sprintf("%q is more", name))
		}
	}
	if len(differ) == 0 {
		return nil
	}
	return failure.New(failure.Source, "%s has other columns than %s: %s", name, h.of, strings.Join(differ, ", ")).
		WithHint("ingest files of different columns by entries of their own").BeforeData()
}

// sample adds rows from the beginning of the file, until its share of a sample is full.
func (f *csvFile) sample(names []string, sample *texts, files int) error {
	rows, size := sampleShare(files)
	targets := targetsOf(f.header, func(name string) int { return slices.Index(names, name) })
	for before := sample.bytes; rows > 0 && sample.bytes-before < size && sample.bytes < 2*sampleBytes; rows-- {
		found, err := f.scanner.scan()
		if !found || err != nil {
			return err
		}
		if f.isBlank() {
			continue
		}
		if flaw := f.flaw(); flaw != nil {
			sample.rejects = append(sample.rejects, f.reject(flaw))
		} else {
			f.add(sample, targets)
		}
		sample.bytes += len(f.scanner.row.text)
	}
	return nil
}

// add adds the row that was scanned.
func (f *csvFile) add(sample *texts, targets []int) {
	for i, field := range f.scanner.row.fields {
		if text, ok := f.value(field, false); ok {
			sample.columns[targets[i]].append([]byte(text))
		} else {
			sample.columns[targets[i]].appendNull()
		}
	}
	sample.lines = append(sample.lines, f.scanner.row.line)
}
