package ingest

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"hyperlake/internal/failure"
	"hyperlake/internal/take"
)

// textReader makes the values of pinned types of texts, exactly or not at all. Safe for concurrent use.
type textReader struct {
	pinned  *arrow.Schema
	columns []*columnReader
}

// newTextReader refuses a schema with types that text is not read as.
func newTextReader(pinned *arrow.Schema) (*textReader, error) {
	r := &textReader{pinned: pinned, columns: make([]*columnReader, pinned.NumFields())}
	for i, field := range pinned.Fields() {
		var err error
		if r.columns[i], err = newColumnReader(field); err != nil {
			return nil, err
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

// start begins the columns of about so many rows, and bytes of text.
func (r *textReader) start(rows, bytes int) []valueColumn {
	columns := make([]valueColumn, len(r.columns))
	for i, column := range r.columns {
		columns[i] = column.start(column, rows, bytes/len(r.columns))
	}
	return columns
}

// readRows are rows whose values were read.
type readRows struct {
	file    string
	lines   []int64 // where each row begins
	columns []valueColumn
	rejects []Reject // of what is no row

	values func(row int) map[string]string // of a row that is rejected, as a reject shows them
}

// finish makes a record of the rows whose values all fit, and rejects of the others.
func (r *textReader) finish(rows readRows) (delivery, error) {
	if len(rows.lines) == 0 {
		return delivery{rejects: rows.rejects}, nil
	}
	arrays, flaws := make([]arrow.Array, len(rows.columns)), map[int]flawed{}
	for i, column := range rows.columns {
		values, found, err := column.finish()
		if err != nil {
			return delivery{}, fmt.Errorf("%s, lines %d to %d: column %q: %w",
				rows.file, rows.lines[0], rows.lines[len(rows.lines)-1], r.columns[i].name, err)
		}
		for _, u := range found {
			if _, known := flaws[u.row]; !known {
				flaws[u.row] = flawed{i, u.reason}
			}
		}
		arrays[i] = values
	}
	record, rejects := array.NewRecord(r.pinned, arrays, int64(len(rows.lines))), rows.rejects
	if len(flaws) == 0 {
		return delivery{record, rejects}, nil
	}
	for row, line := range rows.lines {
		if flaw, ok := flaws[row]; ok {
			column := r.columns[flaw.column]
			rejects = append(rejects, Reject{
				File: rows.file, Line: line, Column: column.name, Reason: flaw.reason, Rule: "type " + column.sql, Values: rows.values(row),
			})
		}
	}
	record, err := without(record, flaws)
	if err != nil || record.NumRows() == 0 {
		return delivery{rejects: rejects}, err
	}
	return delivery{record, rejects}, nil
}

// flawed is why a row is rejected: its first column that does not fit.
type flawed struct {
	column int
	reason string // for people, without the value
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

// deliver makes a delivery of texts.
func (r *textReader) deliver(file string, t *texts) (delivery, error) {
	columns, cells := r.start(len(t.lines), t.bytes), make([][]textCell, len(t.columns))
	for i, column := range columns {
		cells[i] = t.columns[i].cells()
		column.add(t.columns[i].data, cells[i])
	}
	return r.finish(readRows{file: file, lines: t.lines, columns: columns, rejects: t.rejects, values: func(row int) map[string]string {
		values := make(map[string]string, len(columns))
		for i := range columns {
			if cell := cells[i][row]; cell.start >= 0 {
				values[r.columns[i].name] = shown(string(t.columns[i].data[cell.start:cell.end]))
			}
		}
		return values
	}})
}
