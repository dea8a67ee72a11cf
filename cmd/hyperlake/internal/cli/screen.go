package cli

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"hyperlake/internal/words"
)

// screen is the way to a terminal, or to whoever reads for people: nothing that comes out of
// a name, a value or an error does there what a program may do. It is safe for concurrent use.
type screen struct {
	w        io.Writer
	terminal *os.File // that w leads to; nil for none
	mu       sync.Mutex
	rest     []byte // the beginning of a character, of which the rest is yet to come
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

// safe prints what is safe for a terminal already, with its colours.
func (s *screen) safe(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := io.WriteString(s.w, text)
	return err
}

// lines prints lines that are safe for a terminal, without the break after the last. Long ones are broken between words.
func (s *screen) lines(text string) error {
	return s.safe(wrapLines(text, lineWidth(s.terminal)) + "\n")
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

// printable is [words.Printable].
func printable(s, keep string) string { return words.Printable(s, keep) }

// lineBreak marks the end of a line that goes on below.
const lineBreak = "↵\n"

// visible is printable for a cell of a table, or a part of a line. Line breaks are marked.
func visible(s string) string { return strings.ReplaceAll(printable(s, "\n"), "\n", lineBreak) }

// shorten leaves out the middle of a text that is safe for a terminal and wider than so many cells, one or more.
func shorten(text string, cells int) string {
	width := ansi.StringWidth(text)
	if width <= cells {
		return text
	}
	head := ansi.Truncate(text, cells/2, "")
	for cut := width; ; cut-- { // a wide character is whole in the tail or is not in it
		if tail := ansi.TruncateLeft(text, cut-1, ""); ansi.StringWidth(tail) > cells-1-cells/2 {
			return head + "…" + ansi.TruncateLeft(text, cut, "")
		}
	}
}

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
