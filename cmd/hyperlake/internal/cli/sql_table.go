package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/words"
)

// A table is laid out in parts of so many rows or bytes, so that a long result needs no
// more memory than a short one. The columns of a part are at least as wide as before.
const (
	partRows  = 1000
	partBytes = 4 << 20
)

// titleWidth is the width of the line above a record, where the terminal has room for it.
const titleWidth = 40

// tableResult prints an aligned table, or one record below the other where the first part
// of the table is wider than the terminal.
type tableResult struct {
	out   io.Writer
	width int // of the terminal, 0 for no limit
	say   func(format string, args ...any)

	columns []column
	part    [][]string
	bytes   int   // in part
	printed int64 // rows
	records bool
}

func (r *tableResult) begin(fields []hyperd.Field) error {
	for _, f := range fields {
		r.columns = append(r.columns, column{name: f.Name, number: isNumber(f), width: text.LongestLineLen(visible(f.Name))})
	}
	return nil
}

func (r *tableResult) row(fields []hyperd.Field, values [][]byte) error {
	cells := make([]string, len(values))
	for i, value := range values {
		cells[i] = cell(fields[i], value)
		r.bytes += len(cells[i])
		r.columns[i].width = max(r.columns[i].width, text.LongestLineLen(cells[i]))
	}
	r.part = append(r.part, cells)
	if len(r.part) >= partRows || r.bytes >= partBytes {
		return r.flush()
	}
	return nil
}

func (r *tableResult) end() error {
	if len(r.part) > 0 || r.printed == 0 {
		if err := r.flush(); err != nil {
			return err
		}
	}
	r.say("(%s)", words.Count(r.printed, "row"))
	return nil
}

// flush prints what has been gathered.
func (r *tableResult) flush() error {
	first := r.printed == 0
	if first {
		r.records = r.width > 0 && r.tableWidth() > r.width
	}
	var err error
	if r.records {
		err = r.printRecords()
	} else {
		_, err = fmt.Fprintln(r.out, renderTable(r.columns, r.part, first))
	}
	r.printed += int64(len(r.part))
	r.part, r.bytes = r.part[:0], 0
	return printFailure(err)
}

// tableWidth is the width of the table in cells of the terminal.
func (r *tableResult) tableWidth() int {
	width := 0
	for _, c := range r.columns {
		width += c.width + len(" | ")
	}
	return width - 1 // the last column has a blank on either side, and no line
}

func (r *tableResult) printRecords() error {
	names := make([]string, len(r.columns))
	record := []column{{}, {}}
	for i, c := range r.columns {
		names[i] = visible(c.name)
		record[0].width = max(record[0].width, text.LongestLineLen(names[i]))
	}
	for i, row := range r.part {
		pairs := make([][]string, len(row))
		for j, value := range row {
			pairs[j] = []string{names[j], value}
		}
		title := strings.TrimRight(text.Pad(fmt.Sprintf("── row %d ", r.printed+int64(i)+1), min(r.width, titleWidth), '─'), " ")
		if _, err := fmt.Fprintf(r.out, "%s\n%s\n", title, renderTable(record, pairs, false)); err != nil {
			return err
		}
	}
	return nil
}

const null = "NULL"

// cell shows a value in a table. A text that could be mistaken for NULL, for nothing, or
// for another text stands in quotes.
func cell(f hyperd.Field, value []byte) string {
	if value == nil {
		return null
	}
	shown := visible(plainText(f, value))
	if shown == "" || shown == null || shown[0] == '"' || shown[0] == ' ' || shown[len(shown)-1] == ' ' {
		return `"` + strings.ReplaceAll(shown, `"`, `""`) + `"`
	}
	return shown
}
