package cli

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// page is what a command tells people at its end: sentences and tables, no wider than the terminal, if it is for one. It makes safe
// what it is given; colours are its own.
type page struct {
	width int // of its lines, in cells; 0 for any: who reads from a pipe gets all, and nothing is broken
	paint painter

	text    strings.Builder
	leftOut []string // for want of room
}

// resultPage is a page for stdout.
func (a *app) resultPage() *page { return &page{width: lineWidth(a.results), paint: a.resultColours} }

// wordsPage is a page for stderr.
func (a *app) wordsPage() *page { return &page{width: lineWidth(a.words.terminal), paint: a.colours} }

// printPage prints a page as the result of the command.
func (a *app) printPage(p *page) error { return a.printSafe(p.String()) }

// sayPage prints a page as words for people.
func (a *app) sayPage(p *page) {
	if a.flags.quiet || a.flags.logFormat == formatJSON {
		a.say("%s", strings.TrimSuffix(p.String(), "\n"))
		return
	}
	_ = a.words.safe(p.String()) // nobody is left to tell
}

// line adds a sentence.
func (p *page) line(format string, args ...any) { p.spans(span{text: fmt.Sprintf(format, args...)}) }

// marked adds a sentence with a mark in front, such as a status.
func (p *page) marked(colours text.Colors, mark, format string, args ...any) {
	p.spans(span{mark, colours}, span{text: fmt.Sprintf(format, args...)})
}

// span is a part of a sentence, and its colours, if it has any.
type span struct {
	text    string
	colours text.Colors
}

// spans adds a sentence of parts.
func (p *page) spans(spans ...span) {
	var safe strings.Builder
	for _, s := range spans {
		safe.WriteString(p.paint.of(s.colours, printable(s.text, "\n")))
	}
	p.text.WriteString(wrapLines(safe.String(), p.width) + "\n")
}

// warnings adds warnings.
func (p *page) warnings(texts []string) {
	for _, warning := range texts {
		p.marked(warningColours, "warning: ", "%s", visible(warning))
	}
}

// table adds a table. Where there is too little room, its columns become narrower; if that is not enough, minor ones are left out;
// if that is not enough either, words are broken, and in the end each row is a list of its values.
func (p *page) table(columns []column, rows [][]string) {
	g, leftOut := tableWithin(p.width, columns, rows)
	if g == nil {
		p.lists(newGrid(columns, rows))
		return
	}
	if g.cutsTexts() {
		leftOut = append(leftOut, "the middle of long texts")
	}
	for _, what := range leftOut {
		if !slices.Contains(p.leftOut, what) {
			p.leftOut = append(p.leftOut, what)
		}
	}
	p.text.WriteString(g.text(true, p.paint))
}

// tableWithin is the table with as many of its columns as there is room for, and the names of the others. It is nil where there is too
// little room for those that are not minor.
func tableWithin(width int, columns []column, rows [][]string) (g *grid, leftOut []string) {
	var without []int
	for g = newGrid(columns, rows); !g.narrow(width, false); g = newGrid(columns, rows, without...) {
		next := mostMinor(columns, without)
		if next < 0 {
			if !g.narrow(width, true) {
				return nil, nil
			}
			break
		}
		without = append(without, next)
	}
	for i := len(without) - 1; i >= 0; i-- { // those for which there is room after all
		fewer := slices.Delete(slices.Clone(without), i, i+1)
		if more := newGrid(columns, rows, fewer...); more.narrow(width, false) {
			g, without = more, fewer
		}
	}
	for _, i := range without {
		if columns[i].isShown(rows, i) {
			leftOut = append(leftOut, columns[i].name)
		}
	}
	return g, leftOut
}

// mostMinor is the column that is left out next for want of room; -1 if all others stay.
func mostMinor(columns []column, without []int) int {
	found, most := -1, 0
	for i, c := range columns {
		if c.minor > most && !slices.Contains(without, i) {
			found, most = i, c.minor
		}
	}
	return found
}

// lists adds the rows of a table as lists of their values, as far as there are any.
func (p *page) lists(g *grid) {
	for i, row := range g.rows {
		var names, values []string
		for j, value := range row {
			if value != "" {
				names, values = append(names, g.columns[j].name), append(values, value)
			}
		}
		p.text.WriteString(listTitle(fmt.Sprintf("%d of %d", i+1, len(g.rows)), p.width))
		p.text.WriteString(listText(names, values, byWords, p.width))
	}
}

// listTitle is the line above a list of values.
func listTitle(title string, width int) string {
	const wanted = 40 // cells
	if width == 0 {
		width = wanted
	}
	title = "── " + title + " "
	return strings.TrimRight(title+strings.Repeat("─", max(0, min(width, wanted)-cellsOf(title))), " ") + "\n"
}

// listText lists the values of a row below each other, each behind its name. Where a line may be of any width, it is not broken.
func listText(names, values []string, f fit, width int) string {
	pairs := make([][]string, len(names))
	for i, name := range names {
		pairs[i] = []string{name, values[i]}
	}
	list := newGrid([]column{{}, {fit: f}}, pairs)
	list.narrow(width, true)
	return list.text(false, painter{})
}

// String is the page, with a last line that says what is left out, and how to see it.
func (p *page) String() string {
	if len(p.leftOut) == 0 {
		return p.text.String()
	}
	note := "left out for want of room: " + strings.Join(p.leftOut, ", ") + "; a wider terminal, a pipe and --json show all"
	return p.text.String() + p.paint.of(faintColours, wrapLines(note, p.width)) + "\n"
}

const (
	defaultLine = 80 // cells of a line where a terminal does not say how wide it is
	leastLine   = 26 // in which a list of values can be laid out
)

// lineWidth is how wide lines for people are on a terminal, in cells: as COLUMNS has it, which many programs heed, else as wide as the
// terminal is. It is 0 for none.
func lineWidth(terminal *os.File) int {
	if terminal == nil {
		return 0
	}
	width, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if err != nil || width <= 0 {
		width = terminalWidth(terminal)
	}
	if width <= 0 {
		width = defaultLine
	}
	return max(width, leastLine)
}
