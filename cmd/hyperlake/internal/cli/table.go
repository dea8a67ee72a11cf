package cli

import (
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// column heads a column of a table for people.
type column struct {
	name     string
	number   bool // to the right
	width    int  // the least, in cells of a terminal
	optional bool // left out where all its cells are empty
}

// renderTable lays rows out below their heading, which may be left out, with lines
// between the columns. It ends without a line break. Cells are printed as they are: see
// [visible]. A line break inside a cell goes on below, in the same column.
func renderTable(columns []column, rows [][]string, heading bool) string {
	w := table.NewWriter()
	w.SetStyle(table.Style{Box: table.StyleBoxLight, Options: table.OptionsNoBorders})
	w.SuppressTrailingSpaces()
	names := make(table.Row, len(columns))
	configs := make([]table.ColumnConfig, len(columns))
	for i, c := range columns {
		names[i] = visible(c.name)
		configs[i] = table.ColumnConfig{Number: i + 1, WidthMin: c.width, Hidden: c.optional && isEmpty(rows, i)}
		if c.number {
			configs[i].Align, configs[i].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	w.SetColumnConfigs(configs)
	if heading {
		w.AppendHeader(names)
	}
	for _, row := range rows {
		cells := make(table.Row, len(row))
		for i, cell := range row {
			cells[i] = cell
		}
		w.AppendRow(cells)
	}
	return w.Render()
}

func isEmpty(rows [][]string, column int) bool {
	return !slices.ContainsFunc(rows, func(row []string) bool { return row[column] != "" })
}

// yesNo is a truth for people.
func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
