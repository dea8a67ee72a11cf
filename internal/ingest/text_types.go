package ingest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/convert"
	"hyperlake/internal/failure"
	"hyperlake/internal/take"
)

// textReader makes the values of pinned types of texts, exactly or not at all. Safe for concurrent use.
type textReader struct {
	texts     *arrow.Schema // of what is read
	pinned    *arrow.Schema
	sql       []string // names of the pinned types
	losses    []loss   // by column; nil where nothing can be lost
	converter *convert.Converter
}

// newTextReader refuses a schema with types that text is not read as.
func newTextReader(pinned *arrow.Schema) (*textReader, error) {
	r := &textReader{pinned: pinned, sql: make([]string, pinned.NumFields()), losses: make([]loss, pinned.NumFields())}
	fields := make([]arrow.Field, pinned.NumFields())
	asked := make([]convert.Column, pinned.NumFields())
	for i, field := range pinned.Fields() {
		sql, ok := convert.TypeOf(field)
		if !ok {
			return nil, unreadable(field)
		}
		fields[i] = arrow.Field{Name: field.Name, Type: arrow.BinaryTypes.String, Nullable: true}
		asked[i] = convert.Column{Source: field.Name, Type: sql}
		r.sql[i], r.losses[i] = strings.ToLower(sql), lossOf(field.Type)
	}
	r.texts = arrow.NewSchema(fields, nil)
	var err error
	if r.converter, err = convert.Compile(r.texts, convert.Refuse, asked); err != nil {
		return nil, err
	}
	for i, field := range r.converter.Schema().Fields() {
		if !arrow.TypeEqual(field.Type, pinned.Field(i).Type) {
			return nil, unreadable(pinned.Field(i))
		}
	}
	return r, nil
}

func unreadable(field arrow.Field) error {
	return failure.New(failure.Config, "column %q: text is not read as %s", field.Name, field.Type).
		WithHint("set columns.%s.type to a type that tables have, such as text, bigint, numeric(18,4) or timestamp", field.Name)
}

// isText says whether a column keeps its texts as they are, empty ones too.
func (r *textReader) isText(column int) bool { return r.pinned.Field(column).Type.ID() == arrow.STRING }

// convert makes a record of the rows whose values all fit, nil if there is none, and rejects of the others.
func (r *textReader) convert(file string, t *texts) (arrow.Record, []Reject, error) {
	if len(t.lines) == 0 {
		return nil, t.rejects, nil
	}
	source := t.record(r.texts)
	converted, failures, err := r.converter.Apply(source)
	if err != nil {
		return nil, nil, fmt.Errorf("%s, lines %d to %d: %w", file, t.lines[0], t.lines[len(t.lines)-1], err)
	}
	flaws := r.flaws(source, failures)
	rejects := t.rejects
	if len(flaws) > 0 {
		for row, line := range t.lines {
			if found, ok := flaws[row]; ok {
				rejects = append(rejects, r.reject(file, line, source, row, found))
			}
		}
		if converted, err = without(converted, flaws); err != nil {
			return nil, nil, err
		}
	}
	if converted.NumRows() == 0 {
		return nil, rejects, nil
	}
	return array.NewRecord(r.pinned, converted.Columns(), converted.NumRows()), rejects, nil
}

// flawed is why a row is rejected: its first column that does not fit.
type flawed struct {
	column int
	reason string // for people, without the value
}

// flaws finds the rows with values that did not convert, or that would lose something.
func (r *textReader) flaws(source arrow.Record, failures []convert.Failure) map[int]flawed {
	flaws := map[int]flawed{}
	note := func(row int, f flawed) {
		if first, ok := flaws[row]; !ok || f.column < first.column {
			flaws[row] = f
		}
	}
	for _, f := range failures {
		for _, row := range f.Rows {
			note(row, flawed{f.Column, "the value " + r.converter.Explain(f.Column, source, row)})
		}
	}
	for i, lost := range r.losses {
		if lost == nil {
			continue
		}
		values := source.Column(i).(*array.String)
		for row := range values.Len() {
			if values.IsNull(row) {
				continue
			}
			if reason := lost(values.Value(row)); reason != "" {
				note(row, flawed{i, reason})
			}
		}
	}
	return flaws
}

func (r *textReader) reject(file string, line int64, source arrow.Record, row int, f flawed) Reject {
	values := make(map[string]string, source.NumCols())
	for i := range int(source.NumCols()) {
		if column := source.Column(i).(*array.String); column.IsValid(row) {
			values[source.ColumnName(i)] = shown(column.Value(row))
		}
	}
	return Reject{
		File: file, Line: line, Column: r.pinned.Field(f.column).Name, Reason: f.reason, Rule: "type " + r.sql[f.column], Values: values,
	}
}

// without copies the rows that have no flaw.
func without(record arrow.Record, flaws map[int]flawed) (arrow.Record, error) {
	var kept take.Selection
	from := 0
	bad := make([]int, 0, len(flaws))
	for row := range flaws {
		bad = append(bad, row)
	}
	slices.Sort(bad)
	for _, row := range bad {
		kept.Add(from, row-from)
		from = row + 1
	}
	kept.Add(from, int(record.NumRows())-from)
	return kept.Record(record)
}
