package cli

import (
	"cmp"
	"strings"

	"hyperlake/internal/words"
	"hyperlake/pipelines/diff"
)

// differencePage says for people what differs.
func differencePage(p *page, d diff.Difference) *page {
	if d.Equal {
		p.marked(goodColours, "equal", ": %s and %s", visible(d.A), visible(d.B))
		return p
	}
	p.line("A: %s\nB: %s", visible(d.A), visible(d.B))
	for _, table := range d.Tables {
		name := sqlNameText(table.Schema, table.Name)
		if table.OnlyIn != "" {
			p.line("\n%s: only in %s", name, strings.ToUpper(string(table.OnlyIn)))
			continue
		}
		p.line("\n%s", name)
		writeCounts(p, table)
		writeColumnDifferences(p, table)
		writeUnitDifferences(p, table.Units)
		writeFigureDifferences(p, table)
	}
	return p
}

// sides head the columns for both sides.
func sides(first ...column) []column {
	return append(first, column{name: "A", number: true}, column{name: "B", number: true})
}

// writeCounts says how many rows there are.
func writeCounts(p *page, t diff.Table) {
	rows := [][]string{{"rows", figure(t.RowsA), figure(t.RowsB), changeOf(t.RowsA, t.RowsB)}}
	if t.RejectedA != nil || t.RejectedB != nil {
		rows = append(rows, []string{"rejects", figure(t.RejectedA), figure(t.RejectedB), changeOf(t.RejectedA, t.RejectedB)})
	}
	if t.OnlyA != nil {
		rows = append(rows, []string{"rows only here", figure(t.OnlyA), figure(t.OnlyB), ""})
	}
	p.table(append(sides(column{name: "number of"}), column{name: "change", number: true, optional: true, minor: 1}), rows)
	if len(t.Compared) > 0 {
		p.line("rows were compared by %s that both have alike", words.Count(int64(len(t.Compared)), "column"))
	}
}

func changeOf(a, b *int64) string {
	if a == nil || b == nil {
		return ""
	}
	return changeText(*b - *a)
}

func writeColumnDifferences(p *page, t diff.Table) {
	var rows [][]string
	for _, c := range t.Columns {
		rows = append(rows, []string{visible(c.Name), formText(c.A), formText(c.B)})
	}
	if len(rows) > 0 {
		p.line("")
		p.table([]column{{name: "column"}, {name: "A"}, {name: "B"}}, rows)
	}
	if t.Reordered {
		p.line("the columns stand in another order")
	}
}

// formText is how a side has a column.
func formText(f *diff.Form) string {
	switch {
	case f == nil:
		return "none"
	case f.Nullable != nil && !*f.Nullable:
		return visible(f.Type) + " NOT NULL"
	}
	return visible(f.Type)
}

// mostListed is how many units or figures of a table people are shown.
const mostListed = 100

func writeUnitDifferences(p *page, units []diff.Unit) {
	var rows [][]string
	for _, u := range units[:min(len(units), mostListed)] {
		rows = append(rows, []string{visible(u.Unit), figure(u.A), figure(u.B), changeOf(u.A, u.B)})
	}
	if len(rows) > 0 {
		p.line("")
		p.table(append(sides(column{name: "rows of unit"}), column{name: "change", number: true, optional: true, minor: 1}), rows)
		writeMore(p, len(units))
	}
}

func writeFigureDifferences(p *page, t diff.Table) {
	var rows [][]string
	for _, f := range t.Figures[:min(len(t.Figures), mostListed)] {
		rows = append(rows, []string{visible(f.Column), f.Figure, valueText(f.A), valueText(f.B)})
	}
	if len(rows) > 0 {
		p.line("")
		p.table([]column{
			{name: "column"}, {name: "figure"}, {name: "A", number: true, fit: byCells}, {name: "B", number: true, fit: byCells},
		}, rows)
		writeMore(p, len(t.Figures))
	}
}

// writeMore says how many lines of a list are left out.
func writeMore(p *page, all int) {
	if all > mostListed {
		p.line("and %d more: --json has all", all-mostListed)
	}
}

// valueText is a value for a cell, cut where it is long.
func valueText(value *string) string {
	const most = 60 // characters
	if value == nil {
		return "NULL"
	}
	if runes := []rune(*value); len(runes) > most {
		return visible(string(runes[:most])) + "…"
	}
	return cmp.Or(visible(*value), `""`)
}
