package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/go-json-experiment/json/jsontext"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// JSONLOptions are what is known of files that have a JSON object on each line.
type JSONLOptions struct {
	URI    []string // of files, or globs of them
	Nested string   // json: objects and arrays are text in JSON; flatten: the fields of objects are columns a.b.c; "" is json
}

// Check says what cannot be meant, as a failure of kind Config, before a file is looked at.
func (o JSONLOptions) Check() error {
	if o.Nested != "" && o.Nested != nestedJSON && o.Nested != nestedFlatten {
		return failure.New(failure.Config, "jsonl: nested is %q", o.Nested).WithHint("nested is json or flatten")
	}
	return nil
}

const (
	nestedJSON    = "json"
	nestedFlatten = "flatten"
)

// jsonlSource reads files of JSON lines.
type jsonlSource struct {
	options JSONLOptions
	files   textFiles
	seen    map[string]bool // keys of the sample
}

// NewJSONL reads the files that the options name, in the order of their URIs. Keys that a line does not have are NULL; a key with a
// value that is neither in the schema nor in the sample is a reject. What cannot be meant by the options is the error of the
// source's methods, as of [JSONLOptions.Check].
func NewJSONL(options JSONLOptions) Source {
	return &jsonlSource{options: options, files: textFiles{patterns: options.URI}}
}

// Close implements [Source].
func (j *jsonlSource) Close() error { return nil }

func (j *jsonlSource) flattens() bool { return j.options.Nested == nestedFlatten }

// Columns implements [Source]: the keys are in the order in which they appear in the sample.
func (j *jsonlSource) Columns(ctx context.Context) (*arrow.Schema, error) {
	if err := j.options.Check(); err != nil {
		return nil, err
	}
	files, err := j.files.list(ctx)
	if err != nil {
		return nil, err
	}
	sample := newTexts(0)
	keys := &sampledKeys{texts: sample, index: map[string]int{}}
	reader := newJSONRowReader(j.flattens(), "line", keys, sample)
	for _, info := range files {
		if err := j.sample(ctx, info, reader, len(files)); err != nil {
			return nil, err
		}
		if len(keys.names) > maxFields {
			return nil, failure.New(failure.Source, "the lines up to those of %s have more than %d keys", info.URI, maxFields).
				WithHint("keys that are data, such as dates, belong in an object: use nested: json").BeforeData()
		}
	}
	const hint = "each line must be one JSON object: an array is made so by jq -c '.[]'"
	if err := sample.checkReadable(hint); err != nil {
		return nil, err
	}
	j.seen = keys.seen()
	return keys.infer(j.flattens())
}

// sample adds rows from the beginning of a file, until its share of the sample is full.
func (j *jsonlSource) sample(ctx context.Context, info storage.Info, reader *jsonRowReader, files int) (err error) {
	text, err := j.files.open(ctx, info)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	lines := newLineScanner(text, info.URI)
	rows, size := sampleShare(files)
	t := reader.texts
	for before := t.bytes; rows > 0 && t.bytes-before < size && t.bytes < 2*sampleBytes; rows-- {
		found, err := lines.scan()
		if !found || err != nil {
			return err
		}
		if !lines.tooLong && len(bytes.TrimSpace(lines.line)) > 0 {
			reader.add(info.URI, lines.number, lines.line)
		}
	}
	return nil
}

// Read implements [Source].
func (j *jsonlSource) Read(ctx context.Context, schema *arrow.Schema, sink Sink) (Said, error) {
	if err := j.options.Check(); err != nil {
		return Said{}, err
	}
	files, err := j.files.list(ctx)
	if err != nil {
		return Said{}, err
	}
	reader, err := newTextReader(schema)
	if err != nil {
		return Said{}, err
	}
	keys := newPinnedKeys(schema, j.seen)
	var rows int64
	err = deliver(ctx, sink, func(give func(func() (delivery, error)) error) error {
		for _, info := range files {
			n, err := j.readFile(ctx, info, func(c jsonChunk) error {
				return give(func() (delivery, error) { return c.convert(reader, keys, j.flattens()) })
			})
			rows += n
			if err != nil {
				return err
			}
		}
		return nil
	})
	return j.files.said(rows, "lines"), err
}

// jsonChunk is some lines of a file, or records of a page.
type jsonChunk struct {
	file  string
	unit  string // line or record
	text  []byte
	lines []jsonLine
}

// jsonLine is where a line stands in the text of its chunk.
type jsonLine struct {
	number     int64
	start, end int
	tooLong    bool
}

// readFile cuts a file into lines, gives them on in chunks, and counts them.
func (j *jsonlSource) readFile(ctx context.Context, info storage.Info, give func(jsonChunk) error) (rows int64, err error) {
	text, err := j.files.open(ctx, info)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	scanner := newLineScanner(text, info.URI)
	for more := true; more; {
		c := jsonChunk{file: info.URI, unit: "line"}
		if more, err = c.fill(scanner); err != nil {
			return rows, err
		}
		rows += int64(len(c.lines))
		if err := give(c); err != nil {
			return rows, err
		}
	}
	return rows, text.check(ctx)
}

// fill adds lines until the chunk is full; more says whether the text may have further ones. Lines that hold nothing are no rows.
func (c *jsonChunk) fill(scanner *lineScanner) (more bool, err error) {
	c.text = make([]byte, 0, chunkBytes)
	for len(c.lines) < chunkRows && len(c.text) < chunkBytes {
		found, err := scanner.scan()
		if !found || err != nil {
			return false, err
		}
		if !scanner.tooLong && len(bytes.TrimSpace(scanner.line)) == 0 {
			continue
		}
		start := len(c.text)
		c.text = append(c.text, scanner.line...)
		c.lines = append(c.lines, jsonLine{scanner.number, start, len(c.text), scanner.tooLong})
	}
	return true, nil
}

// convert makes rows of lines.
func (c jsonChunk) convert(reader *textReader, keys pinnedKeys, flatten bool) (delivery, error) {
	t := newTexts(reader.pinned.NumFields())
	rows := newJSONRowReader(flatten, c.unit, keys, t)
	for _, line := range c.lines {
		if line.tooLong {
			t.rejects = append(t.rejects, Reject{
				File: c.file, Line: line.number, Rule: flawTooLong.rule, Reason: fmt.Sprintf("the line is longer than %d MiB", maxRow>>20),
			})
			continue
		}
		rows.add(c.file, line.number, c.text[line.start:line.end])
	}
	return reader.deliver(c.file, t)
}

// pinnedKeys are the keys of a pinned schema. Safe for concurrent use.
type pinnedKeys struct {
	index map[string]int // columns; negative for keys that are left out
}

// newPinnedKeys knows the columns of a schema, and leaves out the other keys that were seen in the sample, of which it was decided that
// the schema is without them.
func newPinnedKeys(schema *arrow.Schema, seen map[string]bool) pinnedKeys {
	index := make(map[string]int, len(seen))
	for name := range seen {
		index[name] = -1
	}
	for i, field := range schema.Fields() {
		index[field.Name] = i
	}
	return pinnedKeys{index}
}

func (k pinnedKeys) column(key []byte, kind jsontext.Kind) (int, *jsonRowError) {
	at, known := k.index[string(key)]
	if known {
		return at, nil
	}
	if kind == 'n' { // of which nothing is lost
		return -1, nil
	}
	return -1, &jsonRowError{rule: "unknown key", column: shown(string(key)),
		reason: "the key is no column, for the sample that they were found by did not have it: name it in columns, with on_drift: union"}
}

// sampledKeys are the keys of a sample, each with what its values were.
type sampledKeys struct {
	texts *texts
	names []string
	of    []evidence
	index map[string]int
}

func (k *sampledKeys) column(key []byte, kind jsontext.Kind) (int, *jsonRowError) {
	at, known := k.index[string(key)]
	if !known {
		if len(k.names) > maxFields {
			return -1, nil
		}
		at = len(k.names)
		k.index[string(key)] = at
		k.names, k.of = append(k.names, string(key)), append(k.of, ofAnything)
		k.texts.columns = append(k.texts.columns, textColumn{})
	}
	k.of[at] = k.of[at].and(evidenceOf(kind))
	return at, nil
}

// seen are the keys.
func (k *sampledKeys) seen() map[string]bool {
	seen := make(map[string]bool, len(k.names))
	for _, name := range k.names {
		seen[name] = true
	}
	return seen
}

func evidenceOf(kind jsontext.Kind) evidence {
	switch kind {
	case 'n':
		return ofAnything
	case '"':
		return ofText
	case '0':
		return ofNumbers
	case 't', 'f':
		return ofBooleans
	}
	return ofSeveral
}

// infer finds the types. Of objects that are flattened, a key that was only NULL where it has fields elsewhere is none.
func (k *sampledKeys) infer(flatten bool) (*arrow.Schema, error) {
	schema, err := inferAll(k.names, k.texts, func(column int) evidence { return k.of[column] })
	if err != nil {
		return nil, err
	}
	var fields []arrow.Field
	for i, field := range schema.Fields() {
		if !flatten || k.of[i] != ofAnything || !k.isBranch(field.Name) {
			fields = append(fields, field)
		}
	}
	return arrow.NewSchema(fields, nil), nil
}

func (k *sampledKeys) isBranch(name string) bool {
	for _, other := range k.names {
		if strings.HasPrefix(other, name+".") {
			return true
		}
	}
	return false
}
