package diff

import (
	"strconv"

	"hyperlake/pipelines/report"
	"hyperlake/sinks/hyper"
)

// Runs compares what two runs made, by their reports. Both counted every row.
func Runs(a, b *report.Report) Difference {
	d := Difference{A: a.RunID, B: b.RunID, Equal: true, Tables: []Table{}}
	others := map[[2]string]*report.TableAccount{}
	for i := range b.Tables {
		others[[2]string{b.Tables[i].Schema, b.Tables[i].Name}] = &b.Tables[i]
	}
	for i := range a.Tables {
		key := [2]string{a.Tables[i].Schema, a.Tables[i].Name}
		t := runTable(&a.Tables[i], others[key])
		if t.OnlyIn == "" {
			t.Units = unitsOf(rowsByUnit(a, key), rowsByUnit(b, key))
		}
		d.add(t)
		delete(others, key)
	}
	for i := range b.Tables {
		if table := others[[2]string{b.Tables[i].Schema, b.Tables[i].Name}]; table != nil {
			d.add(Table{Schema: table.Schema, Name: table.Name, OnlyIn: OnlyB, RowsB: &table.RowsLoaded, RejectedB: &table.RowsRejected})
		}
	}
	return d
}

func runTable(a, b *report.TableAccount) Table {
	t := Table{Schema: a.Schema, Name: a.Name, RowsA: &a.RowsLoaded, RejectedA: &a.RowsRejected}
	if b == nil {
		t.OnlyIn = OnlyA
		return t
	}
	t.RowsB, t.RejectedB = &b.RowsLoaded, &b.RowsRejected
	if len(a.Columns) == 0 || len(b.Columns) == 0 { // extracts that are not merged tell nothing of their columns
		return t
	}
	t.compareColumns(columnsOf(a, func(c *Column, f *Form) { c.A = f }), columnsOf(b, func(c *Column, f *Form) { c.B = f }))
	t.Figures = figuresOf(a, b)
	return t
}

func columnsOf(t *report.TableAccount, set func(*Column, *Form)) []Column {
	columns := make([]Column, len(t.Columns))
	for i, column := range t.Columns {
		columns[i].Name = column.Name
		set(&columns[i], &Form{Type: column.SQLType, Position: i + 1})
	}
	return columns
}

// rowsByUnit are the rows of the units of a table of a run; none where they were not counted.
func rowsByUnit(r *report.Report, table [2]string) map[string]int64 {
	rows := map[string]int64{}
	if r.Refresh == nil {
		return rows
	}
	for _, told := range r.Refresh.RowsByUnit {
		if told.Schema == table[0] && told.Name == table[1] {
			for _, unit := range told.Units {
				rows[unit.Unit] = unit.RowsLoaded
			}
		}
	}
	return rows
}

// figuresOf are those of columns of the same name and type that differ.
func figuresOf(a, b *report.TableAccount) []hyper.Figure {
	others := map[string]report.Column{}
	for _, column := range b.Columns {
		others[column.Name] = column
	}
	var figures []hyper.Figure
	for _, column := range a.Columns {
		other, isThere := others[column.Name]
		if !isThere || other.SQLType != column.SQLType {
			continue
		}
		for _, f := range []struct{ name, a, b string }{
			{"nulls", strconv.FormatInt(column.Nulls, 10), strconv.FormatInt(other.Nulls, 10)},
			{"min", column.Min, other.Min}, {"max", column.Max, other.Max},
		} {
			if f.a != f.b {
				figures = append(figures, hyper.Figure{Column: column.Name, Figure: f.name, A: &f.a, B: &f.b})
			}
		}
	}
	return figures
}
