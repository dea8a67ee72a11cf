package parquetread

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What was asked for last stays, as far as there is room; what is too large stays until something else comes.
func TestCacheKeepsWhatWasAskedForLast(t *testing.T) {
	t.Parallel()
	c := cache[string]{most: 10}
	loaded := ""
	get := func(key string, bytes int64) {
		value, err := c.get(key, func() (string, int64, error) {
			loaded += key
			return key + key, bytes, nil
		})
		require.NoError(t, err)
		require.Equal(t, key+key, value)
	}
	get("a", 4)
	get("b", 4)
	get("a", 4)
	assert.Equal(t, "ab", loaded)
	get("c", 4) // b goes
	get("a", 4)
	get("b", 4) // c goes
	get("a", 4)
	assert.Equal(t, "abcb", loaded)
	assert.EqualValues(t, 10, c.bytes)
	get("d", 1000)
	get("d", 1000)
	assert.Equal(t, "abcbd", loaded)
	assert.Len(t, c.known, 1)
	get("a", 4)
	assert.Equal(t, "abcbda", loaded)
	assert.EqualValues(t, 5, c.bytes)
	assert.Equal(t, 1, c.order.Len())
	wrong := errors.New("wrong")
	_, err := c.get("e", func() (string, int64, error) { return "", 0, wrong })
	require.ErrorIs(t, err, wrong)
	get("e", 1)
	assert.Equal(t, "abcbdae", loaded)
}
