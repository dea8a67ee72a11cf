package ingest

import (
	"context"
	"fmt"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/jackc/pgx/v5/pgtype"
)

const (
	// A batch ends with so many rows or bytes.
	batchRows  = 64 << 10
	batchBytes = 16 << 20

	// maxRowBytes bounds what a row may have, and with it the memory of a connection.
	maxRowBytes = 64 << 20

	// shownBytes bounds what a reject shows of a value.
	shownBytes = 64 << 10
)

// postgresRows makes batches and rejects of the rows of one COPY after the other.
type postgresRows struct {
	ctx     context.Context
	address string
	sink    Sink
	failed  error // of the sink

	schema   *arrow.Schema
	selected []string          // SQL for the fields: of the columns, and at the end of the key
	columns  []*postgresColumn // of the fields
	cells    []postgresCell    // of the fields
	places   []postgresCell    // of the columns of the schema; nil of those that the query does not have
	key      *postgresColumn   // nil: rows are counted

	rows, bytes int
	count       int64 // of rows that came in, rejects included
}

// newRows plans what is asked of the server for batches of a schema.
func (p *Postgres) newRows(ctx context.Context, address string, schema *arrow.Schema, sink Sink) (*postgresRows, error) {
	r := &postgresRows{ctx: ctx, address: address, sink: sink, schema: schema, places: make([]postgresCell, schema.NumFields())}
	for i, field := range schema.Fields() {
		column := p.column(field)
		if column == nil {
			continue
		}
		cell, err := newCell(column, field.Type)
		if err != nil {
			return nil, err
		}
		r.places[i] = cell
		r.columns, r.cells = append(r.columns, column), append(r.cells, cell)
		r.selected = append(r.selected, column.form.expression(column.name))
	}
	key, err := p.splitColumn(p.columns)
	if err != nil {
		return nil, err
	}
	if r.key = key; key != nil {
		r.selected = append(r.selected, key.form.expression(key.name))
	}
	return r, nil
}

// column finds the column of the query that a field of the schema is read from; nil without one. What is text in the
// schema only is asked for as text.
func (p *Postgres) column(field arrow.Field) *postgresColumn {
	for _, column := range p.columns {
		if column.name != field.Name {
			continue
		}
		isText := field.Type.ID() == arrow.STRING
		if isText && column.data.ID() != arrow.STRING && column.oid != pgtype.NumericOID {
			column.form = asText
		}
		return &column
	}
	return nil
}

// add takes one row: all of its values, or none.
func (r *postgresRows) add(fields [][]byte, size int) error {
	r.count++
	if size > maxRowBytes {
		return r.reject(fields, "", "row size", fmt.Sprintf("the row has %d bytes, and at most %d are read", size, maxRowBytes))
	}
	for i, cell := range r.cells {
		if fields[i] == nil {
			cell.null()
			continue
		}
		if err := cell.add(fields[i]); err != nil {
			for _, before := range r.cells[:i] {
				before.drop()
			}
			return r.reject(fields, r.columns[i].name, r.columns[i].rule(err), err.Error())
		}
	}
	r.rows++
	if r.bytes += size; r.rows >= batchRows || r.bytes >= batchBytes {
		return r.flush()
	}
	return nil
}

// flush gives what is gathered to the sink.
func (r *postgresRows) flush() error {
	if r.rows == 0 {
		return nil
	}
	arrays := make([]arrow.Array, len(r.places))
	for i, cell := range r.places {
		if cell == nil {
			arrays[i] = array.MakeArrayOfNull(memory.DefaultAllocator, r.schema.Field(i).Type, r.rows)
		} else {
			arrays[i] = cell.finish()
		}
	}
	record := array.NewRecord(r.schema, arrays, int64(r.rows))
	defer record.Release()
	r.rows, r.bytes = 0, 0
	r.failed = r.sink.Batch(r.ctx, record)
	return r.failed
}

// reject gives a row that does not fit to the sink.
func (r *postgresRows) reject(fields [][]byte, column, rule, reason string) error {
	values := make(map[string]string, len(r.columns))
	for i, raw := range fields[:len(r.columns)] {
		if raw != nil {
			values[r.columns[i].name] = r.columns[i].show(raw)
		}
	}
	r.failed = r.sink.Reject(r.ctx, Reject{
		File: r.address, Key: r.position(fields), Column: column, Reason: reason, Rule: rule, Values: values,
	})
	return r.failed
}

// position says which row it is.
func (r *postgresRows) position(fields [][]byte) string {
	if r.key == nil {
		return strconv.FormatInt(r.count, 10)
	}
	if raw := fields[len(fields)-1]; raw != nil {
		return r.key.show(raw)
	}
	return "NULL"
}
