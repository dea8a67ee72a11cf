package ingest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// csvReader makes values and rejects of the rows that its scanner reads. Not safe for concurrent use.
type csvReader struct {
	scanner *csvScanner
	replace bool // bytes that are not text arrive as U+FFFD
	isText  bool // all that the scanner reads is known to be text
	header  []string

	nulls       [][]byte // texts that stand for NULL if they are not quoted
	longestNull int      // bytes
}

// csvColumns makes values of rows of a block, many at a time, and one column after the other.
type csvColumns struct {
	csvReader
	reader  *textReader
	targets []int

	block  csvBlock
	text   []byte     // that of the block, and behind it values that have quotes inside
	fields []csvField // of the rows that are not in columns yet, by their places in the text
	cells  []textCell // of one column of these
	starts []int      // of rows in the text
	rows   readRows
	count  int64 // of rows, rejects included
}

const mostFields = 8 << 10 // that are gathered before there are values made of them, unless a row has more

// read reads the rows of a block, and says how many they are. What it holds is a small multiple of the text of the block. It is safe for
// concurrent use while the file is read on.
func (f *csvFile) read(b csvBlock, reader *textReader) (rows readRows, count int64, err error) {
	c := &csvColumns{
		csvReader: f.csvReader, reader: reader, block: b, text: b.text, rows: readRows{file: f.scanner.name},
	}
	c.scanner = f.scanner.over(b)
	if b.flaw != nil {
		c.scanner.row = csvRow{line: b.line, flaw: b.flaw}
		c.rows.rejects = append(c.rows.rejects, c.reject(b.flaw))
		return c.rows, 1, nil
	}
	c.isText = c.notText(b.text) == nil
	c.targets = targetsOf(c.header, func(name string) int { return firstOf(reader.pinned.FieldIndices(name)) })
	c.starts, c.rows.lines = make([]int, 0, b.rows), make([]int64, 0, b.rows)
	c.rows.columns, c.rows.values = reader.start(b.rows, len(b.text)), c.shown
	c.fields = make([]csvField, 0, min(b.rows*len(f.header), mostFields+len(f.header)))
	for {
		start := c.scanner.start
		found, err := c.scanner.scan()
		if err != nil {
			return c.rows, 0, err
		}
		if !found {
			break
		}
		c.add(start)
	}
	c.flush()
	return c.rows, c.count, nil
}

// add adds the row that was scanned.
func (c *csvColumns) add(start int) {
	if c.isBlank() {
		return
	}
	c.count++
	if flaw := c.flaw(); flaw != nil {
		c.rows.rejects = append(c.rows.rejects, c.reject(flaw))
		return
	}
	c.rows.lines, c.starts = append(c.rows.lines, c.scanner.row.line), append(c.starts, start)
	for _, field := range c.scanner.row.fields {
		field.start, field.end = field.start+int32(start), field.end+int32(start)
		c.fields = append(c.fields, field)
	}
	if len(c.fields) >= mostFields {
		c.flush()
	}
}

// flush puts the rows that are gathered into the columns.
func (c *csvColumns) flush() {
	for i, target := range c.targets {
		if target < 0 {
			continue
		}
		keepsEmpty := c.reader.isText(target)
		c.cells = c.cells[:0]
		for at := i; at < len(c.fields); at += len(c.header) {
			c.cells = append(c.cells, c.cell(c.fields[at], keepsEmpty))
		}
		c.rows.columns[target].add(c.text, c.cells)
	}
	if absent := absentColumns(len(c.rows.columns), c.targets); len(absent) > 0 {
		c.cells = slices.Repeat([]textCell{nullCell}, len(c.fields)/len(c.header))
		for _, column := range absent {
			c.rows.columns[column].add(nil, c.cells)
		}
	}
	c.fields = c.fields[:0]
}

// cell is where the value of a field stands in the text.
func (c *csvColumns) cell(field csvField, keepsEmpty bool) textCell {
	raw := c.text[field.start:field.end]
	switch {
	case c.isNull(raw, field.quoted, keepsEmpty):
		return nullCell
	case field.doubled:
		start := len(c.text)
		c.text = c.scanner.appendUnquoted(c.text, raw)
		return textCell{int32(start), int32(len(c.text))}
	}
	return textCell{field.start, field.end}
}

// shown are the values of a row of the block, as a reject shows them.
func (c *csvColumns) shown(row int) map[string]string {
	values := make(map[string]string, len(c.targets))
	c.scanner = c.scanner.over(csvBlock{text: c.block.text[c.starts[row]:]})
	if found, err := c.scanner.scan(); err != nil || !found { // what was read once can be read again
		return values
	}
	for i, field := range c.scanner.row.fields {
		if c.targets[i] < 0 {
			continue
		}
		if text, ok := c.value(field, c.reader.isText(c.targets[i])); ok {
			values[c.reader.columns[c.targets[i]].name] = shown(text)
		}
	}
	return values
}

// targetsOf says for every value of a row to which column it goes; negative for none.
func targetsOf(header []string, column func(name string) int) []int {
	targets := make([]int, len(header))
	for i, name := range header {
		targets[i] = column(name)
	}
	return targets
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

// isBlank says whether the line holds nothing, which is no row, unless a row has one value.
func (r *csvReader) isBlank() bool {
	row := &r.scanner.row
	return row.flaw == nil && len(row.text) == 0 && len(r.header) > 1
}

// flaw is why the row that was scanned cannot be read.
func (r *csvReader) flaw() *csvFlaw {
	row := &r.scanner.row
	switch {
	case row.flaw != nil:
		return row.flaw
	case row.count != len(r.header):
		return &csvFlaw{"columns", fmt.Sprintf("the row has %d values, but there are %d columns", row.count, len(r.header))}
	case r.isText:
		return nil
	}
	return r.notText(row.text)
}

var replacement = []byte(string(utf8.RuneError))

// notText is what is wrong with bytes that are no text.
func (r *csvReader) notText(text []byte) *csvFlaw {
	switch {
	case r.replace && bytes.Contains(text, replacement):
		return &csvFlaw{"encoding", "the row has bytes that are not of the encoding, or the character U+FFFD that stands for such"}
	case !utf8.Valid(text):
		return &csvFlaw{"encoding", "the row has bytes that are not UTF-8: say encoding if it is another, such as windows-1252"}
	}
	return nil
}

// value is the text of a field of the row that was scanned; false if it is NULL. keepsEmpty is as of isNull.
func (r *csvReader) value(field csvField, keepsEmpty bool) (string, bool) {
	raw := r.scanner.row.text[field.start:field.end]
	if r.isNull(raw, field.quoted, keepsEmpty) {
		return "", false
	}
	return r.scanner.text(field), true
}

// isNull says whether what stands for a value stands for NULL: a text that does, if it is not quoted, and the empty one, unless it is
// quoted and keepsEmpty.
func (r *csvReader) isNull(raw []byte, quoted, keepsEmpty bool) bool {
	if len(raw) == 0 && !keepsEmpty {
		return true
	}
	if quoted || len(raw) > r.longestNull {
		return false
	}
	for _, null := range r.nulls {
		if bytes.Equal(raw, null) {
			return true
		}
	}
	return false
}

// reject is that of the row that was scanned, with as many of its values as there are columns for.
func (r *csvReader) reject(flaw *csvFlaw) Reject {
	row := &r.scanner.row
	values := make(map[string]string, len(r.header))
	if flaw.rule == "columns" {
		for i, field := range row.fields[:min(len(row.fields), len(r.header))] {
			values[r.header[i]] = shown(strings.ToValidUTF8(r.scanner.text(field), string(utf8.RuneError)))
		}
	}
	return Reject{File: r.scanner.name, Line: row.line, Reason: flaw.reason, Rule: flaw.rule, Values: values}
}
