package words_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/internal/words"
)

func TestCount(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "0 rows", words.Count(0, "row"))
	assert.Equal(t, "1 row", words.Count(1, "row"))
	assert.Equal(t, "1,234,567 rows", words.Count(1234567, "row"))
	assert.Equal(t, "a check does not pass", words.Plural(1, "a check does not pass", "checks do not pass"))
	assert.Equal(t, "2 checks do not pass", words.Plural(2, "a check does not pass", "checks do not pass"))
}

func TestShorten(t *testing.T) {
	t.Parallel()
	assert.Equal(t, `"a\tb"`, words.Shorten("a\tb"))
	assert.Equal(t, `"`+strings.Repeat("ü", 60)+`"`, words.Shorten(strings.Repeat("ü", 60)))
	assert.Equal(t, `"`+strings.Repeat("ü", 60)+`"…`, words.Shorten(strings.Repeat("ü", 61)))
}

func TestOneOf(t *testing.T) {
	t.Parallel()
	type colour string
	var c colour
	require.NoError(t, words.OneOf(&c, []byte("red"), "red", "green", "blue"))
	assert.Equal(t, colour("red"), c)
	require.EqualError(t, words.OneOf(&c, []byte("Red"), "red", "green", "blue"), `must be red, green or blue, not "Red"`)
	require.EqualError(t, words.OneOf(&c, nil, "red", "green"), `must be red or green, not ""`)
	assert.Equal(t, colour("red"), c, "kept")
}
