package repartition_test

import (
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hyperlake/transforms/repartition"
)

func TestValueName(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"AIR":            "AIR",
		"REG AIR":        "REG%20AIR",
		"a/b\\c":         "a%2Fb%5Cc",
		"..":             "..",
		"100%":           "100%25",
		"":               "~empty",
		"~empty":         "%7Eempty",
		"~null":          "%7Enull",
		"null":           "null",
		"é":              "%C3%A9",
		"\x00\n":         "%00%0A",
		"a:b*c?d\"e<f>|": "a%3Ab%2Ac%3Fd%22e%3Cf%3E%7C",
		"2026-01-31":     "2026-01-31",
	} {
		assert.Equal(t, want, repartition.ValueName(value))
	}
}

// Different values have different names, short and safe, from which a value that is not too
// long can be read back as from a URI.
func TestValueNamesAreInjectiveAndBounded(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	values := map[string]string{} // by name
	for range 4_000 {
		value := make([]byte, r.IntN(150))
		for i := range value {
			value[i] = pick(r, 'a', 'A', '%', '~', '/', 0xff, byte(r.IntN(256)))
		}
		name := repartition.ValueName(string(value))
		require.LessOrEqual(t, len(name), 120)
		require.Regexp(t, `^[A-Za-z0-9._%~-]+$`, name)
		require.True(t, values[name] == "" || values[name] == string(value), name)
		values[name] = string(value)
		if !strings.Contains(name, "~") {
			back, err := url.PathUnescape(name)
			require.NoError(t, err)
			require.Equal(t, string(value), back)
		}
	}
	long := strings.Repeat("é", 100)
	assert.NotEqual(t, repartition.ValueName(long), repartition.ValueName(long+"a"))
	assert.Regexp(t, `^(%C3%A9)+(%C3)?~[0-9a-f]{32}$`, repartition.ValueName(long))
}

func TestOutputNamesDifferWithoutRegardToCase(t *testing.T) {
	t.Parallel()
	names := repartition.OutputNames("orders", []string{"EMEA", "emea", "apac", "~null"})
	assert.Equal(t, "orders-apac", names[2])
	assert.Equal(t, "orders-~null", names[3])
	assert.Regexp(t, `^orders-EMEA~[0-9a-f]{32}$`, names[0])
	assert.Regexp(t, `^orders-emea~[0-9a-f]{32}$`, names[1])
	assert.NotEqual(t, strings.ToLower(names[0]), strings.ToLower(names[1]))
}
