package cli

import (
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/assert"
)

// Sentences are broken between words; what somebody may want to copy stays whole.
func TestLinesAreBrokenBetweenWords(t *testing.T) {
	t.Parallel()
	const path = "/warehouse/extracts/of/the/north/sales.hyper"
	for _, c := range []struct {
		line  string
		width int
		want  string
	}{
		{"a line that fits", 16, "a line that fits"},
		{"a line that does not fit", 16, "a line that does\n  not fit"},
		{"a line that does not fit", 0, "a line that does not fit"},
		{"    one that is indented already", 20, "    one that is\n      indented\n      already"},
		{"wrong; run `hyperlake plan a.yaml` first", 24, "wrong; run\n  `hyperlake plan a.yaml`\n  first"},
		{"a ` that never ends, as it is no quotation", 20, "a ` that never ends,\n  as it is no\n  quotation"},
		{"in " + path + " of them", 20, "in " + path + "\n  of them"},
		{"ok       hyperd: found where it was looked for", 26, "ok       hyperd: found\n         where it was\n         looked for"},
		{"日本語の表 日本語の表 日本語の表", 21, "日本語の表 日本語の表\n  日本語の表"},
		{"\x1b[31mfailed\x1b[0m: it broke in the night", 20, "\x1b[31mfailed\x1b[0m: it broke in\n  the night"},
		{"first↵\nand a second line of a text", 16, "first↵\nand a second\n  line of a text"},
	} {
		assert.Equal(t, c.want, wrapLines(c.line, c.width), c)
	}
}

// No line of a table is wider than the terminal, whatever stands in it, and nothing gets lost where texts go on below.
func FuzzTablesAreNoWiderThanTheTerminal(f *testing.F) {
	f.Add("name", "a/long/path/of/a/file.parquet", "timestamp[us, tz=UTC]", 40)
	f.Add("日本\n語", "👩‍👧 e\u0301 ❤️ 🇩🇪 žluť", strings.Repeat("x", 300), 26)
	f.Add("n", "\x1b[2J\u202e\x9b", "  blanks  at   both ends  ", 30)
	f.Add("a-b-c", "-----------------------------------", "1,234,567.89e-10; a:b=c&d?e", 27)
	f.Add("\t", "\u00a0\u2028", "a\r\n\n\nb", 80)
	unseen := func(r rune) bool { return unicode.In(r, unicode.White_Space, unicode.M, unicode.Cf) } // marks of blanks go with these
	bare := func(s string) string { return strings.Join(strings.FieldsFunc(s, unseen), "") }
	f.Fuzz(func(t *testing.T, name, first, second string, width int) {
		if width < leastLine || width > 300 {
			return
		}
		for _, fit := range []fit{usual, byWords, byCells, inTheMiddle} {
			p := page{width: width}
			p.table([]column{{name: name, fit: fit}, {name: "text", fit: fit}, {name: "minor", minor: 1}}, [][]string{{first, second, first}, {second, "", name}})
			printed := p.String()
			for line := range strings.SplitSeq(printed, "\n") {
				if ansi.StringWidth(line) > width {
					t.Errorf("%d cells on a terminal of %d: %q", ansi.StringWidth(line), width, line)
				}
			}
			if plain := printable(printed, "\n"); plain != printed {
				t.Errorf("not safe for a terminal: %q", printed)
			}
		}
		for _, text := range []string{name, first, second} {
			safe := printable(text, "\n")
			for at := leastLine / 4; at < 40; at += 7 {
				wrapped := strings.Join(byCells.lines(safe, at), "")
				if want := strings.ReplaceAll(safe, "\n", ""); wrapped != want {
					t.Errorf("%q became %q", want, wrapped)
				}
				if wrapped := strings.Join(byWords.lines(safe, at), ""); bare(wrapped) != bare(safe) {
					t.Errorf("%q became %q", safe, wrapped)
				}
			}
		}
	})
}
