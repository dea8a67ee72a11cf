package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/hyperd"
)

// printed is what a tableResult prints of rows on a terminal of the width.
func printed(t *testing.T, width int, fields []hyperd.Field, rows ...[]string) string {
	t.Helper()
	var out bytes.Buffer
	r := &tableResult{out: &out, width: width, say: func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }}
	require.NoError(t, r.begin(fields))
	for _, row := range rows {
		values := make([][]byte, len(row))
		for i, text := range row {
			values[i] = []byte(text)
		}
		require.NoError(t, r.row(fields, values))
	}
	require.NoError(t, r.end())
	return out.String()
}

func TestTableThatFitsTheTerminal(t *testing.T) {
	t.Parallel()
	fields := []hyperd.Field{{Name: "n", OID: pgtype.Int4OID}, {Name: "word", OID: pgtype.TextOID}}

	const want = "  n │ word\n────┼──────\n 10 │ two\n(1 row)\n"
	assert.Equal(t, want, printed(t, len("  n | word "), fields, []string{"10", "two"}))
	assert.Equal(t, want, printed(t, 0, fields, []string{"10", "two"}))
}

func TestTableThatIsWiderThanTheTerminal(t *testing.T) {
	t.Parallel()
	fields := []hyperd.Field{{Name: "n", OID: pgtype.Int4OID}, {Name: "日本\n語", OID: pgtype.TextOID}}

	assert.Equal(t, `── row 1
 n     │ 10
 日本↵ │ two↵
 語    │ lines
── row 2
 n     │ 7
 日本↵ │ ""
 語    │
(2 rows)
`, printed(t, 9, fields, []string{"10", "two\nlines"}, []string{"7", ""}))
	assert.Equal(t, "(0 rows)\n", printed(t, 9, fields))
}

func TestLongTableIsLaidOutInParts(t *testing.T) {
	t.Parallel()
	fields := []hyperd.Field{{Name: "n", OID: pgtype.Int4OID}, {Name: "word", OID: pgtype.TextOID}}
	var rows [][]string
	for i := range 2*partRows + 1 {
		rows = append(rows, []string{fmt.Sprint(i), strings.Repeat("x", i/partRows)})
	}

	lines := strings.Split(printed(t, 0, fields, rows...), "\n")

	require.Len(t, lines, 2+len(rows)+2)
	assert.Equal(t, "   n │ word", lines[0])
	assert.Equal(t, ` 999 │ ""`, lines[2+999])
	assert.Equal(t, ` 1000 │ x`, lines[2+1000])
	assert.Equal(t, ` 2000 │ xx`, lines[2+2000])
	assert.Equal(t, "(2,001 rows)", lines[2+len(rows)])
}

func TestLargeValuesDoNotGather(t *testing.T) {
	t.Parallel()
	fields := []hyperd.Field{{Name: "t", OID: pgtype.TextOID}}
	var out bytes.Buffer
	r := &tableResult{out: &out}
	require.NoError(t, r.begin(fields))

	require.NoError(t, r.row(fields, [][]byte{bytes.Repeat([]byte("x"), partBytes)}))

	assert.Greater(t, out.Len(), partBytes)
	assert.Empty(t, r.part)
}

func TestVisible(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain žluť 日本語 👍🏽":  "plain žluť 日本語 👍🏽",
		"a\nb\r\n":           "a↵\nb\\r↵\n",
		"\x1b[2J\x00\x7f":    `\x1b[2J\x00\u007f`,
		"\u0085\u2028":       `\u0085\u2028`,
		"\u202e\u2066":       `\u202e\u2066`,
		"\x9b2J \xe6\x97":    `\x9b2J \xe6\x97`,
		"zwj 👩‍👧 nbsp\u00a0": "zwj 👩‍👧 nbsp\u00a0",
	} {
		assert.Equal(t, want, visible(text))
	}
}

func TestOptionalColumnsAreLeftOutWhenEmpty(t *testing.T) {
	t.Parallel()
	columns := []column{{name: "a"}, {name: "b", optional: true}}

	assert.Equal(t, " a\n───\n 1\n", newGrid(columns, [][]string{{"1", ""}}).text(true, painter{}))
	assert.Equal(t, " a │ b\n───┼───\n 1 │\n   │ 2\n", newGrid(columns, [][]string{{"1", ""}, {"", "2"}}).text(true, painter{}))
}
