package cli

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// screen is the way to a terminal, or to whoever reads for people: nothing that comes out of
// a name, a value or an error does there what a program may do. It is safe for concurrent use.
type screen struct {
	w    io.Writer
	mu   sync.Mutex
	rest []byte // the beginning of a character, of which the rest is yet to come
}

// layout is what stays as it is: lines, and what is between the words of one.
const layout = "\n\t"

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := append(s.rest, p...)
	whole := wholeCharacters(text)
	s.rest = bytes.Clone(text[whole:])
	_, err := io.WriteString(s.w, printable(string(text[:whole]), layout))
	return len(p), err
}

// wholeCharacters is the length of a text without the beginning of a character at its end.
func wholeCharacters(text []byte) int {
	for i := len(text) - 1; i >= max(0, len(text)-utf8.UTFMax+1); i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRune(text[i:]) {
				return i
			}
			break
		}
	}
	return len(text)
}

// printable writes out what a terminal would obey or hide: control characters, but for those
// of keep, characters that turn the direction of the text around, and bytes that are none.
func printable(s, keep string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, obeyed) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		_, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + strconv.FormatUint(uint64(s[i]), 16))
		case r == unicode.MaxASCII:
			b.WriteString(`\u007f`) // as JSON has it
		case obeyed(r) && !strings.ContainsRune(keep, r):
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

// lineBreak marks the end of a line that goes on below.
const lineBreak = "↵\n"

// visible is printable for a cell of a table, or a part of a line. Line breaks are marked.
func visible(s string) string { return strings.ReplaceAll(printable(s, "\n"), "\n", lineBreak) }

// terminalOf is the terminal that w is, nil if it is none.
func terminalOf(w io.Writer) *os.File {
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return file
	}
	return nil
}

// terminalWidth is the number of cells in a line of a terminal, 0 if it does not say.
func terminalWidth(file *os.File) int {
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}
