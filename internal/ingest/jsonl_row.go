package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonRowError is why a line is no row.
type jsonRowError struct{ rule, column, reason string }

// Error is what is wrong, for people and without values.
func (f *jsonRowError) Error() string { return f.reason }

// jsonKeys finds the column of the value of a key, and takes note of what it is. The key of a value that is nested is the path to
// it. A negative column is one that is left out.
type jsonKeys interface {
	column(key []byte, kind jsontext.Kind) (int, *jsonRowError)
}

// jsonRowReader makes texts of lines that hold a JSON object each. Not safe for concurrent use.
type jsonRowReader struct {
	flatten bool
	unit    string // that holds an object: line or record
	keys    jsonKeys
	texts   *texts

	source  bytes.Reader
	decoder *jsontext.Decoder
	path    []byte // to the object that is read, with a point at its end
}

func newJSONRowReader(flatten bool, unit string, keys jsonKeys, t *texts) *jsonRowReader {
	return &jsonRowReader{flatten: flatten, unit: unit, keys: keys, texts: t, decoder: new(jsontext.Decoder)}
}

// add adds the row of a line, or a reject of it.
func (r *jsonRowReader) add(file string, number int64, line []byte) {
	row := len(r.texts.lines)
	r.texts.bytes += len(line)
	flaw := r.read(line)
	if flaw == nil {
		r.texts.lines = append(r.texts.lines, number)
		for i := range r.texts.columns {
			r.texts.columns[i].padTo(row + 1)
		}
		return
	}
	r.texts.rejects = append(r.texts.rejects, Reject{
		File: file, Line: number, Column: flaw.column, Rule: flaw.rule, Reason: flaw.reason,
	})
	r.takeBack()
}

// takeBack takes the values of the row back that have been read.
func (r *jsonRowReader) takeBack() {
	for i := range r.texts.columns {
		r.texts.columns[i].truncate(len(r.texts.lines))
	}
}

// read reads the values of a line into the columns.
func (r *jsonRowReader) read(line []byte) *jsonRowError {
	if !utf8.Valid(line) {
		return &jsonRowError{rule: "encoding", reason: "the " + r.unit + " has bytes that are not UTF-8"}
	}
	if r.plain(line) {
		return nil
	}
	r.takeBack()
	return r.decode(line)
}

// decode reads the values of a line that is UTF-8 into the columns, in whatever form it is.
func (r *jsonRowReader) decode(line []byte) *jsonRowError {
	r.source.Reset(line)
	r.decoder.Reset(&r.source)
	r.path = r.path[:0]
	if kind := r.decoder.PeekKind(); kind != '{' && kind != 0 {
		return &jsonRowError{rule: "json", reason: "the " + r.unit + " is no JSON object"}
	}
	err := r.object()
	if err == nil {
		if _, end := r.decoder.ReadToken(); !errors.Is(end, io.EOF) {
			return &jsonRowError{rule: "json", reason: "something follows the JSON object of the " + r.unit}
		}
		return nil
	}
	var flaw *jsonRowError
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &flaw):
		return flaw
	case errors.Is(err, jsontext.ErrDuplicateName):
		return &jsonRowError{rule: "json", reason: "a key stands twice in one object"}
	case errors.As(err, &syntax):
		return &jsonRowError{rule: "json", reason: fmt.Sprintf("the %s is not valid JSON from byte %d on", r.unit, syntax.ByteOffset+1)}
	}
	return &jsonRowError{rule: "json", reason: "the " + r.unit + " is not valid JSON, for it ends too early"}
}

// object reads the object that comes next.
func (r *jsonRowReader) object() error {
	if _, err := r.decoder.ReadToken(); err != nil {
		return err
	}
	for r.decoder.PeekKind() != '}' {
		raw, err := r.decoder.ReadValue()
		if err != nil {
			return err
		}
		from := len(r.path)
		if r.path, err = jsontext.AppendUnquote(r.path, []byte(raw)); err != nil {
			return err
		}
		if r.flatten && r.decoder.PeekKind() == '{' {
			r.path = append(r.path, '.')
			err = r.object()
		} else {
			err = r.value()
		}
		if err != nil {
			return err
		}
		r.path = r.path[:from]
	}
	_, err := r.decoder.ReadToken()
	return err
}

// value reads the value of the key that is the path.
func (r *jsonRowReader) value() error {
	raw, err := r.decoder.ReadValue()
	if err != nil {
		return err
	}
	at, flaw := r.keys.column(r.path, raw.Kind())
	if flaw != nil {
		return flaw
	}
	if at < 0 {
		return nil
	}
	column, row := &r.texts.columns[at], len(r.texts.lines)
	if column.rows() > row {
		return &jsonRowError{rule: "json", column: string(r.path), reason: "two keys of the " + r.unit + " become this column"}
	}
	column.padTo(row)
	switch raw.Kind() {
	case 'n':
		column.appendNull()
	case '"':
		column.begin(true)
		column.data, err = jsontext.AppendUnquote(column.data, []byte(raw))
	case '{', '[':
		column.begin(true)
		column.data, err = jsontext.AppendFormat(column.data, []byte(raw))
	default:
		column.append(raw)
	}
	return err
}
