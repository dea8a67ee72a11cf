package cli

import (
	"bytes"
	"io"
	"testing"

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
