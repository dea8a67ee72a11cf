package cli

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/dustin/go-humanize"
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

// lineBreak marks the end of a line that goes on below.
const lineBreak = "↵\n"

// visible writes out what a terminal would obey or hide: control characters, and those
// that turn the direction of the text around. Line breaks are marked.
func visible(s string) string {
	if !strings.ContainsFunc(s, obeyed) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n':
			b.WriteString(lineBreak)
		case obeyed(r):
			escaped := strconv.QuoteRuneToASCII(r)
			b.WriteString(escaped[1 : len(escaped)-1])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func obeyed(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}

// plural is a number with its noun.
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return humanize.Comma(n) + " " + many
}

// yesNo is a truth for people.
func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
