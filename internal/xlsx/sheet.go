package xlsx

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
)

const (
	maxColumns = 16 << 10 // A to XFD
	maxRow     = 16 << 20 // bytes of the texts of a row that are kept
)

// Sheet reads the rows of a sheet from top to bottom. It is not safe for concurrent use.
type Sheet struct {
	Name string // as the workbook spells it

	book   *Workbook
	parser *parser
	row    Row
	text   []byte // of the cells of the row
	ended  bool
}

// Row is a row of a sheet, valid until the next is read.
type Row struct {
	Number  int64  // from 1, as programs show it
	Cells   []Cell // that hold something, from left to right
	TooLong bool   // its texts are longer than 16 MiB, and were not kept
}

// Cell is a cell that holds something, if only an empty text.
type Cell struct {
	Column int // from 0
	Kind   Kind
	Text   []byte // the value; of an error, its name
	Flaw   Flaw   // of kind Flawed
}

// Kind is what a cell holds.
type Kind int

// What a cell can hold.
const (
	Text    Kind = iota
	Number       // the digits that the file has, or the shortest that stand for the same double where it has more than tell doubles apart
	Boolean      // true or false
	Moment       // a date, a date with a time, a time, or a length of time, as ISO 8601 writes it, with a space between date and time
	Flawed       // nothing that can be told
)

// Flaw is why nothing can be told of a cell.
type Flaw struct {
	Rule   string // a short name
	Reason string // for people, without the value
}

// ColumnName is the name of a column, such as AB of 27.
func ColumnName(column int) string {
	name := ""
	for column++; column > 0; column = (column - 1) / 26 {
		name = string(rune('A'+(column-1)%26)) + name
	}
	return name
}

// Close gives the sheet back.
func (s *Sheet) Close() error {
	s.parser.close()
	return nil
}

// begin reads up to the rows.
func (s *Sheet) begin() error {
	for {
		token, err := s.parser.next()
		if errors.Is(err, io.EOF) {
			return s.parser.damaged(errors.New("it has no rows, not even none"))
		}
		if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "sheetData" {
			return nil
		}
	}
}

// Next reads the next row that the file has, which may have no cells; nil behind the last, once the whole part was read without an
// error. Rows that the file does not have are not told.
func (s *Sheet) Next() (*Row, error) {
	for !s.ended {
		token, err := s.parser.next()
		if err != nil {
			return nil, s.parser.cut(err)
		}
		start, isStart := token.(xml.StartElement)
		_, isEnd := token.(xml.EndElement)
		switch {
		case isEnd:
			s.ended = true
			return nil, s.end()
		case isStart && start.Name.Local == "row":
			return &s.row, s.readRow(element{start})
		case isStart:
			if err := s.parser.skip(); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// end reads what follows the rows, for a part that is cut off there may be so before, too.
func (s *Sheet) end() error {
	return s.parser.each(func(start element) error {
		if start.Name.Local == "sheetData" {
			return s.parser.damaged(errors.New("it has rows in two places"))
		}
		return nil
	})
}

// readRow reads the row that has begun.
func (s *Sheet) readRow(start element) error {
	number := s.row.Number + 1
	if text := start.value("r"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < number {
			return s.parser.damaged(fmt.Errorf("a row of another number than from %d on follows row %d", number, number-1))
		}
		number = n
	}
	s.row, s.text = Row{Number: number, Cells: s.row.Cells[:0]}, s.text[:0]
	column := -1
	for depth := s.parser.depth; s.parser.depth >= depth; {
		token, err := s.parser.next()
		if err != nil {
			return s.parser.cut(err)
		}
		start, ok := token.(xml.StartElement)
		switch {
		case !ok:
		case start.Name.Local == "c":
			if column, err = s.column(element{start}, column+1); err == nil {
				err = s.readCell(element{start}, column)
			}
		default:
			err = s.parser.skip()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// column is where the cell stands that has begun: at the next place, or further to the right.
func (s *Sheet) column(start element, next int) (int, error) {
	column := next
	if name := start.value("r"); name != "" {
		at, row, ok := parseReference(name)
		if !ok || row != s.row.Number || at < next {
			return 0, s.parser.damaged(fmt.Errorf("a cell of row %d is not where it may be: %.20q", s.row.Number, name))
		}
		column = at
	}
	if column >= maxColumns {
		return 0, s.parser.damaged(fmt.Errorf("row %d has more than %d columns", s.row.Number, maxColumns))
	}
	return column, nil
}

// parseReference reads the name of a cell, such as AB12.
func parseReference(name string) (column int, row int64, ok bool) {
	letters := 0
	for ; letters < len(name); letters++ {
		c := name[letters] &^ 0x20 // in upper case
		if c < 'A' || c > 'Z' {
			break
		}
		if column = column*26 + int(c-'A') + 1; column > maxColumns {
			return 0, 0, false
		}
	}
	row, err := strconv.ParseInt(name[letters:], 10, 64)
	return column - 1, row, err == nil && letters > 0
}

// readCell reads the cell that has begun.
func (s *Sheet) readCell(start element, column int) error {
	c := storedCell{kind: start.value("t"), style: start.value("s"), from: len(s.text)}
	for depth := s.parser.depth; s.parser.depth >= depth; {
		token, err := s.parser.next()
		if err != nil {
			return s.parser.cut(err)
		}
		start, ok := token.(xml.StartElement)
		switch {
		case !ok:
		case start.Name.Local == "v":
			c.hasValue = true
			s.text, err = s.parser.text(s.text)
		case start.Name.Local == "is":
			c.hasValue = true
			s.text, err = s.parser.richText(s.text)
		default:
			c.hasFormula = c.hasFormula || start.Name.Local == "f"
			err = s.parser.skip()
		}
		if err != nil {
			return err
		}
	}
	cell, err := s.value(c)
	if err != nil {
		return err
	}
	if len(s.text) > maxRow {
		s.row.TooLong, s.row.Cells, s.text = true, s.row.Cells[:0], s.text[:0]
	}
	if cell != nil && !s.row.TooLong {
		cell.Column = column
		s.row.Cells = append(s.row.Cells, *cell)
	}
	return nil
}
