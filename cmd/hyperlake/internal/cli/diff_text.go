package cli

import (
	"cmp"
	"fmt"
	"strings"

	"hyperlake/internal/words"
	"hyperlake/pipelines/diff"
)

// differenceText says for people what differs.
func differenceText(d diff.Difference) string {
	if d.Equal {
		return fmt.Sprintf("equal: %s and %s\n", visible(d.A), visible(d.B))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "A: %s\nB: %s\n", visible(d.A), visible(d.B))
	for _, table := range d.Tables {
		fmt.Fprintf(&b, "\n%s", sqlNameText(table.Schema, table.Name))
		if table.OnlyIn != "" {
			fmt.Fprintf(&b, ": only in %s\n", strings.ToUpper(string(table.OnlyIn)))
			continue
		}
		fmt.Fprintf(&b, "\n%s", countsText(table))
		writeColumnDifferences(&b, table)
		writeUnitDifferences(&b, table.Units)
		writeFigureDifferences(&b, table)
	}
	return b.String()
}

// sides head the columns for both sides.
func sides(first ...column) []column {
	return append(first, column{name: "A", number: true}, column{name: "B", number: true})
}

// countsText is the numbers of rows.
func countsText(t diff.Table) string {
	rows := [][]string{{"rows", figure(t.RowsA), figure(t.RowsB), changeOf(t.RowsA, t.RowsB)}}
	if t.RejectedA != nil || t.RejectedB != nil {
		rows = append(rows, []string{"rejects", figure(t.RejectedA), figure(t.RejectedB), changeOf(t.RejectedA, t.RejectedB)})
	}
	if t.OnlyA != nil {
		rows = append(rows, []string{"rows only here", figure(t.OnlyA), figure(t.OnlyB), ""})
	}
	text := renderTable(append(sides(column{name: "number of"}), column{name: "change", number: true, optional: true}), rows, true) + "\n"
	if len(t.Compared) > 0 {
		text += fmt.Sprintf("rows were compared by %s that both have alike\n", words.Count(int64(len(t.Compared)), "column"))
	}
	return text
}

func changeOf(a, b *int64) string {
	if a == nil || b == nil {
		return ""
	}
	return changeText(*b - *a)
}

func writeColumnDifferences(b *strings.Builder, t diff.Table) {
	var rows [][]string
	for _, c := range t.Columns {
		rows = append(rows, []string{visible(c.Name), formText(c.A), formText(c.B)})
	}
	if len(rows) > 0 {
		fmt.Fprintf(b, "\n%s\n", renderTable([]column{{name: "column"}, {name: "A"}, {name: "B"}}, rows, true))
	}
	if t.Reordered {
		fmt.Fprintln(b, "the columns stand in another order")
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

func writeUnitDifferences(b *strings.Builder, units []diff.Unit) {
	var rows [][]string
	for _, u := range units[:min(len(units), mostListed)] {
		rows = append(rows, []string{visible(u.Unit), figure(u.A), figure(u.B), changeOf(u.A, u.B)})
	}
	if len(rows) > 0 {
		headings := append(sides(column{name: "rows of unit"}), column{name: "change", number: true, optional: true})
		fmt.Fprintf(b, "\n%s\n%s", renderTable(headings, rows, true), moreText(len(units)))
	}
}

func writeFigureDifferences(b *strings.Builder, t diff.Table) {
	var rows [][]string
	for _, f := range t.Figures[:min(len(t.Figures), mostListed)] {
		rows = append(rows, []string{visible(f.Column), f.Figure, valueText(f.A), valueText(f.B)})
	}
	if len(rows) > 0 {
		fmt.Fprintf(b, "\n%s\n%s", renderTable(sides(column{name: "column"}, column{name: "figure"}), rows, true), moreText(len(t.Figures)))
	}
}

// moreText says how many lines of a list are left out; empty if none.
func moreText(all int) string {
	if all <= mostListed {
		return ""
	}
	return fmt.Sprintf("and %d more: --json has all\n", all-mostListed)
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
