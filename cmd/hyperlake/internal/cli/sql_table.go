package cli

import (
	"fmt"
	"io"
	"strings"

	"hyperlake/internal/hyperd"
	"hyperlake/internal/words"
)

// A table is laid out in parts of so many rows or bytes, so that a long result needs no
// more memory than a short one. The columns of a part are at least as wide as before.
const (
	partRows  = 1000
	partBytes = 4 << 20
)

// tableResult prints an aligned table, or one record below the other from the first part on
// that is wider than the terminal.
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
		r.columns = append(r.columns, column{name: f.Name, number: isNumber(f), width: cellsOf(visible(f.Name)), fit: byCells})
	}
	return nil
}

func (r *tableResult) row(fields []hyperd.Field, values [][]byte) error {
	cells := make([]string, len(values))
	for i, value := range values {
		cells[i] = cell(fields[i], value)
		r.bytes += len(cells[i])
		r.columns[i].width = max(r.columns[i].width, cellsOf(cells[i]))
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
	part := newGrid(r.columns, r.part)
	r.records = r.records || !r.fits(part)
	var text string
	if r.records {
		text = r.recordsText()
	} else {
		text = part.text(r.printed == 0, painter{})
	}
	r.printed += int64(len(r.part))
	r.part, r.bytes = r.part[:0], 0
	_, err := io.WriteString(r.out, text)
	return printFailure(err)
}

// fits says whether there is room for a part as a table. Only that of a single column is made narrower: its values go on below.
func (r *tableResult) fits(part *grid) bool {
	if len(r.columns) == 1 && !r.columns[0].number {
		return part.narrow(r.width, true)
	}
	return r.width == 0 || part.total() <= r.width
}

func (r *tableResult) recordsText() string {
	var b strings.Builder
	names := make([]string, len(r.columns))
	for i, c := range r.columns {
		names[i] = visible(c.name)
	}
	for i, row := range r.part {
		b.WriteString(listTitle(fmt.Sprintf("row %d", r.printed+int64(i)+1), r.width))
		b.WriteString(listText(names, row, byCells, r.width))
	}
	return b.String()
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
