package diff

import (
	"context"

	"hyperlake/internal/hyperd"
	"hyperlake/sinks/hyper"
)

// Extracts compares two local .hyper files. Failures are those of [hyper.Differences].
func Extracts(ctx context.Context, lease *hyperd.Lease, a, b string) (Difference, error) {
	tables, err := hyper.Differences(ctx, lease, a, b)
	if err != nil {
		return Difference{}, err
	}
	d := Difference{A: a, B: b, Equal: true, Tables: []Table{}}
	for _, table := range tables {
		d.add(extractTable(table))
	}
	return d, nil
}

func extractTable(d hyper.TableDifference) Table {
	switch {
	case d.B == nil:
		return Table{Schema: d.A.Schema, Name: d.A.Name, OnlyIn: OnlyA, RowsA: &d.A.Rows}
	case d.A == nil:
		return Table{Schema: d.B.Schema, Name: d.B.Name, OnlyIn: OnlyB, RowsB: &d.B.Rows}
	}
	t := Table{
		Schema: d.A.Schema, Name: d.A.Name, RowsA: &d.A.Rows, RowsB: &d.B.Rows, OnlyA: d.OnlyA, OnlyB: d.OnlyB, Figures: d.Figures,
	}
	if len(d.Compared) < max(len(d.A.Columns), len(d.B.Columns)) {
		t.Compared = d.Compared
	}
	var a, b []Column
	for i, column := range d.A.Columns {
		a = append(a, Column{Name: column.Name, A: formOf(column, i)})
	}
	for i, column := range d.B.Columns {
		b = append(b, Column{Name: column.Name, B: formOf(column, i)})
	}
	t.compareColumns(a, b)
	return t
}

func formOf(column hyper.CatalogColumn, index int) *Form {
	form := &Form{Type: column.SQLType, Nullable: &column.Nullable, Position: index + 1}
	if column.Collation != "" {
		form.Type += " COLLATE " + hyperd.QuoteName(column.Collation)
	}
	return form
}
