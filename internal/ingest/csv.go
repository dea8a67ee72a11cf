package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

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
			sample = newTexts(len(c.first.names), nil)
		}
		err = f.sample(c.first.names, sample, len(files))
		if err := errors.Join(err, f.Close()); err != nil {
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
	var rows int64
	err = deliver(ctx, sink, func(give func(func() (delivery, error)) error) error {
		for _, info := range files {
			n, err := c.readFile(ctx, info, reader, give)
			rows += n
			if err != nil {
				return err
			}
		}
		return nil
	})
	return c.files.said(rows, "rows"), err
}

// csvFile is a file whose header has been read.
type csvFile struct {
	*textFile
	scanner *csvScanner
	nulls   [][]byte
	header  []string
	blank   int64 // lines that hold nothing
}

// open opens a file and reads its header. A file whose columns are not those of the first is refused.
func (c *csvSource) open(ctx context.Context, info storage.Info) (*csvFile, error) {
	text, err := c.files.open(ctx, info)
	if err != nil {
		return nil, err
	}
	f := &csvFile{textFile: text, scanner: newCSVScanner(text, info.URI, c.dialect), nulls: c.options.nulls(), header: c.options.Names}
	if c.options.Header {
		f.header, err = f.readHeader()
	}
	if err == nil {
		f.scanner.rows, f.scanner.most = 0, len(f.header)
		err = c.first.check(f.header, f.name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
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
			return nil, failure.New(failure.Source, "%s has no header: it is empty", f.name).
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
		return nil, failure.New(failure.Source, "%s, line %d: the header cannot be read: %s", f.name, row.line, flaw.reason).
			WithHint("check delimiter, quote and encoding").BeforeData()
	}
	if row.count > len(row.fields) {
		return nil, failure.New(failure.Source, "%s has more than %d columns", f.name, len(row.fields)).
			WithHint("check delimiter and quote").BeforeData()
	}
	names := make([]string, len(row.fields))
	for i, field := range row.fields {
		names[i] = string(f.scanner.value(nil, field))
	}
	return names, checkNames(names, f.name)
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
	kept := func(int) bool { return false }
	for before := sample.bytes; rows > 0 && sample.bytes-before < size && sample.bytes < 2*sampleBytes; rows-- {
		found, err := f.scanner.scan()
		if !found || err != nil {
			return err
		}
		if f.isBlank() {
			continue
		}
		if flaw := f.flaw(); flaw != nil {
			f.reject(sample, flaw)
			continue
		}
		f.add(sample, targets, kept)
	}
	return nil
}

// targetsOf says for every value of a row to which column it goes; negative for none.
func targetsOf(header []string, column func(name string) int) []int {
	targets := make([]int, len(header))
	for i, name := range header {
		targets[i] = column(name)
	}
	return targets
}

// isBlank says whether the line holds nothing, which is no row, unless a row has one value.
func (f *csvFile) isBlank() bool {
	row := &f.scanner.row
	return row.flaw == nil && len(row.text) == 0 && len(f.header) > 1
}

// flaw is why the row that was scanned cannot be read.
func (f *csvFile) flaw() *csvFlaw {
	row := &f.scanner.row
	switch {
	case row.flaw != nil:
		return row.flaw
	case row.count != len(f.header):
		return &csvFlaw{"columns", fmt.Sprintf("the row has %d values, but there are %d columns", row.count, len(f.header))}
	}
	return f.notText(row.text)
}

var replacement = []byte(string(utf8.RuneError))

// notText is what is wrong with bytes that are no text.
func (f *csvFile) notText(text []byte) *csvFlaw {
	switch {
	case f.replace && bytes.Contains(text, replacement):
		return &csvFlaw{"encoding", "the row has bytes that are not of the encoding, or the character U+FFFD that stands for such"}
	case !utf8.Valid(text):
		return &csvFlaw{"encoding", "the row has bytes that are not UTF-8: say encoding if it is another, such as windows-1252"}
	}
	return nil
}

// add adds the row that was scanned. Texts that stand for NULL are NULL if they are not quoted; keepsEmpty says which columns
// have empty texts that are quoted.
func (f *csvFile) add(t *texts, targets []int, keepsEmpty func(column int) bool) {
	row := &f.scanner.row
	for i, field := range row.fields {
		if targets[i] < 0 {
			continue
		}
		column := &t.columns[targets[i]]
		raw := row.text[field.start:field.end]
		switch {
		case len(raw) == 0 && !keepsEmpty(targets[i]), !field.quoted && f.isNull(raw):
			column.appendNull()
		default:
			column.begin(true)
			column.data = f.scanner.value(column.data, field)
		}
	}
	t.lines = append(t.lines, row.line)
	t.bytes += len(row.text)
}

func (f *csvFile) isNull(raw []byte) bool {
	for _, null := range f.nulls {
		if bytes.Equal(raw, null) {
			return true
		}
	}
	return false
}

// readFile gives all rows of a file, and says how many they are.
func (c *csvSource) readFile(
	ctx context.Context, info storage.Info, reader *textReader, give func(func() (delivery, error)) error,
) (rows int64, err error) {
	f, err := c.open(ctx, info)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	targets := targetsOf(f.header, func(name string) int { return firstOf(reader.pinned.FieldIndices(name)) })
	absent := absentColumns(reader.pinned.NumFields(), targets)
	var before *texts
	for {
		t := newTexts(reader.pinned.NumFields(), before)
		if err := f.fill(t, targets, reader.isText); err != nil {
			return 0, err
		}
		if t.empty() {
			return f.rows(), f.check(ctx)
		}
		for _, column := range absent {
			t.columns[column].padTo(len(t.lines))
		}
		if err := give(func() (delivery, error) { return reader.deliver(f.name, t) }); err != nil {
			return 0, err
		}
		before = t
	}
}

// rows is how many rows the file had until now, by count of what was scanned.
func (f *csvFile) rows() int64 { return f.scanner.rows - f.blank }

// fill reads rows until the texts are full, or the file is at its end.
func (f *csvFile) fill(t *texts, targets []int, keepsEmpty func(column int) bool) error {
	for !t.full() {
		found, err := f.scanner.scan()
		if !found || err != nil {
			return err
		}
		if f.isBlank() {
			f.blank++
			continue
		}
		if flaw := f.flaw(); flaw != nil {
			f.reject(t, flaw)
			continue
		}
		f.add(t, targets, keepsEmpty)
	}
	return nil
}

func firstOf(indexes []int) int {
	if len(indexes) == 0 {
		return -1
	}
	return indexes[0]
}

// absentColumns are those that no value goes to.
func absentColumns(columns int, targets []int) (absent []int) {
	for i := range columns {
		if !slices.Contains(targets, i) {
			absent = append(absent, i)
		}
	}
	return absent
}

// reject notes the row that was scanned, with as many of its values as there are columns for.
func (f *csvFile) reject(t *texts, flaw *csvFlaw) {
	row := &f.scanner.row
	values := make(map[string]string, len(f.header))
	if flaw.rule == "columns" {
		for i, field := range row.fields[:min(len(row.fields), len(f.header))] {
			values[f.header[i]] = shown(strings.ToValidUTF8(string(f.scanner.value(nil, field)), string(utf8.RuneError)))
		}
	}
	t.rejects = append(t.rejects, Reject{File: f.name, Line: row.line, Reason: flaw.reason, Rule: flaw.rule, Values: values})
	t.bytes += len(row.text)
}

// value appends the text that a field stands for.
func (s *csvScanner) value(dst []byte, field csvField) []byte {
	raw := s.row.text[field.start:field.end]
	if !field.doubled {
		return append(dst, raw...)
	}
	for {
		i := bytes.IndexByte(raw, s.quote)
		if i < 0 {
			return append(dst, raw...)
		}
		dst, raw = append(dst, raw[:i+1]...), raw[i+2:]
	}
}
