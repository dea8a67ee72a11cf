package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/words"
	"hyperlake/sinks/hyper"
)

// Difference is what differs between two sides, A and B.
type Difference struct {
	A      string  `json:"a"` // the path of an extract, or the id of a run
	B      string  `json:"b"`
	Equal  bool    `json:"equal"`
	Tables []Table `json:"tables"` // those that differ
}

// Table is what differs between a table of both sides. Figures are nil where they are not known, or there is no such thing.
type Table struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`

	OnlyIn Side `json:"only_in,omitempty"`

	RowsA     *int64 `json:"rows_a,omitempty"`
	RowsB     *int64 `json:"rows_b,omitempty"`
	RejectedA *int64 `json:"rows_rejected_a,omitempty"` // of runs
	RejectedB *int64 `json:"rows_rejected_b,omitempty"`

	// OnlyA and OnlyB are how many rows of an extract the other one has not, or not as often; by the columns Compared, if those are
	// not all.
	OnlyA    *int64   `json:"rows_only_in_a,omitempty"`
	OnlyB    *int64   `json:"rows_only_in_b,omitempty"`
	Compared []string `json:"compared_columns,omitempty"`

	Columns   []Column       `json:"columns,omitempty"`   // that differ
	Reordered bool           `json:"reordered,omitempty"` // columns that both have stand in another order
	Units     []Unit         `json:"units,omitempty"`     // of which rows differ, where both runs counted them
	Figures   []hyper.Figure `json:"figures,omitempty"`   // of columns, that differ
}

// Side is one of the two.
type Side string

// The sides.
const (
	OnlyA Side = "a"
	OnlyB Side = "b"
)

// Column is a column that both sides do not have in the same form; nil where one has none.
type Column struct {
	Name string `json:"name"`
	A    *Form  `json:"a"`
	B    *Form  `json:"b"`
}

// Form is how a side has a column.
type Form struct {
	Type     string `json:"type"`
	Nullable *bool  `json:"nullable,omitempty"` // nil where it is not known: reports do not say
	Position int    `json:"position"`           // from 1
}

// Unit is the rows loaded of a unit; nil where one has no such unit.
type Unit struct {
	Unit string `json:"unit"`
	A    *int64 `json:"a"`
	B    *int64 `json:"b"`
}

// String is the name of the table as it is written in SQL.
func (t Table) String() string { return hyperd.QuoteName(t.Schema, t.Name) }

// differs says whether anything does.
func (t Table) differs() bool {
	return t.OnlyIn != "" || !same(t.RowsA, t.RowsB) || !same(t.RejectedA, t.RejectedB) || t.onlySome() ||
		len(t.Columns) > 0 || t.Reordered || len(t.Units) > 0 || len(t.Figures) > 0
}

// onlySome says whether one side has rows that the other has not.
func (t Table) onlySome() bool {
	return t.OnlyA != nil && *t.OnlyA > 0 || t.OnlyB != nil && *t.OnlyB > 0
}

func same(a, b *int64) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

// add adds a table, if anything of it differs.
func (d *Difference) add(t Table) {
	if t.differs() {
		d.Tables, d.Equal = append(d.Tables, t), false
	}
}

// compareColumns notes the columns of a table that differ. Both have each name once.
func (t *Table) compareColumns(a, b []Column) {
	others := map[string]*Form{}
	for _, column := range b {
		others[column.Name] = column.B
	}
	last := 0
	for _, column := range a {
		other := others[column.Name]
		delete(others, column.Name)
		if other == nil || other.Type != column.A.Type || isNullable(other) != isNullable(column.A) {
			t.Columns = append(t.Columns, Column{column.Name, column.A, other})
		}
		if other != nil {
			t.Reordered, last = t.Reordered || other.Position < last, other.Position
		}
	}
	for _, column := range b {
		if others[column.Name] != nil {
			t.Columns = append(t.Columns, column)
		}
	}
}

func isNullable(f *Form) bool { return f.Nullable == nil || *f.Nullable }

// mostSaid is how many tables a sentence names.
const mostSaid = 3

// Sentence says in a line what differs.
func (d Difference) Sentence() string {
	var parts []string
	for _, table := range d.Tables[:min(len(d.Tables), mostSaid)] {
		parts = append(parts, fmt.Sprintf("%s: %s", table, strings.Join(table.words(), ", ")))
	}
	if more := len(d.Tables) - mostSaid; more > 0 {
		parts = append(parts, words.Count(int64(more), "more table"))
	}
	return strings.Join(parts, "; ")
}

// words name what differs.
func (t Table) words() []string {
	if t.OnlyIn != "" {
		return []string{"only in " + strings.ToUpper(string(t.OnlyIn))}
	}
	var parts []string
	add := func(condition bool, format string, args ...any) {
		if condition {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(!same(t.RowsA, t.RowsB), "%s and %s rows", figure(t.RowsA), figure(t.RowsB))
	add(t.onlySome(), "%s rows only in A and %s only in B", figure(t.OnlyA), figure(t.OnlyB))
	add(!same(t.RejectedA, t.RejectedB), "%s and %s rejects", figure(t.RejectedA), figure(t.RejectedB))
	add(len(t.Columns) > 0, "%s", words.Count(int64(len(t.Columns)), "column"))
	add(t.Reordered, "the order of columns")
	add(len(t.Units) > 0, "rows of %s", words.Count(int64(len(t.Units)), "unit"))
	add(len(t.Figures) > 0 && !t.onlySome(), "%s of columns", words.Count(int64(len(t.Figures)), "figure"))
	return parts
}

func figure(n *int64) string {
	if n == nil {
		return "unknown"
	}
	return humanize.Comma(*n)
}

// unitsOf compares the rows of units, where both sides know them.
func unitsOf(a, b map[string]int64) []Unit {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	var units []Unit
	for name, rows := range a {
		switch other, isThere := b[name]; {
		case !isThere:
			units = append(units, Unit{Unit: name, A: &rows})
		case other != rows:
			units = append(units, Unit{name, &rows, &other})
		}
	}
	for name, rows := range b {
		if _, isThere := a[name]; !isThere {
			units = append(units, Unit{Unit: name, B: &rows})
		}
	}
	slices.SortFunc(units, func(a, b Unit) int { return strings.Compare(a.Unit, b.Unit) })
	return units
}
