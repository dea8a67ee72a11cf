package convert

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// Column is what a configuration asks for one source column, or for one field of a
// structure that is flattened.
type Column struct {
	Source   string  `json:"source"`             // the source column; of a flattened field the path a.b.c
	Nested   Nested  `json:"nested,omitempty"`   // of nested columns only; "" is what the source asks for
	Type     string  `json:"type,omitempty"`     // Hyper SQL type; "" is what the column has anyway
	Format   string  `json:"format,omitempty"`   // of dates and times in text, both ways; "" is ISO 8601
	Timezone string  `json:"timezone,omitempty"` // IANA name of the zone of local times, where they meet instants
	Default  *string `json:"default,omitempty"`  // replaces NULLs; text of the resulting type, dates and times by ISO 8601
}

// Converter makes mapped records of source records. Safe for concurrent use.
type Converter struct {
	source  *arrow.Schema
	schema  *arrow.Schema
	columns []mapped
	shared  bool // nothing is asked for: every record is its own mapped record
}

// mapped is a column of the mapped record.
type mapped struct {
	field  arrow.Field
	path   []int       // the source column, then fields of structures
	kernel kernel      // nil if values stay as they are
	fill   arrow.Array // the one value that replaces NULLs, or nil
	reason string
	flaw   func(values arrow.Array, row int) flaw // more about a value that does not convert; nil if there is no more to say
}

// Failure is the rows of a record in which a column's value does not convert.
type Failure struct {
	Column int   // of the mapped record
	Rows   []int // positions in the record, ascending
}

// Schema is the schema of mapped records. Columns are named like their source, a flattened
// field by its path; the Arrow type and metadata of a column are those that the sink maps to
// the type that was asked for.
func (c *Converter) Schema() *arrow.Schema { return c.schema }

// Sources lists for every mapped column the indexes of the source columns it is made of.
func (c *Converter) Sources() [][]int {
	sources := make([][]int, len(c.columns))
	for i, column := range c.columns {
		sources[i] = column.path[:1:1]
	}
	return sources
}

// Source is the values of a source record that become a mapped column.
func (c *Converter) Source(record arrow.Record, column int) arrow.Array {
	m := c.columns[column]
	return m.source(record.Column(m.path[0]))
}

// Shared says whether a mapped column is its source column as it is, values and type.
func (c *Converter) Shared(column int) bool { return c.columns[column].isShared() }

// Reason says what is wrong with the rows of a [Failure] of the column. It holds no value.
func (c *Converter) Reason(column int) string { return c.columns[column].reason }

// Explain says why the value in a row of a record, as it was given to Apply, does not convert to the
// mapped column. It holds no value.
func (c *Converter) Explain(column int, record arrow.Record, row int) string {
	m := c.columns[column]
	if m.flaw == nil {
		return m.reason
	}
	if found := m.flaw(m.source(record.Column(m.path[0])), row); found != "" {
		return m.reason + ": " + string(found)
	}
	return m.reason
}

// Apply makes the mapped record, which shares with the record what needs no conversion, and
// lists the values that do not convert, by column; they are NULL in the mapped record, even
// in columns with a default. The record must have the schema that was compiled for; it is
// not changed. An error names the column.
func (c *Converter) Apply(record arrow.Record) (arrow.Record, []Failure, error) {
	if int(record.NumCols()) != c.source.NumFields() {
		return nil, nil, fmt.Errorf("the batch has %d columns, but %d were planned", record.NumCols(), c.source.NumFields())
	}
	if c.shared {
		return record, nil, nil
	}
	var failures []Failure
	arrays := make([]arrow.Array, len(c.columns))
	for i, column := range c.columns {
		source := column.path[0]
		if want, got := c.source.Field(source).Type, record.Column(source).DataType(); !arrow.TypeEqual(want, got) {
			return nil, nil, fmt.Errorf("column %q of the batch is %s, but %s was planned", record.ColumnName(source), got, want)
		}
		values, failed, err := column.apply(record.Column(source))
		if err != nil {
			return nil, nil, fmt.Errorf("column %q: %w", column.field.Name, err)
		}
		arrays[i] = values
		if len(failed) > 0 {
			failures = append(failures, Failure{Column: i, Rows: failed})
		}
	}
	return array.NewRecord(c.schema, arrays, record.NumRows()), failures, nil
}

func (m mapped) apply(values arrow.Array) (converted arrow.Array, failed []int, err error) {
	values = m.source(values)
	if m.kernel != nil {
		if values, failed, err = m.kernel(values); err != nil {
			return nil, nil, err
		}
	}
	if m.fill != nil {
		if values, err = fillNulls(values, m.fill, failed); err != nil {
			return nil, nil, err
		}
	}
	return values, failed, nil
}

// source is what a source column has for the mapped one: itself, or a field of it.
func (m mapped) source(values arrow.Array) arrow.Array {
	for _, field := range m.path[1:] {
		values = child(values, field)
	}
	return values
}

// isShared says whether the column is a source column as it is.
func (m mapped) isShared() bool { return len(m.path) == 1 && m.kernel == nil && m.fill == nil }
