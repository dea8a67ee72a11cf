package xlsx

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// storedCell is a cell as the file has it. Its text stands at the end of the texts of the row.
type storedCell struct {
	kind, style          string
	from                 int // of its text
	hasValue, hasFormula bool
}

var uncomputed = Flaw{"formula", "the cell has a formula whose result is not in the file: open it in a spreadsheet program, and save it"}

// value is what the cell holds; nil if it is empty.
func (s *Sheet) value(c storedCell) (*Cell, error) {
	stored := s.text[c.from:]
	isText := c.kind == "str" || c.kind == "inlineStr"
	switch {
	case !c.hasValue || len(stored) == 0 && !isText:
		if c.hasFormula {
			return flawed(uncomputed), nil
		}
		return nil, nil
	case isText:
		return &Cell{Kind: Text, Text: stored}, nil
	}
	switch c.kind {
	case "s":
		return s.shared(c)
	case "", "n":
		return s.number(bytes.TrimSpace(stored), c)
	case "b":
		switch string(bytes.TrimSpace(stored)) {
		case "1", "true":
			return &Cell{Kind: Boolean, Text: []byte("true")}, nil
		case "0", "false":
			return &Cell{Kind: Boolean, Text: []byte("false")}, nil
		}
	case "d":
		return &Cell{Kind: Moment, Text: stored}, nil
	case "e":
		return &Cell{Kind: Flawed, Text: stored, Flaw: Flaw{"error", fmt.Sprintf("the cell holds the error %.20s", stored)}}, nil
	}
	return flawed(Flaw{"cell", "the cell does not hold what it says it does"}), nil
}

func flawed(flaw Flaw) *Cell { return &Cell{Kind: Flawed, Flaw: flaw} }

// shared is a cell of a text that others have, too.
func (s *Sheet) shared(c storedCell) (*Cell, error) {
	if err := s.book.strings.load(s.book); err != nil {
		return nil, err
	}
	number, err := strconv.ParseInt(string(bytes.TrimSpace(s.text[c.from:])), 10, 64)
	if err != nil {
		number = -1
	}
	text, found, err := s.book.strings.append(s.text[:c.from], number)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, s.parser.damaged(fmt.Errorf("a cell of row %d has a text that the workbook does not have", s.row.Number))
	}
	s.text = text
	return &Cell{Kind: Text, Text: text[c.from:]}, nil
}

// number is a cell of a number, which is a moment if it is shown as one.
func (s *Sheet) number(digits []byte, c storedCell) (*Cell, error) {
	style := 0
	if c.style != "" {
		n, err := strconv.Atoi(c.style)
		if err != nil || n < 0 || n > 0 && n >= len(s.book.formats) {
			return nil, s.parser.damaged(fmt.Errorf("a cell of row %d has a style that the workbook does not have", s.row.Number))
		}
		style = n
	}
	if !isNumber(digits) {
		return flawed(Flaw{"number", "the cell should hold a number, but does not"}), nil
	}
	if style < len(s.book.formats) && s.book.formats[style] != formatNumber {
		return s.book.calendar.cell(digits, s.book.formats[style]), nil
	}
	return &Cell{Kind: Number, Text: shortest(digits)}, nil
}

// isNumber says whether a text is a decimal number, with an exponent or without.
func isNumber(text []byte) bool {
	rest := bytes.TrimPrefix(text, []byte{'-'})
	whole := digitsOf(rest)
	rest = rest[whole:]
	fraction := 0
	if len(rest) > 0 && rest[0] == '.' {
		fraction = digitsOf(rest[1:])
		rest = rest[1+fraction:]
	}
	if whole+fraction == 0 {
		return false
	}
	if len(rest) > 0 && rest[0]|0x20 == 'e' {
		if rest = rest[1:]; len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		n := digitsOf(rest)
		return n > 0 && n == len(rest)
	}
	return len(rest) == 0
}

// digitsOf is how many digits a text begins with.
func digitsOf(text []byte) int {
	n := 0
	for n < len(text) && text[n]-'0' <= 9 {
		n++
	}
	return n
}

// shortest is the shortest text of the double that a number stands for, where the number has the 16 or 17 digits that tell all doubles
// apart: Excel stores 1.1 as 1.1000000000000001. A number that is none of a double stays as it is written.
func shortest(number []byte) []byte {
	const surely, most = 15, 17 // digits that all doubles keep, and that tell them apart
	digits, exponent := significantDigits(number)
	if len(digits) <= surely || len(digits) > most {
		return number
	}
	double, err := strconv.ParseFloat(string(number), 64)
	if err != nil || double == 0 {
		return number
	}
	rendered, _ := significantDigits(strconv.AppendFloat(nil, math.Abs(double), 'e', len(digits)-1, 64))
	if !bytes.Equal(bytes.TrimRight(rendered, "0"), bytes.TrimRight(digits, "0")) {
		return number
	}
	if exponent {
		return strconv.AppendFloat(nil, double, 'E', -1, 64)
	}
	return strconv.AppendFloat(nil, double, 'f', -1, 64)
}

// significantDigits are those of a number from the first that is not 0 to the end, and whether an exponent follows.
func significantDigits(number []byte) (digits []byte, exponent bool) {
	for _, c := range number {
		switch {
		case c|0x20 == 'e':
			return digits, true
		case c-'1' <= 8 || c == '0' && len(digits) > 0:
			digits = append(digits, c)
		}
	}
	return digits, false
}

// unescape puts characters in the place of what stands for them in a text from a place on: _x000D_ is a carriage return.
func unescape(text []byte, from int) []byte {
	const length = len("_x0000_")
	to := from
	for at := from; at < len(text); {
		unit, ok := escaped(text[at:])
		if !ok {
			text[to] = text[at]
			at, to = at+1, to+1
			continue
		}
		size := length
		r := rune(unit)
		if utf16.IsSurrogate(r) {
			low, ok := escaped(text[at+length:])
			if r = utf16.DecodeRune(r, rune(low)); !ok || r == utf8.RuneError { // half of a character, which is no text
				to += copy(text[to:], text[at:at+length])
				at += length
				continue
			}
			size += length
		}
		to += utf8.EncodeRune(text[to:], r)
		at += size
	}
	return text[:to]
}

// escaped reads _xHHHH_ at the beginning of a text.
func escaped(text []byte) (unit uint16, ok bool) {
	const length = len("_x0000_")
	if len(text) < length || text[0] != '_' || text[1] != 'x' || text[length-1] != '_' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:length-1]), 16, 16)
	return uint16(n), err == nil
}
