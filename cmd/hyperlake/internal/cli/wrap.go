package cli

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// cellsOf is the width of the longest line of a text that is safe for a terminal.
func cellsOf(text string) int {
	longest := 0
	for line := range strings.Lines(text) {
		longest = max(longest, ansi.StringWidth(strings.TrimSuffix(line, "\n")))
	}
	return longest
}

// breakable are characters after which names and types may be broken.
const breakable = "/,_=&?;"

// longestWord is the width of the longest part of a text that is not broken in a column that has room for it.
func longestWord(text string) int {
	longest := 0
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' || r == '\n' }) {
		for part := range strings.FieldsFuncSeq(word, func(r rune) bool { return r == '-' || strings.ContainsRune(breakable, r) }) {
			whole := ansi.StringWidth(part)
			if len(part) < len(word) {
				whole++ // what it is broken after
			}
			longest = max(longest, whole)
		}
	}
	return longest
}

// wrapCell breaks the lines of a text so that none is wider: between words, else inside of names, else anywhere.
func wrapCell(text string, width int) string {
	wrapped := ansi.Wrap(text, width, breakable) // which keeps a row of hyphens whole
	lines := strings.Split(ansi.Hardwrap(wrapped, width, true), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

// hanging is by how much what goes on below a line stands further in.
const hanging = 2

// wrapLines breaks lines, which may have colours, between words so that none is wider than that, as far as that is possible: what is
// quoted as in `hyperlake plan` stays whole, and so does a long path, so that they can be copied. 0 is any width.
func wrapLines(lines string, width int) string {
	if cellsOf(lines) <= width || width == 0 {
		return lines
	}
	var all []string
	for line := range strings.SplitSeq(lines, "\n") {
		all = append(all, wrapLine(line, width))
	}
	return strings.Join(all, "\n")
}

// hangOf is where what goes on below a line begins, in cells: below what follows a gap after its first word, if there is one.
func hangOf(line string) int {
	plain := ansi.Strip(line)
	text := strings.TrimLeft(plain, " ")
	indent := len(plain) - len(text)
	first, rest, _ := strings.Cut(text, "  ")
	if after := strings.TrimLeft(rest, " "); after != "" && !strings.Contains(first, " ") {
		return indent + ansi.StringWidth(first) + len("  ") + len(rest) - len(after)
	}
	return indent + hanging
}

func wrapLine(line string, width int) string {
	hang := min(hangOf(line), width/2)
	var b strings.Builder
	cells := 0
	for i, phrase := range phrases(line) {
		wide := ansi.StringWidth(phrase)
		fits := cells+len(" ")+wide <= width
		switch {
		case i == 0:
		case fits || cells < width && wide > width-hang && !strings.Contains(phrase, " "):
			b.WriteByte(' ')
			cells++
		default:
			b.WriteString("\n" + strings.Repeat(" ", hang))
			cells = hang
		}
		b.WriteString(phrase)
		cells += wide
	}
	return b.String()
}

// phrases are the parts of a line that stand together: words, and what is quoted.
func phrases(line string) []string {
	var all []string
	quoted := ""
	for _, word := range strings.Split(line, " ") {
		if quoted != "" {
			word = quoted + " " + word
		}
		if quoted = ""; strings.Count(word, "`")%2 == 1 {
			quoted = word
			continue
		}
		all = append(all, word)
	}
	if quoted != "" { // and the quotation never ends
		all = append(all, strings.Split(quoted, " ")...)
	}
	return all
}
