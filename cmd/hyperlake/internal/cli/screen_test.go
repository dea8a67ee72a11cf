package cli

import (
	"bytes"
	"io"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestScreenLetsNothingBeObeyed(t *testing.T) {
	t.Parallel()
	const hostile, shown = "a\x1b[2J\x1b]0;title\x07\tb\r\nžluť \u009b31m\u202e\x9b\x7f日本\n", `a\x1b[2J\x1b]0;title\a` + "\tb" + `\r` + "\nžluť " + `\u009b31m\u202e\x9b\u007f` + "日本\n"
	var out bytes.Buffer
	whole := &screen{w: &out}
	n, err := io.WriteString(whole, hostile)
	require.NoError(t, err)
	assert.Equal(t, len(hostile), n)
	assert.Equal(t, shown, out.String())

	out.Reset()
	parts := &screen{w: &out} // characters that are cut in two
	for i := range len(hostile) {
		_, err := parts.Write([]byte{hostile[i]})
		require.NoError(t, err)
	}
	assert.Equal(t, shown, out.String())
}

// A name that is cut keeps its beginning and its end; wide characters and combining ones stay whole.
func TestShortenLeavesOutTheMiddle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		cells int
		want  string
	}{
		{"orders.parquet", 14, "orders.parquet"}, {"orders.parquet", 13, "orders…arquet"}, {"orders.parquet", 2, "o…"}, {"orders", 1, "…"}, {"", 1, ""},
		{"日本語の表", 10, "日本語の表"}, {"日本語の表", 9, "日本…の表"}, {"日本語の表", 8, "日本…表"}, {"e\u0301e\u0301e\u0301e\u0301", 3, "e\u0301…e\u0301"},
	} {
		got := shorten(c.text, c.cells)
		assert.Equal(t, c.want, got, c)
		assert.LessOrEqual(t, ansi.StringWidth(got), c.cells)
	}
}
