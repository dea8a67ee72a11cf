package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"

	"hyperlake/internal/failure"
	"hyperlake/internal/storage"
)

// detectBytes is how much of a file is looked at to find how it is written.
const detectBytes = 1 << 20

// commonDelimiters are those that are looked for; of equally good ones the first is taken.
var commonDelimiters = []string{",", ";", "\t", "|"}

// otherEncoding is taken for that of text that is not UTF-8: most such files are of programs of Windows in western Europe. No text can
// prove it, for nearly all bytes mean something in it.
const otherEncoding = "windows-1252"

// DetectCSV finds how CSV files are written by the beginning of the first of them, for somebody to look at: the delimiter by which most
// rows have as many values as the first one, whether that names the columns, and the encoding where it is not UTF-8. Files without
// a header get the names column_1, column_2 and so on. uri are files, or globs of them. Failures are of kind Source, or of kind Config
// where no storage is for them.
func DetectCSV(ctx context.Context, uri ...string) (CSVOptions, error) {
	options := CSVOptions{URI: uri}
	text, err := options.beginning(ctx)
	if err == nil && !utf8.Valid(text) {
		options.Encoding = otherEncoding
		text, err = options.beginning(ctx)
	}
	if err != nil {
		return options, err
	}
	best := csvGuess{}
	for i, delimiter := range commonDelimiters {
		dialect := options
		dialect.Delimiter = delimiter
		if found := dialect.guess(text); i == 0 || found.isBetterThan(best) {
			options.Delimiter, best = delimiter, found
		}
	}
	if len(best.rows) == 0 {
		return options, failure.New(failure.Source, "the first of the files that %s names has no rows that can be read", uri[0]).
			WithHint("name the files that hold rows").BeforeData()
	}
	if options.Header, err = best.hasHeader(); err == nil && !options.Header {
		options.Names = best.numbered()
	}
	return options, err
}

// beginning reads whole lines from the beginning of the first file, as UTF-8 if the encoding is right.
func (o CSVOptions) beginning(ctx context.Context) (text []byte, err error) {
	files := textFiles{patterns: o.URI, compression: o.Compression, encoding: o.Encoding}
	found, err := files.list(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(found, func(info storage.Info) bool { return info.Size > 0 })
	file, err := files.open(ctx, found[max(at, 0)])
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text, err = io.ReadAll(io.LimitReader(file, detectBytes))
	if err != nil {
		return nil, readFailure(file.name, err)
	}
	if end := bytes.LastIndexByte(text, '\n'); len(text) == detectBytes && end > 0 {
		text = text[:end+1]
	}
	return text, nil
}

// csvGuess is what the beginning of a file is by one delimiter.
type csvGuess struct {
	rows    [][]string // that have as many values as the first
	columns int
	others  int // rows that have not
}

// guess reads a text by the dialect of options.
func (o CSVOptions) guess(text []byte) csvGuess {
	var g csvGuess
	scanner := newCSVScanner(bytes.NewReader(text), "", o.dialect())
	for len(g.rows)+g.others < sampleRows {
		if found, err := scanner.scan(); err != nil || !found { // a quoted value may go on behind the beginning
			return g
		}
		row := &scanner.row
		switch {
		case row.flaw == nil && len(row.text) == 0:
			continue
		case g.columns == 0 && row.flaw == nil && row.count == len(row.fields):
			g.columns = row.count
		case row.flaw != nil, row.count != g.columns:
			g.others++
			continue
		}
		values := make([]string, g.columns)
		for i, field := range row.fields {
			values[i] = scanner.text(field)
		}
		g.rows = append(g.rows, values)
	}
	return g
}

// isBetterThan says whether a guess explains more of the text: more of its rows are alike, or they have more values. Rows of one value
// are what every text has.
func (g csvGuess) isBetterThan(other csvGuess) bool {
	if (g.columns > 1) != (other.columns > 1) {
		return g.columns > 1
	}
	own, others := len(g.rows)*(len(other.rows)+other.others), len(other.rows)*(len(g.rows)+g.others)
	return own > others || own == others && g.columns > other.columns
}

// hasHeader says whether the first row names the columns: it cannot where a name is missing or occurs twice; else it does if its value is
// what keeps a column from a type that all others have, or if no column has one.
func (g csvGuess) hasHeader() (bool, error) {
	first := g.rows[0]
	for i, name := range first {
		if name == "" || slices.Contains(first[:i], name) {
			return false, nil
		}
	}
	without, err := g.types(g.rows[1:])
	if err != nil {
		return false, err
	}
	with, err := g.types(g.rows)
	if err != nil {
		return false, err
	}
	isTyped := false
	for i, t := range without {
		isText := with[i].ID() == arrow.STRING
		if t.ID() != arrow.STRING && isText {
			return true, nil
		}
		isTyped = isTyped || t.ID() != arrow.STRING || len(g.rows) == 1 && !isText
	}
	return !isTyped, nil
}

// types are those that the values of rows look like.
func (g csvGuess) types(rows [][]string) ([]arrow.DataType, error) {
	sample := newTexts(g.columns)
	for _, row := range rows {
		for i, value := range row {
			if value == "" {
				sample.columns[i].appendNull()
			} else {
				sample.columns[i].append([]byte(value))
			}
		}
	}
	schema, err := inferAll(g.numbered(), sample, func(int) evidence { return ofAnything })
	if err != nil {
		return nil, err
	}
	types := make([]arrow.DataType, g.columns)
	for i, field := range schema.Fields() {
		types[i] = field.Type
	}
	return types, nil
}

// numbered are names for columns that have none.
func (g csvGuess) numbered() []string {
	names := make([]string, g.columns)
	for i := range names {
		names[i] = fmt.Sprintf("column_%d", i+1)
	}
	return names
}
