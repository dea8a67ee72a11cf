package cli

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/jedib0t/go-pretty/v6/text"
)

// column heads a column of a table for people.
type column struct {
	name     string
	number   bool // to the right, and whole unless fit says otherwise
	width    int  // the least, in cells of a terminal
	optional bool // left out where all its cells are empty
	fit      fit
	minor    int                           // where there is no room, columns go by this, the greatest first; 0 stays
	colours  func(cell string) text.Colors // nil for none
}

// fit is what becomes of a text that is wider than its column.
type fit int

const (
	usual       fit = iota // byWords; numbers are whole
	whole                  // there is none: the column is as wide as it wants to be
	byWords                // it goes on below, broken between words as far as that is possible
	byCells                // it goes on below wherever the line is full, with all its blanks
	inTheMiddle            // it loses its middle
)

// least is how narrow a column of texts may become, in cells.
func (f fit) least() int {
	if f == inTheMiddle {
		return 20
	}
	return 10
}

// lines are those of a text in a column of that width.
func (f fit) lines(text string, width int) []string {
	if cellsOf(text) > width {
		switch f {
		case byCells:
			text = ansi.Hardwrap(text, width, true)
		case inTheMiddle:
			text = shorten(strings.ReplaceAll(text, "\n", ""), width)
		default:
			text = wrapCell(text, width)
		}
	}
	return strings.Split(text, "\n")
}

// grid is a table that is laid out for a terminal. Its texts are safe there; a line break inside of one goes on below, in the same
// column.
type grid struct {
	columns []column
	rows    [][]string
	widths  []int // of the columns, in cells
}

// margin is what a column takes up besides its texts, in cells: a blank on either side, and the line between two columns.
const margin = 3

// newGrid makes all columns as wide as they want to be. Of optional ones, those without a text are left out, as are those that without
// names by their places.
func newGrid(columns []column, rows [][]string, without ...int) *grid {
	g := &grid{rows: make([][]string, len(rows))}
	for i, c := range columns {
		if slices.Contains(without, i) || !c.isShown(rows, i) {
			continue
		}
		c.name = visible(c.name)
		width := max(c.width, cellsOf(c.name))
		for j, row := range rows {
			cell := printable(row[i], "\n")
			g.rows[j] = append(g.rows[j], cell)
			width = max(width, cellsOf(cell))
		}
		g.columns, g.widths = append(g.columns, c), append(g.widths, width)
	}
	return g
}

// isShown says whether a column is part of a table with these rows, at that place.
func (c column) isShown(rows [][]string, place int) bool {
	return !c.optional || slices.ContainsFunc(rows, func(row []string) bool { return row[place] != "" })
}

// total is the width of the table.
func (g *grid) total() int {
	total := -1 // no line after the last
	for _, width := range g.widths {
		total += width + margin
	}
	return total
}

// narrow makes columns of texts narrower until the table is no wider than that, unless that is impossible: without breaking words, or
// as narrow as they may become. 0 is any width.
func (g *grid) narrow(width int, breaks bool) bool {
	if width == 0 || g.total() <= width {
		return true
	}
	wanted := slices.Clone(g.widths)
	if g.narrowTo(width, g.least(breaks)) {
		return true
	}
	copy(g.widths, wanted)
	return false
}

// mostWhole is how long a word may be that is kept whole where others could be broken.
const mostWhole = 24

// least are the widths that columns keep, whether words are broken or not.
func (g *grid) least(breaks bool) []int {
	least := slices.Clone(g.widths)
	for i, c := range g.columns {
		if c.fit == whole || c.number && c.fit == usual {
			continue
		}
		keeps := c.fit.least()
		if (c.fit == usual || c.fit == byWords) && !breaks {
			for _, row := range g.rows {
				keeps = max(keeps, min(longestWord(row[i]), mostWhole))
			}
			keeps = max(keeps, longestWord(c.name))
		}
		least[i] = min(least[i], keeps)
	}
	return least
}

// narrowTo takes from the widest columns until the table fits, as long as they are wider than the least.
func (g *grid) narrowTo(width int, least []int) bool {
	for i := range g.widths {
		g.widths[i] = max(least[i], min(g.widths[i], width))
	}
	for g.total() > width {
		widest := -1
		for i, w := range g.widths {
			if w > least[i] && (widest < 0 || w > g.widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		g.widths[widest]--
	}
	return true
}

// text lays the table out below its heading, which may be left out, with lines between the columns. Every line ends with a break.
func (g *grid) text(heading bool, paint painter) string {
	var b strings.Builder
	if heading {
		names := make([][]string, len(g.columns))
		for i, c := range g.columns {
			f := c.fit
			if f == inTheMiddle {
				f = byWords
			}
			names[i] = f.lines(c.name, g.widths[i])
		}
		g.writeRow(&b, names, nil)
		for i, width := range g.widths {
			if i > 0 {
				b.WriteString("┼")
			}
			b.WriteString(strings.Repeat("─", width+margin-1))
		}
		b.WriteByte('\n')
	}
	for _, row := range g.rows {
		cells, colours := make([][]string, len(row)), make([]text.Colors, len(row))
		for i, c := range g.columns {
			cells[i] = c.fit.lines(row[i], g.widths[i])
			if c.colours != nil {
				colours[i] = c.colours(row[i])
			}
		}
		g.writeRow(&b, cells, func(i int, word string) string { return paint.of(colours[i], word) })
	}
	return b.String()
}

// writeRow writes the lines of the cells of a row.
func (g *grid) writeRow(b *strings.Builder, cells [][]string, paint func(column int, text string) string) {
	height := 0
	for _, lines := range cells {
		height = max(height, len(lines))
	}
	for y := range height {
		var line strings.Builder
		for i, lines := range cells {
			shown := ""
			if y < len(lines) {
				shown = lines[y]
			}
			pad := strings.Repeat(" ", max(0, g.widths[i]-ansi.StringWidth(shown)))
			if paint != nil {
				shown = paint(i, shown)
			}
			if i > 0 {
				line.WriteString("│")
			}
			if g.columns[i].number {
				line.WriteString(" " + pad + shown + " ")
			} else {
				line.WriteString(" " + shown + pad + " ")
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// cutsTexts says whether texts lose their middle in the table.
func (g *grid) cutsTexts() bool {
	for i, c := range g.columns {
		isCut := func(row []string) bool { return cellsOf(row[i]) > g.widths[i] }
		if c.fit == inTheMiddle && slices.ContainsFunc(g.rows, isCut) {
			return true
		}
	}
	return false
}

// yesNo is a truth for people.
func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
